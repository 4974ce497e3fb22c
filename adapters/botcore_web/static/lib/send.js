// Saying something: a new message, one sent again, one that asks for another answer.
import { batch } from "../vendor/vendor.js";
import * as api from "./api.js";
import { refused, unknown } from "./entry.js";
import { newUuid } from "./ids.js";
import * as outbox from "./outbox.js";
import { inOrder } from "./queue.js";
import * as store from "./store.js";
import { AGAIN, withPending } from "./thread.js";

export const idInHash = () => /^#\/c\/([\w-]{22,64})$/.exec(location.hash)?.[1] ?? "";

/** Give the open conversation its address, so that a reload comes back to it. */
export function settleHere() {
  const id = store.current.peek();
  if (idInHash() !== id) history.replaceState(null, "", `#/c/${id}`);
}

/**
 * Say something in the open conversation.
 *
 * @param {string} text
 * @param {import("./types.js").SaidFile[]} [files] uploaded already
 */
export function send(text, files = []) {
  settleHere();
  const line = fresh(text, { files });
  if (!store.conversations.peek().some((one) => one.id === line.conversation)) {
    const title = (text.split("\n")[0] || files[0]?.name || "").slice(0, 80);
    store.conversations.value = [{ id: line.conversation, title, at: line.at }, ...store.conversations.peek()];
  }
  return deliver(line);
}

/** Ask for another answer in the place of this one. @param {import("./types.js").Entry} entry */
export function again(entry) {
  store.announce("Answering again.");
  return deliver(fresh(AGAIN, { about: entry.reply }));
}

/** @returns {import("./types.js").Unsent} */
const fresh = (text, { files = [], about = "" }) => ({
  id: newUuid(), conversation: store.current.peek(), text, files, about,
  at: Date.now() / 1000, state: "sending", error: "", resend: false,
});

const queue = inOrder();

/** Whether the page sends it again by itself. @param {import("./types.js").Unsent} line */
const waits = (line) => line.state === "failed" && line.resend;

/** What waits, and was said in the same conversation before this line. @param {import("./types.js").Unsent} line */
function earlier(line) {
  const lines = store.unsent.peek();
  const before = lines.slice(0, lines.findIndex((one) => one.id === line.id));
  return before.filter((one) => one.conversation === line.conversation && waits(one));
}

/** Send, or send again, after what waits before it: the id makes it the same message. @param {import("./types.js").Unsent} line */
export function deliver(line) {
  outbox.put({ ...line, state: "sending", error: "" });
  earlier(line).forEach(deliver);
  return queue(() => post(line.conversation));
}

/** Send the first line that stands in line here: one sent again may have come to it after a later one. @param {string} conversation */
async function post(conversation) {
  const line = store.unsent.peek().find((one) => one.conversation === conversation && one.state === "sending");
  if (!line) return; // while it stood in line, its conversation was deleted, or the stream told of it
  const [first] = earlier(line);
  if (first) return failed(line, new api.ApiError(0, "held", first.error));
  try {
    const { message } = await api.send(line);
    batch(() => {
      if (store.current.peek() === line.conversation) {
        store.thread.value = withPending(store.thread.peek(), { message, ...line, untold: true });
      }
      outbox.drop(line.id);
    });
  } catch (error) {
    refused(error);
    if (outbox.holds(line.id)) failed(line, error); // else it has arrived, and only the answer was lost
  }
}

/** @param {import("./types.js").Unsent} line @param {api.ApiError} error */
function failed(line, error) {
  if (line.about) {
    outbox.drop(line.id); // nothing was written that could be lost: the button is still there
    return store.say({ text: `Not asked again: ${told(error)}`, tone: "bad" });
  }
  outbox.put({ ...line, state: "failed", error: told(error), resend: away(error) || unknown(error) });
  store.announce(`Not sent. ${told(error)}`);
}

/** What is wrong and, once, when to try again. @param {api.ApiError} error */
function told({ message, retryAfter }) {
  if (!retryAfter) return message;
  if (!/\bagain\b/.test(message)) return `${message} Try again in ${retryAfter} s.`;
  return message.replace(/again (in a moment|later)/, `again in ${retryAfter} s`);
}

/** Whether nobody was there to take it: no connection, a bot that restarts, a proxy that has none behind it. @param {api.ApiError} error */
const away = ({ status }) => [0, 502, 503, 504].includes(status);

/** Try what the connection was to blame for, wherever it was said. */
export function resend() {
  store.unsent.peek().filter(waits).forEach(deliver);
}
