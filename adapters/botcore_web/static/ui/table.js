// A table whose columns sort, and what a cell looks like.
import { html, useState } from "../vendor/vendor.js";
import { ordered, shown, toneOf } from "../lib/cells.js";
import { copyText } from "../lib/dom.js";
import { Icon, IconButton } from "./atoms.js";

/** @param {{title: string, columns: [string, import("../lib/cells.js").Kind][], rows: import("../lib/cells.js").Cell[][], more: number, empty: string}} props */
export function Table({ title, columns, rows, more, empty }) {
  const [order, sort] = useState({ column: -1, way: /** @type {1|-1} */ (1) });
  const turn = (/** @type {number} */ column) =>
    sort({ column, way: order.column === column && order.way === 1 ? -1 : 1 });
  const sorted = order.column < 0 ? rows : ordered(rows, order.column, order.way);
  return html`<div class="widget">
    ${title && html`<h3>${title}</h3>`}
    ${rows.length === 0 ? html`<${Empty} text=${empty || "There is nothing here yet."} />` : html`
    <div class="scroll" role="region" tabindex="0" aria-label=${title || "Table"}>
      <table>
        <thead><tr>${columns.map(([name, kind], column) => html`<th key=${name} scope="col" class=${`is-${kind}`} aria-sort=${sortOf(order, column)}>
          <button type="button" onClick=${() => turn(column)}>${name}<${Arrow} order=${order} column=${column} /></button>
        </th>`)}</tr></thead>
        <tbody>${sorted.map((row, number) => html`<tr key=${number}>${columns.map(([name, kind], column) => html`
          <td key=${name} class=${`is-${kind}`}><${Value} value=${row[column] ?? null} kind=${kind} /></td>`)}</tr>`)}</tbody>
      </table>
    </div>`}
    ${more > 0 && html`<p class="small">… and ${more.toLocaleString()} more.</p>`}
  </div>`;
}

/** What stands where nothing is; `so` is a command. @param {{text: string}} props */
export const Empty = ({ text }) =>
  html`<p class="empty">${text.split("`").map((part, index) => (index % 2 ? html`<code>${part}</code>` : part))}</p>`;

/** @param {{column: number, way: number}} order @param {number} column */
const sortOf = (order, column) => (order.column !== column ? undefined : order.way === 1 ? "ascending" : "descending");

/** @param {{order: {column: number, way: number}, column: number}} props */
const Arrow = ({ order, column }) =>
  html`<span class="arrow" aria-hidden="true">${order.column !== column ? "" : order.way === 1 ? "▲" : "▼"}</span>`;

/** @param {{value: import("../lib/cells.js").Cell, kind: import("../lib/cells.js").Kind}} props */
function Value({ value, kind }) {
  const text = shown(value, kind);
  if (kind === "code" && value) return html`<${Code} text=${String(value)} />`;
  if (kind === "state") return html`<span class=${`state ${toneOf(value)}`}><span class="dot"></span>${text}</span>`;
  if (kind === "share" && typeof value === "number") return html`<progress max="1" value=${value} aria-label="Share"></progress> ${text}`;
  return text;
}

/** @param {{text: string}} props */
function Code({ text }) {
  const [copied, tell] = useState(false);
  const copy = async () => {
    tell(await copyText(text));
    setTimeout(() => tell(false), 2000);
  };
  return html`<span class="command"><code>${text}</code><${IconButton} icon=${copied ? "check" : "copy"} label=${copied ? "Copied" : `Copy ${text}`} onClick=${copy} /></span>`;
}
