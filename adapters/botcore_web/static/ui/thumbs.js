// Judging a reply: two thumbs, and after a thumb down the questions why, and what would have been right.
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
      ${thumb(1, "up", "Good reply")} ${thumb(-1, "down", "Bad reply", down)}
      ${entry.feedback === -1 && html`<button type="button" class="quiet" aria-expanded=${String(asking)} onClick=${() => ask(!asking)}>Say why</button>`}
      ${children}
    </div>
    ${asking && html`<${Why} entry=${entry} close=${close} />`}
  `;
}

/** Characters of a correction. */
const LONGEST = 8000;

/** @param {{entry: import("../lib/types.js").Entry, close: () => void}} props */
function Why({ entry, close }) {
  const [reasons, choose] = useState(/** @type {string[]} */ ([]));
  const form = useRef(null);
  const comment = useRef(null);
  const correction = useRef(null);
  useEffect(() => form.current?.scrollIntoView({ block: "nearest" }), []);
  const toggle = (reason) => choose(reasons.includes(reason) ? reasons.filter((one) => one !== reason) : [...reasons, reason]);
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const words = comment.current.value.trim();
    const right = correction.current.value.trim();
    const more = { reasons, comment: words, correction: right === entry.text.trim() ? "" : right };
    if (!(await judge(entry, -1, more))) return;
    announce("Thank you. Stored with this reply.");
    close();
  };
  const start = () => {
    correction.current.value = entry.text;
    correction.current.focus();
  };
  const escape = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  };
  return html`<form class="why" onSubmit=${submit} onKeyDown=${escape} ref=${form}>
    <div class="why-head">
      <strong id=${`why-${entry.id}`}>Why was it bad?</strong>
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
      <span>What was wrong? <em>optional</em></span>
      <textarea rows="2" maxlength="4000" ref=${comment}></textarea>
    </label>
    <div class="correction">
      <label>
        <span>What should it have said? <em>optional</em></span>
        <textarea rows="3" maxlength=${LONGEST} ref=${correction}></textarea>
      </label>
      ${entry.text.length <= LONGEST && html`<button type="button" class="quiet" onClick=${start}>Start from the reply</button>`}
    </div>
    <button type="submit" class="solid">Send</button>
  </form>`;
}
