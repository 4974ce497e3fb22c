// What a reply rests on: the list under it.
import { html } from "../vendor/vendor.js";

/** Where a source lies; a link only where a browser may safely go. @param {{source: string}} props */
export function Origin({ source }) {
  if (!source) return null;
  if (!/^https?:\/\//i.test(source)) return html`<span class="origin">${source}</span>`;
  return html`<a class="origin" href=${source} target="_blank" rel="noopener noreferrer nofollow">${source}</a>`;
}

/** The page it stands on, where it has pages. @param {{citation: import("../lib/types.js").Citation}} props */
export const Page = ({ citation }) =>
  citation.page > 0 && html`<span class="page"><span class="offstage">page ${citation.page}</span><span aria-hidden="true">p. ${citation.page}</span></span>`;

/** @param {{citations: import("../lib/types.js").Citation[]}} props */
export function Sources({ citations }) {
  if (!citations.length) return null;
  return html`<section class="sources" aria-label="Sources">
    <p class="sources-head" aria-hidden="true">Sources</p>
    <ol>
      ${citations.map(
        (citation) => html`<li key=${citation.number}>
          <details>
            <summary><span class="number">${citation.number}</span><span class="title">${citation.title || citation.source}</span><${Page} citation=${citation} /></summary>
            <div class="source">
              ${citation.snippet && html`<blockquote>${citation.snippet}</blockquote>`}
              <${Origin} source=${citation.source} />
            </div>
          </details>
        </li>`,
      )}
    </ol>
  </section>`;
}
