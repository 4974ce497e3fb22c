// The menu of commands over the composer. The text field keeps the focus; the menu is what it points at.
import { html, useLayoutEffect, useRef } from "../vendor/vendor.js";

/**
 * The commands a text may be the beginning of.
 *
 * @param {import("../lib/types.js").Command[]} all
 * @param {string} text
 */
export function matching(all, text) {
  const start = /^\/(\w*)$/.exec(text)?.[1];
  if (start === undefined) return [];
  return all.map(bare).filter((command) => command.name.startsWith(start.toLowerCase()));
}

/** @param {import("../lib/types.js").Command} command */
const bare = (command) => ({ ...command, name: command.name.replace(/^\//, "") });

/** @param {{options: import("../lib/types.js").Command[], picked: number, take: (command: import("../lib/types.js").Command) => void}} props */
export function CommandMenu({ options, picked, take }) {
  const list = useRef(null);
  useLayoutEffect(() => list.current.children[picked]?.scrollIntoView({ block: "nearest" }), [picked]);
  return html`<ul class="commands" id="commands" role="listbox" aria-label="Commands" ref=${list}>
    ${options.map(
      (command, index) => html`<li
        key=${command.name} id=${`command-${index}`} role="option" aria-selected=${String(index === picked)}
        onMouseDown=${(event) => event.preventDefault()} onClick=${() => take(command)}
      ><code>/${command.name}</code><span>${command.help}</span></li>`,
    )}
  </ul>`;
}
