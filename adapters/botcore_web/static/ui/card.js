// The card that shows one source: where it is from, and the words that were used. By click it stays, by hovering it visits.
import { html, useLayoutEffect, useRef } from "../vendor/vendor.js";
import { card } from "../lib/store.js";
import { IconButton } from "./atoms.js";
import { Origin, Page } from "./sources.js";

const EDGE = 12;
let timer = 0;

/** @param {import("../lib/types.js").Citation} citation @param {HTMLElement} anchor @param {boolean} pinned */
export function showSource(citation, anchor, pinned) {
  clearTimeout(timer);
  const open = card.peek();
  if (pinned && open?.pinned && open.anchor === anchor) return closeSource();
  if (open?.pinned && !pinned) return;
  timer = setTimeout(() => (card.value = { citation, anchor, pinned }), pinned ? 0 : 140);
}

/** The pointer has left: a visiting card goes, unless the pointer has moved onto it. */
export function hideSource() {
  clearTimeout(timer);
  timer = setTimeout(() => !card.peek()?.pinned && (card.value = null), 220);
}

/** Close it, and give the keyboard back. */
export function closeSource() {
  const open = card.peek();
  card.value = null;
  if (open?.pinned) open.anchor.focus({ preventScroll: true });
}

export function Card() {
  const box = useRef(null);
  const open = card.value;
  useLayoutEffect(() => {
    if (!open) return;
    place(box.current, open.anchor);
    open.anchor.setAttribute("aria-expanded", "true");
    if (open.pinned) box.current.focus();
    const outside = (/** @type {Event} */ event) => {
      const target = /** @type {Node} */ (event.target);
      if (!box.current?.contains(target) && !open.anchor.contains(target)) card.value = null;
    };
    // The conversation scrolls by itself while a reply grows: the card goes along for as long as its mark can be seen.
    const moved = () => {
      const at = open.anchor.getBoundingClientRect();
      if (at.bottom <= 0 || at.top >= innerHeight) closeSource();
      else place(box.current, open.anchor);
    };
    document.addEventListener("pointerdown", outside);
    addEventListener("resize", moved);
    document.addEventListener("scroll", moved, { capture: true });
    return () => {
      open.anchor.removeAttribute("aria-expanded");
      document.removeEventListener("pointerdown", outside);
      removeEventListener("resize", moved);
      document.removeEventListener("scroll", moved, { capture: true });
    };
  }, [open]);
  if (!open) return null;
  const { citation } = open;
  const keep = () => clearTimeout(timer);
  return html`<div
    class="card" role="dialog" aria-label=${`Source ${citation.number}`} tabindex="-1" ref=${box}
    onPointerEnter=${keep} onPointerLeave=${hideSource}
  >
    <div class="card-head">
      <span class="number">${citation.number}</span>
      <strong>${citation.title} <${Page} citation=${citation} /></strong>
      <${IconButton} icon="close" label="Close" onClick=${closeSource} />
    </div>
    ${citation.snippet && html`<blockquote>${citation.snippet}</blockquote>`}
    <${Origin} source=${citation.source} />
  </div>`;
}

/** Under the mark where there is room, else above; always inside the window. @param {HTMLElement} box @param {HTMLElement} anchor */
function place(box, anchor) {
  const at = anchor.getBoundingClientRect();
  const left = Math.max(EDGE, Math.min(at.left - 24, innerWidth - box.offsetWidth - EDGE));
  const below = at.bottom + 8;
  const fits = below + box.offsetHeight + EDGE < innerHeight;
  box.style.left = `${left}px`;
  box.style.top = `${fits ? below : Math.max(EDGE, at.top - box.offsetHeight - 8)}px`;
}
