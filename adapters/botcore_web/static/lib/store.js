// The page's state: every signal there is. Who changes them: chat.js (server state), and the component a switch belongs to.
import { computed, signal } from "../vendor/vendor.js";
import { items } from "./rows.js";
import { emptyThread, running } from "./thread.js";

/** @template T @typedef {{value: T, peek: () => T}} Signal */

export const name = signal("botcore");
/** @type {Signal<import("./types.js").EngineStatus|null>} */
export const engine = signal(null);
/** @type {Signal<Record<string, string>>} */
export const health = signal({});
/** @type {Signal<import("./types.js").Command[]>} */
export const commands = signal([]);

/** Questions to start with. @type {Signal<string[]>} */
export const samples = signal([]);

/** What the server takes; no files until it has said so. @type {Signal<import("./types.js").Limits>} */
export const limits = signal({ text: 32_000, file: 0, files: 10, kinds: [] });

/** @type {Signal<import("./types.js").Conversation[]>} */
export const conversations = signal([]);
/** True where there are conversations older than those listed. */
export const older = signal(false);
/** Conversations on their way out: hidden, and still to be undone. @type {Signal<string[]>} */
export const leaving = signal([]);
/** The open conversation's id. */
export const current = signal("");
/** False until the open conversation's lines are here. */
export const loaded = signal(false);
/** @type {Signal<import("./thread.js").Thread>} */
export const thread = signal(emptyThread());
/** True where more was said in the open conversation than is here. */
export const earlier = signal(false);
/** @type {Signal<import("./types.js").Unsent[]>} */
export const unsent = signal([]);
/** Files on their way to the next message, of all conversations. @type {Signal<import("./types.js").Attached[]>} */
export const attached = signal([]);
/** True from Stop until the reply has ended. */
export const stopping = signal(false);

/** `crowded`: too many other tabs hold one; `cookies`: the browser keeps none. @type {Signal<"connecting"|"open"|"lost"|"crowded"|"cookies">} */
export const connection = signal("connecting");
/** True where the server wants a key first. */
export const locked = signal(false);
/** True from the moment the server does not know the visitor until it has named them anew. */
export const stranger = signal(false);

/** The list beside the chat: open or not; on a phone it covers the chat. */
export const sidebar = signal(matchMedia("(min-width: 60rem)").matches);
export const helpOpen = signal(false);
/** The source shown in the card, and what it hangs on. @type {Signal<{citation: import("./types.js").Citation, anchor: HTMLElement, pinned: boolean}|null>} */
export const card = signal(null);
/** @type {Signal<{text: string, action?: string, act?: () => void, tone?: "bad"}|null>} */
export const toast = signal(null);
/** What a screen reader is told next, politely. */
export const announced = signal("");

/** @type {Signal<(import("./rows.js").UserItem|import("./rows.js").ReplyItem)[]>} */
export const rows = computed(() => items(thread.value, unsent.value.filter((line) => line.conversation === current.value)));
/** @type {Signal<boolean>} */
export const busy = computed(() => running(thread.value));
/** True while a line of this conversation is on its way to the server: who presses twice must not ask twice. */
export const asked = computed(() => unsent.value.some((line) => line.conversation === current.value && line.state === "sending"));
/** The reply that may be asked for again, by its entry's id. */
export const newest = computed(() => thread.value.entries.findLast((entry) => entry.judgeable)?.id ?? 0);
/** True while the page hears nothing, and tries by itself to hear something again. */
export const cut = computed(() => ["lost", "crowded"].includes(connection.value));
export const title = computed(() => conversations.value.find((one) => one.id === current.value)?.title ?? "");
export const shown = computed(() => conversations.value.filter((one) => !leaving.value.includes(one.id)));

let clearing = 0;

/** Show one line for a while. @param {{text: string, action?: string, act?: () => void, tone?: "bad"}} line @param {number} [ms] */
export function say(line, ms = 6000) {
  clearTimeout(clearing);
  toast.value = line;
  clearing = setTimeout(() => (toast.value = null), ms);
}

/** @param {string} text */
export function announce(text) {
  // The same words twice are no change to a screen reader; a trailing space makes them one.
  announced.value = announced.peek() === text ? `${text} ` : text;
}
