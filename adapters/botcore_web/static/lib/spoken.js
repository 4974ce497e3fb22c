// What a screen reader is told of a finished reply.

/** Why a reply ended otherwise; that it was stopped says its mark. @param {import("./types.js").Entry} entry */
export const whyOf = (entry) => (entry.reason === "Stopped." ? "" : entry.reason);

/** Longer is read in the conversation, not out of it. */
const LONGEST = 400;

/** Notes change with every page that is read; so often one is said, in ms. */
const NOTE_MS = 15_000;
let lastNote = 0;

/** What the running reply waits for, where it is time to say so; else "". @param {import("./types.js").Draft} draft */
export function noteToSay(draft) {
  if (!draft.note || Date.now() - lastNote < NOTE_MS) return "";
  lastNote = Date.now();
  return draft.note;
}

/** @param {import("./types.js").Entry} entry @param {string} name the bot's @returns {string} plain words */
export function spoken(entry, name) {
  const plain = entry.text.replace(/```[\s\S]*?(```|$)/g, " code block ").replace(/[*_`#>]+/g, "").replace(/\s+/g, " ").trim();
  const short = plain.length > LONGEST ? `${plain.slice(0, LONGEST)}…` : plain;
  return entry.outcome === "answered" ? `${name} replied: ${short}` : `Reply ${entry.outcome}. ${whyOf(entry)} ${short}`;
}
