// Thumbs: what a person thinks of a reply, shown at once and taken back if the server does not have it.
import * as api from "./api.js";
import { refused } from "./entry.js";
import { newUuid } from "./ids.js";
import { current, say, thread } from "./store.js";
import { withEntry } from "./thread.js";

/** The reasons offered after a thumb down: what is sent → what is read. */
export const REASONS = {
  wrong: "Not true",
  incomplete: "Incomplete",
  sources: "Wrong sources",
  ignored: "Missed the question",
  style: "Tone or length",
  harmful: "Harmful",
};

/** @param {number} id @param {-1|0|1} feedback */
function show(id, feedback) {
  const now = thread.peek().entries.find((entry) => entry.id === id);
  if (now) thread.value = withEntry(thread.peek(), { ...now, feedback });
}

/**
 * Judge a reply; 0 takes the judgement back.
 *
 * @param {import("./types.js").Entry} entry
 * @param {-1|0|1} value
 * @param {{reasons?: string[], comment?: string, correction?: string}} [more] adds to an earlier judgement of the same value
 * @returns {Promise<boolean>} whether the server has it
 */
export async function judge(entry, value, { reasons = [], comment = "", correction = "" } = {}) {
  const before = entry.feedback;
  show(entry.id, value);
  try {
    await api.feedback({ id: newUuid(), conversation: current.peek(), reply: entry.reply, value, reasons, comment, correction });
    return true;
  } catch (error) {
    show(entry.id, before);
    if (!refused(error)) say({ text: `Your rating was not stored: ${error.message}`, tone: "bad" });
    return false;
  }
}
