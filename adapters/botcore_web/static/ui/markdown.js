// A reply's text. Drawing is BlockView's; here is what a click in it does.
import { html, useLayoutEffect, useRef } from "../vendor/vendor.js";
import { BlockView } from "../lib/blocks.js";
import { copyText, icon } from "../lib/dom.js";
import { announce } from "../lib/store.js";
import { hideSource, showSource } from "./card.js";

/** @param {{text: string, final: boolean, citations: import("../lib/types.js").Citation[]}} props */
export function Markdown({ text, final, citations }) {
  const host = useRef(null);
  const view = useRef(null);
  useLayoutEffect(() => {
    view.current ??= new BlockView(host.current);
    view.current.show(text, final);
    if (final) view.current.cite(citations);
  }, [text, final, citations]);

  /** The button of that class an event happened in. @param {Event} event @param {string} name @returns {HTMLElement|null} */
  const button = (event, name) => /** @type {Element} */ (event.target).closest(`button.${name}`);
  const cited = (/** @type {Event} */ event) => {
    const anchor = button(event, "cite");
    return anchor && { anchor, citation: citations.find((one) => String(one.number) === anchor.dataset.number) };
  };
  const click = (/** @type {MouseEvent} */ event) => {
    const cite = cited(event);
    if (cite) return showSource(cite.citation, cite.anchor, true);
    const copy = button(event, "copy-code");
    if (copy) copyBlock(copy);
  };
  const over = (/** @type {PointerEvent} */ event) => {
    const cite = event.pointerType === "mouse" && cited(event);
    if (cite) showSource(cite.citation, cite.anchor, false);
  };
  const out = (/** @type {PointerEvent} */ event) => cited(event) && hideSource();
  return html`<div class="markdown" ref=${host} onClick=${click} onPointerOver=${over} onPointerOut=${out}></div>`;
}

/** @param {HTMLElement} button */
async function copyBlock(button) {
  const done = await copyText(button.closest(".code").querySelector("code").textContent);
  button.replaceChildren(icon(done ? "check" : "warn"), done ? "Copied" : "Select and copy");
  announce(done ? "Code copied." : "The browser refused to copy.");
  setTimeout(() => button.replaceChildren(icon("copy"), "Copy"), 2000);
}
