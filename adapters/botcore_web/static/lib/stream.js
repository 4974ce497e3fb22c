// Server-Sent Events as EventSource means them (Last-Event-ID, back-off), by fetch: EventSource hides the status of a
// refused connection and cannot start from an id it has not received itself.
import { createParser } from "../vendor/vendor.js";
import { errorOf, missing } from "./api.js";

/** The server comments every 15 s; after this long without a byte the connection is dead, whatever TCP believes. */
const SILENCE_MS = 40_000;
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 15_000;

/** How long to wait before attempt `failures` + 1, in ms; spread so that a hundred pages do not return at once. @param {number} failures */
const patience = (failures) => Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures) * (0.75 + Math.random() / 2);

/**
 * Follow an event stream until `close()`.
 *
 * @param {string} path
 * @param {string} lastId the first Last-Event-ID
 * @param {{asking: () => void, event: (name: string, data: any) => void, state: (state: "open"|"lost"|"crowded"|"gone") => void, refused: (error: any) => boolean}} on `refused` says whether to give up
 * @returns {{close: () => void, again: () => void}} `again` drops the connection and takes it up at once
 */
export function follow(path, lastId, on) {
  let closed = false;
  let failures = 0;
  let hurry = false;
  let wake = () => {};
  let attempt = new AbortController();

  async function once() {
    attempt = new AbortController();
    let silence = setTimeout(() => attempt.abort(), SILENCE_MS);
    try {
      on.asking();
      const headers = { Accept: "text/event-stream", "Last-Event-ID": lastId };
      const response = await fetch(path, { headers, cache: "no-store", signal: attempt.signal });
      const ours = response.headers.get("Content-Type")?.startsWith("text/event-stream"); // a hotel's network answers with a page
      if (!response.ok || !response.body || !ours) throw await errorOf(response);
      failures = 0;
      on.state("open");
      const parser = createParser({
        onEvent: (event) => {
          if (event.id) lastId = event.id;
          if (!closed) on.event(event.event || "message", JSON.parse(event.data));
        },
      });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return 0;
        clearTimeout(silence);
        silence = setTimeout(() => attempt.abort(), SILENCE_MS);
        parser.feed(value);
      }
    } finally {
      clearTimeout(silence);
      attempt.abort();
    }
  }

  async function run() {
    while (!closed) {
      let told = 0;
      let crowded = false;
      try {
        await once();
      } catch (error) {
        if (closed) return;
        if (missing(error)) return on.state("gone");
        if (on.refused(error)) return;
        told = (error.retryAfter || 0) * 1000;
        crowded = error.code === "tabs";
      }
      if (closed) return;
      on.state(crowded ? "crowded" : "lost");
      const wait = hurry ? 0 : Math.max(told, patience(failures++));
      hurry = false;
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, wait);
        wake = () => (clearTimeout(timer), resolve(undefined));
      });
    }
  }

  run();
  return {
    close() {
      closed = true;
      attempt.abort();
      wake();
    },
    again() {
      failures = 0;
      hurry = true;
      attempt.abort();
      wake();
    },
  };
}
