// What the page itself has to say: the connection, a passing line, and the voice for screen readers.
import { html, useEffect, useState } from "../vendor/vendor.js";
import { reconnect } from "../lib/chat.js";
import { focusLog } from "../lib/dom.js";
import { announce, announced, connection, toast } from "../lib/store.js";
import { Icon, IconButton, useWayBack } from "./atoms.js";

/** A hiccup shorter than this is nobody's business, in ms. */
const PATIENCE = 1200;

/** The connection's state → what is said of it. @type {Record<string, string>} */
const WORDS = {
  lost: "Connection lost. Trying again by itself; nothing that was sent is lost.",
  crowded: "This page is open in too many tabs of this browser. Close some of them, and replies arrive here again; nothing that was sent is lost.",
  cookies: "This browser keeps no cookie for this page, and conversations belong to one. Allow it, and the page goes on by itself.",
};

export function Banner() {
  const words = WORDS[connection.value];
  const lost = Boolean(words);
  const [shown, show] = useState(false);
  useWayBack(".banner", focusLog);
  useEffect(() => {
    if (lost) {
      const timer = setTimeout(() => show(true), PATIENCE);
      return () => clearTimeout(timer);
    }
    if (shown) announce("Connected again.");
    show(false);
  }, [lost]);
  return html`<div role="status" class="banner-place">${lost && shown && html`<div class="banner">
    <${Icon} name="warn" />
    <span>${words}</span>
    ${connection.value !== "cookies" && html`<button type="button" class="quiet" onClick=${() => (focusLog(), reconnect())}>Try now</button>`}
  </div>`}</div>`;
}

export function Toast() {
  const line = toast.value;
  useWayBack(".toast", focusLog);
  return html`<div role="status" class="toast-place">${line && html`<div class=${`toast ${line.tone ?? ""}`}>
    <span>${line.text}</span>
    ${line.action && html`<button type="button" class="quiet" title="Ctrl Z" aria-keyshortcuts="Control+Z" onClick=${() => (focusLog(), line.act())}>${line.action}</button>`}
    <${IconButton} icon="close" label="Dismiss" onClick=${() => (focusLog(), (toast.value = null))} />
  </div>`}</div>`;
}

/** Replies are told once, when they are whole; the log itself stays silent. */
export const Voice = () => html`<div class="offstage" role="status" aria-live="polite">${announced.value}</div>`;
