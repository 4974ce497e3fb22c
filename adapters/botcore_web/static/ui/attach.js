// Attaching files: the clip, dropping, pasting, and a chip for each file until its message is sent.
import { html, signal, useRef } from "../vendor/vendor.js";
import * as attach from "../lib/attach.js";
import { limits, locked } from "../lib/store.js";
import { Icon, IconButton } from "./atoms.js";

const dropping = signal(false);

export function AttachButton() {
  const input = useRef(null);
  if (!limits.value.file) return null;
  const chosen = () => {
    attach.add(input.current.files);
    input.current.value = ""; // the same file may be chosen again
    document.getElementById("message")?.focus();
  };
  return html`<div class="attach">
    <input type="file" multiple hidden accept=${limits.value.kinds.join(",")} ref=${input} onChange=${chosen} />
    <${IconButton} icon="clip" label="Attach files" onClick=${() => input.current.click()} />
  </div>`;
}

/** @param {{files: import("../lib/types.js").Attached[]}} props */
export function Attached({ files }) {
  if (!files.length) return null;
  return html`<ul class="attached" aria-label="Attached files">${files.map((one) => html`<${Chip} key=${one.file} one=${one} />`)}</ul>`;
}

/** @param {{one: import("../lib/types.js").Attached}} props */
function Chip({ one }) {
  const busy = one.state === "queued" || one.state === "sending";
  const drop = (/** @type {MouseEvent} */ event) => {
    const chip = /** @type {HTMLElement} */ (event.currentTarget).closest("li");
    const near = chip.nextElementSibling ?? chip.previousElementSibling;
    attach.remove(one);
    // The keyboard must not fall off the page.
    (/** @type {HTMLElement} */ (near?.querySelector(".remove")) ?? document.getElementById("message"))?.focus();
  };
  const again = (/** @type {MouseEvent} */ event) => {
    const chip = /** @type {HTMLElement} */ (event.currentTarget).closest("li");
    attach.retry(one);
    /** @type {HTMLElement} */ (chip.querySelector(".remove")).focus(); // this button goes
  };
  const words = { queued: "Waiting", sending: `${Math.floor((100 * one.sent) / one.size)} %`, done: attach.sized(one.size), failed: one.error };
  return html`<li class=${`file ${one.state}`}>
    <${Icon} name=${one.state === "failed" ? "warn" : "file"} />
    <span class="file-words"><span class="file-name" title=${one.name}>${one.name}</span><span class="file-state">${words[one.state]}</span>
      ${busy && html`<progress aria-label=${`Upload of ${one.name}`} max=${one.size} value=${one.sent}></progress>`}
    </span>
    ${one.state === "failed" && !one.hopeless && html`<${IconButton} icon="again" label=${`Try ${one.name} again`} onClick=${again} />`}
    <${IconButton} icon="close" class="remove" label=${`${busy ? "Cancel" : "Remove"} ${one.name}`} onClick=${drop} />
  </li>`;
}

/** What one sees while files hang over the page. */
export const DropZone = () =>
  dropping.value && html`<div class="drop" aria-hidden="true"><p><${Icon} name="clip" />Drop to attach</p></div>`;

/** Files may be dropped and pasted anywhere on the page; nothing else is touched. */
export function listenToFiles() {
  const carries = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  const over = (/** @type {DragEvent} */ event) => {
    if (!carries(event)) return;
    event.preventDefault();
    dropping.value = limits.peek().file > 0 && !locked.peek();
  };
  addEventListener("dragenter", over);
  addEventListener("dragover", over);
  // It comes for every element on the way, but not for one that a growing reply has replaced: counting would go wrong.
  addEventListener("dragleave", (event) => event.relatedTarget || (dropping.value = false));
  addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault(); // or the browser would leave the page for the file
    dropping.value = false;
    if (locked.peek()) return;
    attach.add(event.dataTransfer.files);
    document.getElementById("message")?.focus();
  });
  addEventListener("paste", (event) => {
    const { files, types } = event.clipboardData;
    // Copied words often come with a picture of themselves.
    if (!files.length || types.includes("text/plain") || locked.peek() || !limits.peek().file) return;
    event.preventDefault();
    attach.add(files);
  });
}
