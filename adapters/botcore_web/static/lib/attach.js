// Files on their way to the next message: one after the other to the server, where they wait for it.
import { computed } from "../vendor/vendor.js";
import * as api from "./api.js";
import { refused, unknown } from "./entry.js";
import { newUuid } from "./ids.js";
import { settleHere } from "./send.js";
import { announce, attached, current, limits, say } from "./store.js";

/** What is attached in the open conversation. */
export const here = computed(() => attached.value.filter((one) => one.conversation === current.value));

const KEY = "botcore.files";
/** What the browser holds of each file until the server has it. @type {Map<string, File>} */
const data = new Map();
/** The upload that runs. @type {{file: string, cancel: () => void}|null} */
let running = null;

/** @param {import("./types.js").Attached[]} files */
function keep(files) {
  attached.value = files;
  try {
    sessionStorage.setItem(KEY, JSON.stringify(files));
  } catch {
    // No storage, or full: the files live as long as the page.
  }
}

/** Bring back what an earlier load of this tab had attached; what it had not finished cannot be, but must not vanish. */
export function restoreFiles() {
  if (attached.peek().length) return;
  const cut = { state: "failed", hopeless: true, error: "The page was loaded anew in the middle; attach it again." };
  try {
    const files = JSON.parse(sessionStorage.getItem(KEY) || "[]");
    keep(files.map((one) => (one.state === "done" ? one : { ...one, ...cut, error: one.error || cut.error })));
  } catch {
    keep([]);
  }
}

/** @param {string} file @param {Partial<import("./types.js").Attached>} news */
const change = (file, news) => keep(attached.peek().map((one) => (one.file === file ? { ...one, ...news } : one)));

/** @param {number} size bytes */
export const sized = (size) =>
  size >= 1e6 ? `${Number((size / 1e6).toPrecision(3))} MB` : size >= 1e3 ? `${Math.round(size / 1e3)} kB` : `${size} B`;

/** Attach files to what is said next here. @param {Iterable<File>} files */
export function add(files) {
  const { file: largest, files: most } = limits.peek();
  if (!largest) return say({ text: "This bot takes no files.", tone: "bad" });
  const room = most - here.peek().length;
  const list = [...files];
  if (list.length > room) say({ text: `At most ${most} files go with one message.`, tone: "bad" });
  settleHere();
  for (const one of list.slice(0, Math.max(0, room))) {
    const error = one.size > largest ? `Larger than ${sized(largest)}.` : one.size ? "" : "It is empty.";
    const file = newUuid();
    data.set(file, one);
    const entry = { file, conversation: current.peek(), name: one.name, size: one.size, sent: 0, error, hopeless: error !== "" };
    keep([...attached.peek(), { ...entry, state: error ? "failed" : "queued" }]);
    if (error) announce(`${one.name} is not attached. ${error}`);
  }
  next();
}

/** Send the next file that waits, while no other one is on its way. */
async function next() {
  const one = attached.peek().find((other) => other.state === "queued");
  if (running || !one) return;
  change(one.file, { state: "sending", sent: 0, error: "" });
  const upload = api.upload(one.conversation, one.file, data.get(one.file), (sent) => change(one.file, { sent }));
  running = { file: one.file, cancel: upload.cancel };
  try {
    const { name, size } = await upload.done; // the server's name for it: harmless in every way
    change(one.file, { state: "done", name, size });
    data.delete(one.file);
    announce(`${name} is attached.`);
  } catch (error) {
    if (error.code !== "cancelled" && !refused(error)) announce(`${one.name} is not attached. ${error.message}`);
    change(one.file, { state: "failed", error: error.message, hopeless: [400, 403, 413].includes(error.status) && !unknown(error) });
  } finally {
    running = null;
  }
  next();
}

/** @param {import("./types.js").Attached} one */
export function retry(one) {
  change(one.file, { state: "queued", error: "" });
  next();
}

/** Take a file back; what runs is cancelled, what the server has is removed there. @param {import("./types.js").Attached} one */
export function remove(one) {
  if (running?.file === one.file) running.cancel();
  if (one.state === "done" || one.state === "sending") api.removeFile(one.conversation, one.file).catch(refused);
  data.delete(one.file);
  keep(attached.peek().filter((other) => other.file !== one.file));
  announce(`${one.name} removed.`);
}

/** Let go of what was attached in a conversation that is deleted. @param {string} conversation */
export const dropConversation = (conversation) => keep(attached.peek().filter((one) => one.conversation !== conversation));

/** Why these files cannot be sent now, "" where they can. @param {import("./types.js").Attached[]} files */
export function unready(files) {
  const bad = files.find((one) => one.state === "failed");
  if (bad) return `“${bad.name}” is not attached. Try it again, or remove it.`;
  return files.some((one) => one.state !== "done") ? "The files are still on their way. Send when they are there, or remove them." : "";
}

/** The files for a message; they are no longer attached. @param {string} conversation @returns {import("./types.js").SaidFile[]} */
export function take(conversation) {
  const taken = attached.peek().filter((one) => one.conversation === conversation);
  dropConversation(conversation);
  return taken.map(({ file, name, size }) => ({ file, name, size }));
}
