// Judging a reply: two thumbs, and after a thumb down the question why.
import { html, useEffect, useRef, useState } from "../vendor/vendor.js";
import { judge, REASONS } from "../lib/judge.js";
import { announce } from "../lib/store.js";
import { Icon, IconButton } from "./atoms.js";

/** @param {{entry: import("../lib/types.js").Entry, children: any}} props `children` stand in the same row */
export function Thumbs({ entry, children }) {
  const [asking, ask] = useState(false);
  const down = useRef(null);
  const press = async (/** @type {-1|1} */ value) => {
    const next = entry.feedback === value ? 0 : value;
    ask(next === -1);
    if (await judge(entry, next)) announce(next === 0 ? "Rating taken back." : next === 1 ? "Rated good." : "Rated bad. You can say why.");
    else ask(false);
  };
  const thumb = (value, icon, label, ref) => html`<button
    type="button" class="quiet square thumb" aria-label=${label} title=${label} ref=${ref}
    aria-pressed=${String(entry.feedback === value)} onClick=${() => press(value)}
  ><${Icon} name=${icon} /></button>`;
  const close = () => {
    ask(false);
    down.current?.focus();
  };
  return html`
    <div class="actions" role="group" aria-label="About this reply">
      ${thumb(1, "up", "Good reply")} ${thumb(-1, "down", "Bad reply", down)} ${children}
    </div>
    ${asking && html`<${Why} entry=${entry} close=${close} />`}
  `;
}

/** @param {{entry: import("../lib/types.js").Entry, close: () => void}} props */
function Why({ entry, close }) {
  const [reasons, choose] = useState(/** @type {string[]} */ ([]));
  const first = useRef(null);
  const words = useRef(null);
  useEffect(() => first.current?.scrollIntoView({ block: "nearest" }), []);
  const toggle = (reason) => choose(reasons.includes(reason) ? reasons.filter((one) => one !== reason) : [...reasons, reason]);
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!(await judge(entry, -1, reasons, words.current.value.trim()))) return;
    announce("Thank you. Stored with this reply.");
    close();
  };
  const escape = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  };
  return html`<form class="why" onSubmit=${submit} onKeyDown=${escape} ref=${first}>
    <div class="why-head">
      <strong id=${`why-${entry.id}`}>What was wrong?</strong>
      <${IconButton} icon="close" label="Close without a reason" onClick=${close} />
    </div>
    <div class="chips" role="group" aria-labelledby=${`why-${entry.id}`}>
      ${Object.entries(REASONS).map(
        ([reason, label]) => html`<button
          type="button" class="chip" key=${reason} aria-pressed=${String(reasons.includes(reason))} onClick=${() => toggle(reason)}
        >${label}</button>`,
      )}
    </div>
    <label>
      <span>What would have been right? <em>optional</em></span>
      <textarea rows="2" maxlength="2000" ref=${words}></textarea>
    </label>
    <button type="submit" class="solid">Send</button>
  </form>`;
}
