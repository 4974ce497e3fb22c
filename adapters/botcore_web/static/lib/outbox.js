// Messages the server has not confirmed. They survive a reload (not the tab), and each keeps its id, so that sending one
// again can never say it twice.
import { unsent } from "./store.js";

const KEY = "botcore.unsent";

/** @param {import("./types.js").Unsent[]} lines */
function keep(lines) {
  unsent.value = lines;
  try {
    sessionStorage.setItem(KEY, JSON.stringify(lines));
  } catch {
    // No storage, or full: the lines live as long as the page.
  }
}

/** Bring back what an earlier load of this tab left unsent. */
export function restore() {
  try {
    const lines = JSON.parse(sessionStorage.getItem(KEY) || "[]");
    keep(lines.map((line) => ({ files: [], about: "", ...line, state: "failed", resend: true, error: line.error || "Not confirmed yet." })));
  } catch {
    keep([]);
  }
}

/** A line that is known stays in its place. @param {import("./types.js").Unsent} line */
export function put(line) {
  const lines = unsent.peek();
  const known = lines.findIndex((other) => other.id === line.id);
  keep(known < 0 ? [...lines, line] : lines.with(known, line));
}

/** @param {string} id */
export const holds = (id) => unsent.peek().some((line) => line.id === id);

/** @param {string} id */
export const drop = (id) => {
  if (holds(id)) keep(unsent.peek().filter((line) => line.id !== id));
};

const draftOf = (/** @type {string} */ conversation) => `botcore.draft.${conversation}`;

/** What was being typed here. @param {string} conversation */
export function typed(conversation) {
  try {
    return sessionStorage.getItem(draftOf(conversation)) || "";
  } catch {
    return "";
  }
}

/** @param {string} conversation @param {string} text */
export function keepTyped(conversation, text) {
  try {
    if (text) sessionStorage.setItem(draftOf(conversation), text);
    else sessionStorage.removeItem(draftOf(conversation));
  } catch {
    // As above.
  }
}

/** Let go of what was said and typed in a conversation that is deleted. @param {string} conversation */
export function dropConversation(conversation) {
  keep(unsent.peek().filter((line) => line.conversation !== conversation));
  keepTyped(conversation, "");
}
