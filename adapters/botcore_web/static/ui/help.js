// The keyboard, and what the marks mean.
import { html, useEffect, useRef } from "../vendor/vendor.js";
import { NEW_CHAT } from "../lib/keys.js";
import { commands, helpOpen } from "../lib/store.js";
import { IconButton } from "./atoms.js";

const KEYS = [
  ["Enter", "Send"],
  ["Shift Enter", "New line"],
  ["Esc", "Stop the reply, or close what is open"],
  ["/", "At the start of a message: the commands"],
  ["Ctrl /", "Write"],
  [NEW_CHAT.join(", "), "New chat"],
  ["Ctrl Z", "Bring back what was just deleted"],
];

/** Where there is such a command, documents are read. */
const STAYS = "What was read of a document stays, for all your conversations: /sources lists it, /sources remove NAME takes it out.";

export function Help() {
  const box = useRef(null);
  const open = helpOpen.value;
  const read = commands.value.some(({ name }) => name === "sources");
  useEffect(() => {
    if (open) box.current.showModal();
    else box.current.close();
  }, [open]);
  const close = () => (helpOpen.value = false);
  const outside = (/** @type {MouseEvent} */ event) => event.target === box.current && close();
  return html`<dialog class="help" aria-labelledby="help-title" ref=${box} onClose=${close} onClick=${outside}>
    <div class="help-body">
      <div class="card-head"><h2 id="help-title">Help</h2><${IconButton} icon="close" label="Close" onClick=${close} /></div>
      <dl>${KEYS.map(([key, does]) => html`<div key=${key}><dt>${key.split(", ").map((one) => html`<kbd>${one}</kbd>`)}</dt><dd>${does}</dd></div>`)}</dl>
      <p>A number in a reply names its source: point at it, or press it. Your thumbs are kept with the exact reply and can train the next version of the model; press again to take one back.</p>
      <p>Files: press the clip, drop them anywhere on the page, or paste them. They are kept on this bot's own disk, and go with the conversation. ${read && STAYS}</p>
    </div>
  </dialog>`;
}
