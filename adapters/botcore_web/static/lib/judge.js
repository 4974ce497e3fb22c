// Thumbs: what a person thinks of a reply, shown at once and taken back if the server does not have it.
import * as api from "./api.js";
import { refused } from "./entry.js";
import { newUuid } from "./ids.js";
import { inOrder } from "./queue.js";
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

const queue = inOrder();

/** @param {number} id @param {-1|0|1} feedback @param {-1|0|1} [instead] only where this is what is shown */
function show(id, feedback, instead) {
  const now = thread.peek().entries.find((entry) => entry.id === id);
  if (now && (instead ?? now.feedback) === now.feedback) thread.value = withEntry(thread.peek(), { ...now, feedback });
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
  const judgement = { id: newUuid(), conversation: current.peek(), reply: entry.reply, value, reasons, comment, correction };
  show(entry.id, value);
  try {
    await queue(() => api.feedback(judgement));
    return true;
  } catch (error) {
    show(entry.id, before, value); // a newer judgement stands
    if (!refused(error)) say({ text: `Your rating was not stored: ${error.message}`, tone: "bad" });
    return false;
  }
}
