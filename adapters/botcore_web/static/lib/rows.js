// What to draw of a conversation, top to bottom. Pure: records in, rows out.
import { accepted, AGAIN, draftKey } from "./thread.js";

/**
 * @typedef {{key: string, kind: "user", text: string, files: import("./types.js").SaidFile[], at: number, unsent: import("./types.js").Unsent|null, waiting: boolean}} UserItem
 * @typedef {{key: string, kind: "reply", entry: import("./types.js").Entry|null, draft: import("./types.js").Draft|null, earlier: boolean}} ReplyItem
 * @typedef {{replies: ReplyItem[]}} Exchange The answers to one question, oldest first; mostly one.
 */

/**
 * Committed lines, then what is accepted with the running reply under its question, then what is unsent. Another answer
 * stands in the place of the earlier ones, which are folded; its question is not repeated.
 *
 * @param {import("./thread.js").Thread} thread
 * @param {import("./types.js").Unsent[]} unsent
 * @returns {(UserItem|ReplyItem)[]}
 */
export function items(thread, unsent) {
  /** @type {(UserItem|Exchange)[]} */
  const rows = [];
  /** Reply's id → the exchange it stands in. @type {Map<string, Exchange>} */
  const known = new Map();
  const open = (/** @type {ReplyItem} */ item) => {
    const exchange = { replies: [item] };
    rows.push(exchange);
    return exchange;
  };
  for (const entry of thread.entries) {
    const mine = known.get(entry.again);
    if (entry.role === "user") {
      if (!mine) rows.push(user(entry.message || `entry-${entry.id}`, entry));
      continue;
    }
    const item = reply(thread.keys[entry.id] ?? `entry-${entry.id}`, { entry });
    if (mine) mine.replies.push(item);
    known.set(entry.reply, mine ?? open(item));
  }
  const running = (/** @type {import("./types.js").Draft} */ draft, /** @type {Exchange|undefined} */ place) => {
    const item = reply(draftKey(draft.message), { draft });
    if (place) place.replies.push(item);
    else open(item);
  };

  const { draft, pending } = thread;
  const asked = (/** @type {{about: string, text: string}} */ line) => placeOf(line, known, thread);
  if (draft && !pending.some((line) => line.message === draft.message)) running(draft, known.get(lastAgain(thread)));
  pending.forEach((line, index) => {
    const place = asked(line);
    if (!place) rows.push(user(line.id, line, null, index > 0));
    if (draft?.message === line.message) running(draft, place);
    else if (index === 0 && !draft) running(nothingYet(line.message), place);
  });
  for (const line of unsent) {
    if (accepted(thread, line.id)) continue;
    const place = line.about && asked(line);
    if (place) place.replies.push(reply(line.id, { draft: nothingYet(0) }));
    else rows.push(user(line.id, line, line));
  }
  return rows.flatMap((row) => ("replies" in row ? folded(row.replies) : [row]));
}

/** Where the answer to a line belongs that asks for another one; undefined where it asks something of its own. */
function placeOf(line, known, thread) {
  if (line.about) return known.get(line.about);
  if (line.text.trim() !== AGAIN) return undefined;
  return known.get(thread.entries.findLast((entry) => entry.judgeable)?.reply);
}

/** The reply that the line committed last asks for again; its own answer is not committed yet. */
function lastAgain(thread) {
  const last = thread.entries.at(-1);
  return last?.role === "user" ? last.again : "";
}

/** The last good answer counts, as it does in the bot's memory; what came before it is folded. @param {ReplyItem[]} replies */
function folded(replies) {
  const counts = replies.findLastIndex((item) => item.draft || item.entry.outcome === "answered");
  return replies.map((item, index) => (index < counts ? { ...item, earlier: true } : item));
}

/** @returns {import("./types.js").Draft} */
const nothingYet = (message) => ({ message, turn: "", text: "", length: 0, phase: "waiting", note: "" });

/** @returns {UserItem} */
const user = (key, { text, files, at }, unsent = null, waiting = false) => ({ key, kind: "user", text, files, at, unsent, waiting });

/** @returns {ReplyItem} */
const reply = (key, { entry = null, draft = null }) => ({ key, kind: "reply", entry, draft, earlier: false });
