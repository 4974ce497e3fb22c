// The list of conversations: fetching it, and deleting with time to think again.
import { batch } from "../vendor/vendor.js";
import * as api from "./api.js";
import * as attach from "./attach.js";
import { refused } from "./entry.js";
import * as outbox from "./outbox.js";
import * as store from "./store.js";

/** Long enough to read it, and to find the way there without a mouse. */
const UNDO_MS = 10_000;
/** What waits for its undo to run out: id → timer. @type {Map<string, number>} */
const parting = new Map();

const KEY = "botcore.leaving";
try {
  // A reload may read the list before the bot has carried out what the page asked for on its way out.
  store.leaving.value = JSON.parse(sessionStorage.getItem(KEY) || "[]");
} catch {
  // No storage: it is listed until the next look.
}

/** How many are deleted: a list that was asked for before the last of them still has it. */
let gone = 0;

/** Fetch the list; where that fails it stays as it was, and the banner already says why. */
export async function refreshList() {
  const before = gone;
  try {
    const newest = await api.conversations();
    if (gone !== before) return await refreshList();
    const { conversations, older } = withOlder(newest, store.conversations.peek(), store.older.peek());
    const open = store.conversations.peek().find((one) => one.id === store.current.peek());
    const missing = open && store.rows.peek().length > 0 && !has(conversations, open.id);
    batch(() => {
      store.conversations.value = missing ? [open, ...conversations] : conversations;
      store.older.value = older;
    });
  } catch (error) {
    refused(error);
  }
}

const has = (/** @type {import("./types.js").Conversation[]} */ list, /** @type {string} */ id) => list.some((one) => one.id === id);

/**
 * The newest, and what was listed below the last of them. Where that was not listed, something would be missing between.
 *
 * @param {import("./types.js").Listed} newest @param {import("./types.js").Conversation[]} listed @param {boolean} more below these
 * @returns {import("./types.js").Listed}
 */
function withOlder({ conversations, older }, listed, more) {
  const seam = older ? listed.findIndex((one) => one.id === conversations.at(-1)?.id) + 1 : 0;
  const below = seam ? listed.slice(seam).filter((one) => !has(conversations, one.id)) : [];
  return { conversations: [...conversations, ...below], older: below.length ? more : older };
}

let asking = false;

/** Put the next piece below the last one listed. */
export async function showOlder() {
  if (asking) return;
  asking = true;
  const last = store.conversations.peek().at(-1);
  try {
    const { conversations, older } = await api.conversations(last?.at);
    const listed = store.conversations.peek();
    if (listed.at(-1)?.id !== last?.id) return; // deleted meanwhile, or listed anew
    const more = conversations.filter((one) => !has(listed, one.id));
    batch(() => {
      store.conversations.value = [...listed, ...more];
      store.older.value = older;
    });
    store.announce(`${more.length} older conversations are listed.`);
  } catch (error) {
    if (!refused(error)) store.say({ text: `Not shown: ${error.message}`, tone: "bad" });
  } finally {
    asking = false;
  }
}

/**
 * Delete a conversation, unless it is undone within ten seconds.
 *
 * @param {import("./types.js").Conversation} one
 * @param {{openNew: () => void, openKnown: (id: string) => void}} chat
 */
export function remove(one, chat) {
  const wasOpen = one.id === store.current.peek();
  store.leaving.value = [...store.leaving.peek(), one.id];
  parting.set(one.id, setTimeout(() => removeNow(one.id), UNDO_MS));
  if (wasOpen) chat.openNew();
  const undo = () => {
    spare(one.id);
    if (wasOpen) chat.openKnown(one.id);
  };
  store.say({ text: `Deleted “${one.title || "Untitled"}”`, action: "Undo", act: undo }, UNDO_MS);
}

/** What was about to go stays. @param {string} id */
export function spare(id) {
  if (!parting.has(id)) return;
  clearTimeout(parting.get(id));
  parting.delete(id);
  stay(id);
  store.toast.value = null;
}

const stay = (/** @type {string} */ id) => (store.leaving.value = store.leaving.peek().filter((other) => other !== id));

/** @param {string} id */
async function removeNow(id) {
  parting.delete(id);
  try {
    await api.removeConversation(id).catch(unlessGone);
    gone += 1;
    outbox.dropConversation(id);
    attach.dropConversation(id);
    store.conversations.value = store.conversations.peek().filter((other) => other.id !== id);
  } catch (error) {
    if (!refused(error)) store.say({ text: `Not deleted: ${error.message}`, tone: "bad" });
  }
  stay(id);
}

/** Another tab was quicker, or nothing said there has ever arrived: that is what was wanted. @param {any} error */
function unlessGone(error) {
  if (!api.missing(error)) throw error;
}

/** The page closes: what was deleted stays deleted. */
export function finish() {
  const ids = [...parting.keys()];
  try {
    sessionStorage.setItem(KEY, JSON.stringify(ids));
  } catch {
    // As above.
  }
  ids.forEach((id) => removeNow(id));
}
