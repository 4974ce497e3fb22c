// The keys that work everywhere on the page.
import * as chat from "./chat.js";
import { busy, card, helpOpen, locked, sidebar, toast } from "./store.js";

const typing = (/** @type {any} */ target) => target.closest?.("input, textarea, select, [contenteditable]") !== null;

/** Whether the key's own undo has words to take back. @param {any} target */
const typed = (target) => typing(target) && target.value !== "";

/** @param {{covering: () => boolean, closeSource: () => void}} ui */
export function listenToKeys(ui) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || locked.peek() || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") return escape(ui);
    if ((event.ctrlKey || event.metaKey) && event.key === "z" && toast.peek()?.act && !typed(event.target)) {
      event.preventDefault();
      return toast.peek().act();
    }
    const newChat = (event.altKey && event.code === "KeyN") || ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k");
    if (newChat) {
      event.preventDefault();
      chat.openNew();
    } else if (!typing(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey) {
      if (event.key === "/") focusComposer(event);
      if (event.key === "?") helpOpen.value = true;
    }
  });
}

/** Close what is on top; with nothing open, stop the reply. */
function escape(ui) {
  if (card.peek()) ui.closeSource();
  else if (ui.covering()) sidebar.value = false;
  else if (busy.peek()) chat.stop();
}

/** @param {KeyboardEvent} event */
function focusComposer(event) {
  event.preventDefault();
  document.getElementById("message")?.focus();
}
