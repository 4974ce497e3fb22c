// Every request of the page except the event stream. Nothing here keeps state.

/** The server's lines are clauses for logs and programs; people read sentences. @param {string} words */
const sentence = (words) => words.replace(/^./u, (first) => first.toUpperCase()).replace(/[^.!?…]$/u, "$&.");

/** What went wrong with a request, in a sentence a person can read. */
export class ApiError extends Error {
  /** @param {number} status 0 = never reached the server @param {string} code @param {string} message @param {number} retryAfter seconds, 0 = not said */
  constructor(status, code, message, retryAfter = 0) {
    super(sentence(message));
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** The error a response carries. @param {Response} response @returns {Promise<ApiError>} */
export async function errorOf(response) {
  const told = await response.json().then((body) => body.error, () => null);
  const message = told?.message || `The server answered ${response.status}. Try again, or look at its log.`;
  return new ApiError(response.status, told?.code || "", message, Number(response.headers.get("Retry-After")) || 0);
}

/** Whether the bot says that there is no such thing; a proxy says 404 as well, while there is no bot behind it. @param {any} error */
export const missing = (error) => error.status === 404 && error.code === "not_found";

/** The server waits 30 s for a body; after this long without its answer the connection is dead, whatever TCP believes. */
const LATE_MS = 40_000;

/** @param {string} method @param {string} path @param {object} [body] @param {boolean} [keepalive] @returns {Promise<any>} */
async function call(method, path, body, keepalive = false) {
  const headers = method === "GET" ? {} : { "Content-Type": "application/json" };
  const signal = AbortSignal.timeout(LATE_MS);
  try {
    const response = await fetch(path, { method, headers, keepalive, signal, cache: "no-store", body: body && JSON.stringify(body) });
    if (!response.ok) throw await errorOf(response);
    const words = await response.text();
    return words ? JSON.parse(words) : null;
  } catch (error) {
    // Too late, cut off in the middle, or no JSON: a hotel's network answers with its own page, and 200.
    throw error instanceof ApiError ? error : new ApiError(0, "unreachable", "The server cannot be reached.");
  }
}

const at = (/** @type {string} */ id) => `/api/conversations/${encodeURIComponent(id)}`;

/** @returns {Promise<import("./types.js").Status>} */
export const status = () => call("GET", "/api/status");
/** The newest conversations; those of that moment (Unix seconds) and older ones. @param {number} [until] @returns {Promise<import("./types.js").Listed>} */
export const conversations = (until = 0) => call("GET", `/api/conversations${until ? `?until=${until}` : ""}`);
/** @param {string} id @returns {Promise<import("./types.js").Said>} */
export const conversation = (id) => call("GET", at(id));
/** What was said before an entry. @param {string} id @param {number} before @returns {Promise<import("./types.js").Said>} */
export const earlier = (id, before) => call("GET", `${at(id)}?before=${before}`);
/** Outlives the page, so that a deletion on the way out still happens. @param {string} id */
export const removeConversation = (id) => call("DELETE", at(id), undefined, true);
/** @param {import("./types.js").Unsent} line @returns {Promise<{message: number, duplicate: boolean}>} */
export const send = ({ conversation: where, id, text, files, about }) =>
  call("POST", `${at(where)}/messages`, { id, text, files: files.map((one) => one.file), about });
/** A file no message has taken along. @param {string} id @param {string} file */
export const removeFile = (id, file) => call("DELETE", `${at(id)}/files/${file}`, undefined, true);
/** @param {string} id @param {string} control */
export const stop = (id, control) => call("POST", `${at(id)}/stop`, { id: control });
/** @param {{id: string, conversation: string, reply: string, value: number, reasons: string[], comment: string, correction: string}} judgement */
export const feedback = (judgement) => call("POST", "/api/feedback", judgement);
/**
 * Send a file; by XMLHttpRequest, for `fetch` does not tell how far it has come.
 *
 * @param {string} id the conversation @param {string} file the file's id @param {File} data
 * @param {(bytes: number) => void} progress
 * @returns {{done: Promise<import("./types.js").SaidFile>, cancel: () => void}}
 */
export function upload(id, file, data, progress) {
  const request = new XMLHttpRequest();
  let silence = 0;
  const done = new Promise((resolve, reject) => {
    const lost = () => reject(new ApiError(0, "unreachable", "It could not be sent: the server or the file is out of reach."));
    const listen = () => {
      clearTimeout(silence);
      silence = setTimeout(() => (lost(), request.abort()), LATE_MS);
    };
    request.upload.onprogress = (event) => (listen(), progress(event.loaded));
    request.onerror = lost;
    request.onabort = () => reject(new ApiError(0, "cancelled", "Cancelled."));
    request.onloadend = () => clearTimeout(silence);
    request.onload = () => {
      const told = request.response;
      if (request.status === 201) resolve(told);
      else reject(new ApiError(request.status, told?.error?.code || "", told?.error?.message || `The server answered ${request.status}.`));
    };
    request.open("POST", `${at(id)}/files?${new URLSearchParams({ id: file, name: data.name })}`);
    request.responseType = "json";
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.send(data);
    listen();
  });
  return { done, cancel: () => request.abort() };
}

/** @returns {Promise<{panels: {id: string, title: string, owner: string}[]}>} */
export const panels = () => call("GET", "/api/panels");
/** @param {string} id @returns {Promise<{widgets: object[]}>} */
export const panel = (id) => call("GET", `/api/panels/${encodeURIComponent(id)}`);
/** Be given a visitor's cookie, as by opening the page; who has one keeps it. */
export const enter = () => fetch("/", { cache: "no-store" });
/** @param {string} key */
export const login = (key) => call("POST", "/api/login", { key });
export const logout = () => call("DELETE", "/api/login");
/** @param {string} id */
export const eventsPath = (id) => `${at(id)}/events`;
