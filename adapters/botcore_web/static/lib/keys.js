// The keys that work everywhere on the page. None is a single character: who speaks to a computer types them by accident
// (WCAG 2.1.4).
import * as chat from "./chat.js";
import { busy, card, locked, sidebar, toast } from "./store.js";

/** On a Mac Option writes letters: with N it is ń, or the tilde of ñ. There Ctrl K alone begins a new chat. */
const optionWrites = /Mac|iP(hone|ad)/.test(navigator.platform);

/** The keys of a new chat, the shortest first. */
export const NEW_CHAT = optionWrites ? ["Ctrl K"] : ["Alt N", "Ctrl K"];

/** Whether the key's own undo has words to take back. @param {any} target */
const typed = (target) => target.matches?.("input, textarea") && target.value !== "";

/** @param {{covering: () => boolean, closeSource: () => void}} ui */
export function listenToKeys(ui) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || locked.peek() || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") return escape(ui);
    if ((event.ctrlKey || event.metaKey) && event.key === "z" && toast.peek()?.act && !typed(event.target)) {
      event.preventDefault();
      return toast.peek().act();
    }
    const newChat = (event.altKey && !event.ctrlKey && !optionWrites && event.code === "KeyN") || ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k");
    const write = (event.ctrlKey || event.metaKey) && event.key === "/";
    if (newChat || write) event.preventDefault();
    if (newChat) chat.openNew();
    if (write) document.getElementById("message")?.focus();
  });
}

/** Close what is on top; with nothing open, stop the reply. */
function escape(ui) {
  if (card.peek()) ui.closeSource();
  else if (ui.covering()) sidebar.value = false;
  else if (busy.peek()) chat.stop();
}
