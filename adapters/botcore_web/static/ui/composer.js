// Where one writes. Enter sends, Shift-Enter breaks the line; "/" at the start offers the commands.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/vendor.js";
import * as attach from "../lib/attach.js";
import { stop } from "../lib/chat.js";
import { focusLog } from "../lib/dom.js";
import { keepTyped, typed } from "../lib/outbox.js";
import { send, settleHere } from "../lib/send.js";
import { announce, busy, commands, current, limits, name, say, stopping } from "../lib/store.js";
import { Icon, useWayBack } from "./atoms.js";
import { AttachButton, Attached } from "./attach.js";
import { CommandMenu, matching } from "./commands.js";

/** An order, not a message: the bot keeps no line of it, so none may wait for a reply. */
const STOP = "/stop";

/** With fingers Enter is the only way to break a line; the button sends. */
const touch = matchMedia("(pointer: coarse)");

export function Composer() {
  const field = useRef(null);
  const [text, write] = useState("");
  const [picked, pick] = useState(0);
  const [dismissed, dismiss] = useState(false);
  const id = current.value;
  const files = attach.here.value;
  const options = dismissed ? [] : matching(commands.value, text);
  const open = options.length > 0;

  useEffect(() => {
    write(typed(id));
    if (!touch.matches && !document.querySelector("dialog[open]")) field.current.focus();
  }, [id]);
  useLayoutEffect(() => {
    field.current.style.height = "auto";
    field.current.style.height = `${field.current.scrollHeight}px`;
  }, [text]);
  useEffect(() => {
    if (open) announce(`${options.length} ${options.length === 1 ? "command" : "commands"}. Arrow keys choose, Tab takes.`);
  }, [open, options.length]);

  // The button goes with the reply; fingers get no on-screen keyboard they did not ask for.
  const leaveStop = () => (touch.matches ? focusLog() : field.current.focus());
  useWayBack(".stop", leaveStop);

  const change = (/** @type {string} */ value) => {
    if (value) settleHere();
    write(value);
    pick(0);
    dismiss(false);
    keepTyped(id, value);
  };
  const submit = (/** @type {Event} */ event) => {
    event?.preventDefault();
    const said = text.trim();
    const long = [...said].length;
    if (!said && !files.length) return;
    if (said.toLowerCase() === STOP) return order();
    if (long > limits.value.text) return say({ text: `A message has at most ${limits.value.text.toLocaleString()} characters; this one has ${long.toLocaleString()}.`, tone: "bad" });
    const missing = attach.unready(files);
    if (missing) return say({ text: missing, tone: "bad" });
    change("");
    send(said, attach.take(id));
    field.current.focus();
  };
  const halt = (/** @type {MouseEvent} */ event) => {
    leaveStop();
    if (event.detail < 2) stop(); // else it is the second half of a double click on Send, whose place this button took
  };
  const order = () => {
    change("");
    return busy.value ? stop() : say({ text: "Nothing is running." });
  };
  const take = (/** @type {import("../lib/types.js").Command} */ command) => {
    change(`/${command.name} `);
    field.current.focus();
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (open && chooseByKey(event)) return event.preventDefault();
    if (event.key === "Enter" && !event.shiftKey && !touch.matches) submit(event);
  };
  /** @param {KeyboardEvent} event @returns {boolean} whether the menu took the key */
  const chooseByKey = (event) => {
    const count = options.length;
    if (event.key === "ArrowDown") pick((picked + 1) % count);
    else if (event.key === "ArrowUp") pick((picked + count - 1) % count);
    else if (event.key === "Escape") dismiss(true);
    else if (event.key === "Tab" && !event.shiftKey) take(options[picked]);
    else if (event.key === "Enter" && !event.shiftKey && text.trim() !== `/${options[picked].name}`) take(options[picked]);
    else return false;
    return true;
  };

  const something = Boolean(text.trim() || files.length);
  return html`<form class="composer" onSubmit=${submit} aria-label="Write a message">
    ${open && html`<${CommandMenu} options=${options} picked=${picked} take=${take} />`}
    <${Attached} files=${files} />
    <label class="offstage" for="message">Message to ${name.value}</label>
    <textarea
      id="message" rows="1" dir="auto" placeholder=${`Ask ${name.value}…`} enterkeyhint=${touch.matches ? "enter" : "send"} autocomplete="off" spellcheck="true"
      ref=${field} value=${text} onInput=${(event) => change(event.target.value)} onKeyDown=${key}
      aria-autocomplete="list" aria-haspopup="listbox" aria-controls=${open ? "commands" : undefined}
      aria-activedescendant=${open ? `command-${picked}` : undefined} aria-describedby="keys"
    ></textarea>
    <${AttachButton} />
    <div class="composer-foot">
      <span class="keys" id="keys"><kbd>/</kbd> commands <kbd>Enter</kbd> send <kbd>Shift Enter</kbd> new line</span>
      ${busy.value && html`<button type="button" class="round stop" aria-label=${stopping.value ? "Stopping" : "Stop the reply"} title="Stop (Esc)" aria-disabled=${String(stopping.value)} onClick=${halt}><${Icon} name="stop" /></button>`}
      ${(!busy.value || something) && html`<button type="submit" class="round send" aria-label="Send" title="Send (Enter)" disabled=${!something}><${Icon} name="send" /></button>`}
    </div>
  </form>`;
}
