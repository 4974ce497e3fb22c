// One line of the conversation: what a person said, or a reply.
import { html, useState } from "../vendor/vendor.js";
import { deliver, send } from "../lib/chat.js";
import { copyText } from "../lib/dom.js";
import * as outbox from "../lib/outbox.js";
import { announce, busy, engine, name, thread } from "../lib/store.js";
import { timeOf } from "../lib/when.js";
import { Icon, IconButton, Ring } from "./atoms.js";
import { Markdown } from "./markdown.js";
import { Sources } from "./sources.js";
import { Thumbs } from "./thumbs.js";

/** @param {{item: import("../lib/thread.js").UserItem}} props */
export function Said({ item }) {
  const { unsent } = item;
  return html`<article class=${`said ${unsent?.state ?? ""}`} aria-label="You">
    <p class="bubble">${item.text}</p>
    ${unsent?.state === "sending" && html`<p class="small">Sending…</p>`}
    ${item.waiting && html`<p class="small">Next in line</p>`}
    ${unsent?.state === "failed" && html`<div class="unsent">
      <${Icon} name="warn" /><span>Not sent. ${unsent.error}</span>
      <button type="button" class="quiet" onClick=${() => deliver(unsent)}><${Icon} name="again" />Retry</button>
      <button type="button" class="quiet" onClick=${() => outbox.drop(unsent.id)}>Discard</button>
    </div>`}
  </article>`;
}

const ENDINGS = {
  stopped: "Stopped",
  refused: "Refused",
  failed: "This reply failed",
  dead: "This message could not be handled",
};

/** @param {{item: import("../lib/thread.js").ReplyItem}} props */
export function Reply({ item }) {
  const { entry, draft } = item;
  const text = entry?.text ?? draft?.text ?? "";
  const bad = entry && (entry.outcome === "failed" || entry.outcome === "dead");
  const ring = entry ? (bad ? "bad" : entry.outcome === "answered" ? "done" : "off") : "busy";
  const mark = entry && ENDINGS[entry.outcome];
  return html`<article class=${`reply ${entry ? entry.outcome : "growing"}`} aria-label=${`Reply from ${name.value}`} aria-busy=${String(!entry)}>
    <div class="gutter"><${Ring} state=${ring} /></div>
    <div class="body">
      <${Markdown} text=${text} final=${entry !== null} citations=${entry?.citations ?? NONE} />
      ${draft && html`<${Progress} draft=${draft} />`}
      ${mark && html`<p class=${`mark ${entry.outcome}`}><strong>${mark}</strong>${entry.reason && html`<span>${entry.reason}</span>`}</p>`}
      ${bad && html`<${Again} entry=${entry} />`}
      ${entry && html`<${Sources} citations=${entry.citations} />`}
      ${entry && html`<${Foot} entry=${entry} />`}
    </div>
  </article>`;
}

/** Ask the question of a failed reply once more, as a new message. @param {{entry: import("../lib/types.js").Entry}} props */
function Again({ entry }) {
  const question = thread.value.entries.findLast((other) => other.role === "user" && other.id < entry.id);
  if (!question || busy.value || thread.value.entries.at(-1) !== entry) return null;
  return html`<button type="button" class="quiet again" onClick=${() => send(question.text)}><${Icon} name="again" />Ask again</button>`;
}

/** @type {import("../lib/types.js").Citation[]} */
const NONE = [];

/** @param {{draft: import("../lib/types.js").Draft}} props */
function Progress({ draft }) {
  const stage = engine.value?.stage;
  const idle = stage && stage !== "ready" && stage !== "off" && stage !== "failed" ? "Waiting for the engine…" : "Thinking…";
  const note = draft.note || (draft.text ? "" : idle);
  return note && html`<p class="note">${note}</p>`;
}

/** @param {{entry: import("../lib/types.js").Entry}} props */
function Foot({ entry }) {
  const [copied, mark] = useState(false);
  const copy = async () => {
    mark(await copyText(entry.text));
    announce("Reply copied.");
    setTimeout(() => mark(false), 2000);
  };
  const by = [entry.plugin, entry.model].filter(Boolean).join(" · ");
  const tail = html`
    ${entry.text && html`<${IconButton} icon=${copied ? "check" : "copy"} label=${copied ? "Copied" : "Copy reply"} onClick=${copy} />`}
    <span class="by" title="Plugin, model and time of this reply">${by && html`<span>${by}</span>`}<time datetime=${new Date(entry.at * 1000).toISOString()}>${timeOf(entry.at)}</time></span>
  `;
  if (!entry.reply || !entry.text) return html`<div class="actions">${tail}</div>`;
  return html`<${Thumbs} entry=${entry}>${tail}<//>`;
}
