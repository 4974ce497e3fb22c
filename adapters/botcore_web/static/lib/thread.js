// One conversation as the page knows it, and what each event makes of it. Pure: records in, records out.

/**
 * @typedef {object} Thread
 * @property {import("./types.js").Entry[]} entries in the order of their ids
 * @property {import("./types.js").Pending[]} pending in the order they were accepted
 * @property {import("./types.js").Draft|null} draft
 * @property {number|null} answering the accepted message whose line was committed last, until its reply is
 * @property {Record<number, string>} keys a committed reply's id → the key its draft was drawn under, so that it is not drawn anew
 */

/** The message that asks for another answer; typed, it means the newest one. */
export const AGAIN = "/again";

/** @returns {Thread} */
export const emptyThread = () => ({ entries: [], pending: [], draft: null, answering: null, keys: {} });

/** @param {Thread} thread */
export const lastId = (thread) => String(thread.entries.at(-1)?.id ?? 0);

/** @param {Thread} thread */
export const running = (thread) => thread.pending.length > 0 || thread.draft !== null;

/** Whether the server has this message of ours. @param {Thread} thread @param {string} id */
export const accepted = (thread, id) =>
  thread.pending.some((line) => line.id === id) || thread.entries.some((entry) => entry.message === id && entry.role === "user");

/** @param {number} message */
export const draftKey = (message) => `reply-${message}`;

/** @param {Thread} thread @param {import("./types.js").Entry} entry @returns {Thread} */
export function withEntry(thread, entry) {
  const known = thread.entries.findIndex((other) => other.id === entry.id);
  if (known >= 0) return { ...thread, entries: thread.entries.with(known, entry) };
  const entries = [...thread.entries, entry].sort((a, b) => a.id - b.id);
  if (entry.role === "user") {
    const line = thread.pending.find((other) => other.id === entry.message);
    return { ...thread, entries, pending: thread.pending.filter((other) => other !== line), answering: line?.message ?? null };
  }
  const { answering, draft } = thread;
  const keys = answering === null ? thread.keys : { ...thread.keys, [entry.id]: draftKey(answering) };
  // A reply ends its own draft; a message stopped further down the line, maybe one we never heard of, does not.
  return { ...thread, entries, keys, draft: answering === draft?.message ? null : draft, answering: null };
}

/** What was said before the first line that is here; nothing that runs hears of it. @param {Thread} thread @param {import("./types.js").Entry[]} entries @returns {Thread} */
export const withEarlier = (thread, entries) => ({ ...thread, entries: [...entries, ...thread.entries] });

/** @param {Thread} thread @param {import("./types.js").Pending} line @returns {Thread} */
export function withPending(thread, line) {
  if (accepted(thread, line.id)) return line.untold ? thread : told(thread, (other) => other.id === line.id);
  return { ...thread, pending: [...thread.pending, line].sort((a, b) => a.message - b.message) };
}

/** @param {Thread} thread @param {(line: import("./types.js").Pending) => boolean} which @returns {Thread} */
const told = (thread, which) => ({ ...thread, pending: thread.pending.map((line) => (which(line) ? { ...line, untold: false } : line)) });

/** A stream that is asked for now will know all that waits. @param {Thread} thread @returns {Thread} */
export const withNewStream = (thread) => told(thread, () => true);

/**
 * Only these still wait: the others were forgotten, and their draft with them; what was sent meanwhile may be missing.
 *
 * @param {Thread} thread @param {number[]} messages @returns {Thread}
 */
export function withWaiting(thread, messages) {
  const pending = thread.pending.filter((line) => line.untold || messages.includes(line.message));
  const waits = pending.some((line) => line.message === thread.draft?.message);
  return { ...thread, pending, draft: waits ? thread.draft : null };
}

/** The first `count` code points of `text`; the server counts code points, JavaScript counts UTF-16. @param {string} text @param {number} count */
function firstPoints(text, count) {
  let index = 0;
  for (let point = 0; point < count && index < text.length; point++) index += text.codePointAt(index) > 0xffff ? 2 : 1;
  return text.slice(0, index);
}

const points = (/** @type {string} */ text) => {
  let count = 0;
  for (const _ of text) count++;
  return count;
};

/**
 * The draft after one more event; null where a piece is missing and the stream must be taken up again.
 *
 * @param {import("./types.js").Draft|null} draft
 * @param {import("./types.js").DraftEvent} event
 * @returns {import("./types.js").Draft|null}
 */
export function grown(draft, event) {
  const same = draft !== null && draft.turn === event.turn && draft.message === event.message;
  const base = same ? draft : { text: "", length: 0 };
  if (event.offset > base.length) return null;
  const kept = event.offset === base.length ? base.text : firstPoints(base.text, event.offset);
  return {
    message: event.message,
    turn: event.turn,
    text: kept + event.text,
    length: event.offset + points(event.text),
    phase: event.phase,
    note: event.note,
  };
}
