// What a person can do on the page, and what the server's events do to its state.
import { batch, effect } from "../vendor/vendor.js";
import * as api from "./api.js";
import { refused, unknown } from "./entry.js";
import { restoreFiles } from "./attach.js";
import { newConversationId, newUuid } from "./ids.js";
import { refreshList, spare } from "./list.js";
import * as outbox from "./outbox.js";
import { idInHash, resend } from "./send.js";
import { noteToSay, spoken } from "./spoken.js";
import { refresh } from "./status.js";
import * as store from "./store.js";
import { follow } from "./stream.js";
import { accepted, emptyThread, grown, lastId, withEntry, withNewStream, withPending, withWaiting } from "./thread.js";

const RETRY_MS = 2000;
/** A conversation that begins. @type {import("./types.js").Said} */
const NOTHING = { entries: [], pending: [], earlier: false };
/** @type {{close: () => void, again: () => void}|null} */
let stream = null;
/** Counts openings, so that an answer to an earlier one is dropped. */
let opening = 0;
/** Draft pieces since the last frame. @type {import("./types.js").DraftEvent[]} */
let pieces = [];
let frame = 0;
let reopening = 0;

/** Once, at the start; and again after a login. */
export async function begin() {
  outbox.restore();
  restoreFiles();
  refresh();
  refreshList();
  const wanted = idInHash();
  await open(wanted || newConversationId());
}

/** Open a conversation, known or new; one that was about to be deleted stays. @param {string} id */
export async function open(id) {
  const mine = ++opening;
  spare(id);
  stream?.close();
  stream = null;
  clearTimeout(reopening);
  forgetPieces();
  batch(() => {
    store.current.value = id;
    store.thread.value = emptyThread();
    store.earlier.value = false;
    store.loaded.value = false;
    store.stopping.value = false;
    store.card.value = null;
  });
  try {
    const { entries, pending, earlier } = idInHash() === id ? await api.conversation(id) : NOTHING;
    if (mine !== opening) return;
    let thread = emptyThread();
    for (const entry of entries) thread = withEntry(thread, entry);
    const sent = store.thread.peek().pending; // while we waited
    for (const line of [...pending, ...sent]) thread = withPending(thread, line);
    batch(() => {
      store.thread.value = thread;
      store.earlier.value = earlier;
      store.loaded.value = true;
      settle();
    });
    if (!document.hidden || store.busy.peek()) listen(id); // else when somebody looks: see `rest`
    resend();
  } catch (error) {
    if (mine !== opening || refused(error)) return;
    if (api.missing(error)) return gone();
    store.connection.value = "lost";
    reopening = setTimeout(() => open(id), RETRY_MS);
  }
}

/** A fresh, empty conversation. */
export function openNew() {
  if (location.hash) history.pushState(null, "", location.pathname);
  return open(newConversationId());
}

/** @param {string} id */
export function openKnown(id) {
  if (id === store.current.peek() && idInHash() === id) return;
  history.pushState(null, "", `#/c/${id}`);
  return open(id);
}

/** Take the connection up at once: the network is back, or the person asked. */
export function reconnect() {
  if (!store.cut.peek()) return;
  if (store.loaded.peek()) stream?.again();
  else open(store.current.peek());
}

/** Nobody looks, nothing runs: give the connection back, for a browser has only six of them per server. */
export function rest() {
  if (!document.hidden || store.busy.peek() || !stream) return;
  stream.close();
  stream = null;
}

/** Somebody looks again: what came meanwhile is replayed. @param {boolean} slept the connection may have died unheard */
export function wake(slept) {
  if (!store.loaded.peek()) reconnect();
  else if (!stream) listen(store.current.peek());
  else if (slept) stream.again();
  else reconnect();
}

/** @param {string} id */
function listen(id) {
  stream = follow(api.eventsPath(id), lastId(store.thread.peek()), {
    asking: () => (store.thread.value = withNewStream(store.thread.peek())),
    event: (name, data) => receive[name]?.(data),
    refused,
    state(state) {
      if (state === "gone") return gone();
      const back = state === "open" && store.cut.peek();
      store.connection.value = state;
      if (state === "open") resend();
      if (back) refresh(); // the bot may be another one than before
    },
  });
}

const receive = {
  /** @param {import("./types.js").Entry} entry */
  entry(entry) {
    flush();
    const fresh = !store.thread.peek().entries.some((other) => other.id === entry.id);
    batch(() => {
      store.thread.value = withEntry(store.thread.peek(), entry);
      settle();
      if (entry.role === "assistant") store.stopping.value = false;
    });
    if (!fresh || entry.role === "user") return;
    store.announce(spoken(entry, store.name.peek()));
    refreshList();
  },
  /** @param {import("./types.js").Pending} line */
  pending(line) {
    store.thread.value = withPending(store.thread.peek(), line);
    settle();
  },
  /** All that waits, where we may believe more. @param {{messages: number[]}} all */
  waiting({ messages }) {
    flush();
    store.thread.value = withWaiting(store.thread.peek(), messages);
    if (!store.busy.peek()) store.stopping.value = false;
  },
  /** @param {import("./types.js").DraftEvent} piece */
  draft(piece) {
    pieces.push(piece);
    frame ||= requestAnimationFrame(flush);
    // A hidden tab draws no frames; its pieces must not pile up.
    if (document.hidden && pieces.length > 50) flush();
  },
  missed: () => void open(store.current.peek()), // more was said than the stream tells: what lies between would be missing
  /** @param {import("./types.js").EngineStatus} status */
  engine(status) {
    store.engine.value = status;
  },
};

/** What has come since the last frame becomes one new draft. */
function flush() {
  const ready = pieces;
  forgetPieces();
  if (!ready.length) return;
  let draft = store.thread.peek().draft;
  for (const piece of ready) {
    draft = grown(draft, piece);
    if (!draft) return stream?.again();
  }
  store.thread.value = { ...store.thread.peek(), draft };
  const note = noteToSay(draft);
  if (note) store.announce(note);
}

function forgetPieces() {
  cancelAnimationFrame(frame);
  frame = 0;
  pieces = [];
}

/** Drop from the outbox what the server turns out to have. */
function settle() {
  for (const line of store.unsent.peek()) if (accepted(store.thread.peek(), line.id)) outbox.drop(line.id);
}

/** Stop the running reply, and with it what waits behind it. */
export async function stop() {
  if (!store.busy.peek() || store.stopping.peek()) return;
  store.stopping.value = true;
  try {
    await api.stop(store.current.peek(), newUuid());
  } catch (error) {
    store.stopping.value = false;
    if (!refused(error)) store.say({ text: `Could not stop: ${error.message}`, tone: "bad" });
  }
}

effect(() => {
  if (store.stranger.value) comeBack();
});

/** The cookie is gone, and with it the way to what was said: take a new one and begin anew, with what is unsent. */
async function comeBack() {
  stream?.close();
  stream = null;
  try {
    await api.enter();
    await api.conversations(); // some browsers keep no cookie
  } catch (error) {
    refused(error); // it may want the key as well
    store.connection.value = unknown(error) ? "cookies" : "lost";
    return setTimeout(comeBack, RETRY_MS);
  }
  store.stranger.value = false;
  store.say({ text: "The cookie that your conversations here belong to was deleted. A new one begins.", tone: "bad" }, 20_000);
  open(store.current.peek());
  refreshList();
}

function gone() {
  const words = outbox.typed(store.current.peek());
  store.conversations.value = store.conversations.peek().filter((one) => one.id !== store.current.peek());
  store.say({ text: "This conversation does not exist any more, or belongs to another browser.", tone: "bad" });
  openNew();
  outbox.keepTyped(store.current.peek(), words);
  refreshList();
}
