// One line of the conversation: what a person said, or a reply.
import { html, useState } from "../vendor/vendor.js";
import { sized } from "../lib/attach.js";
import { copyText, focusLog } from "../lib/dom.js";
import * as outbox from "../lib/outbox.js";
import { again, deliver, send } from "../lib/send.js";
import { whyOf } from "../lib/spoken.js";
import { announce, asked, busy, engine, name, newest, say, thread } from "../lib/store.js";
import { timeOf } from "../lib/when.js";
import { Icon, IconButton, Ring } from "./atoms.js";
import { Markdown } from "./markdown.js";
import { Sources } from "./sources.js";
import { Thumbs } from "./thumbs.js";

/** @param {{item: import("../lib/rows.js").UserItem}} props */
export function Said({ item }) {
  const { unsent } = item;
  return html`<article class=${`said ${unsent?.state ?? ""}`} aria-label="You">
    <${Files} files=${item.files} />
    ${item.text && html`<p class="bubble" dir="auto">${item.text}</p>`}
    ${unsent?.state === "sending" && html`<p class="small">Sending…</p>`}
    ${item.waiting && html`<p class="small">Next in line</p>`}
    ${unsent?.state === "failed" && html`<div class="unsent">
      <${Icon} name="warn" /><span>Not sent. ${unsent.error}</span>
      <button type="button" class="quiet" onClick=${() => (focusLog(), deliver(unsent))}><${Icon} name="again" />Retry</button>
      <button type="button" class="quiet" onClick=${() => (focusLog(), outbox.drop(unsent.id))}>Discard</button>
    </div>`}
  </article>`;
}

/** @param {{files: import("../lib/types.js").SaidFile[]}} props */
function Files({ files }) {
  if (!files.length) return null;
  return html`<ul class="said-files" aria-label="Files">${files.map(
    (one) => html`<li class="file" key=${one.file}>
      <${Icon} name="file" /><span class="file-words"><span class="file-name" title=${one.name}>${one.name}</span><span class="file-state">${sized(one.size)}</span></span>
    </li>`,
  )}</ul>`;
}

const ENDINGS = {
  stopped: "Stopped",
  refused: "Refused",
  failed: "This reply failed",
  dead: "This message could not be handled",
};

/** @param {{item: import("../lib/rows.js").ReplyItem}} props */
export function Reply({ item }) {
  const { entry, draft, earlier } = item;
  const bad = entry && (entry.outcome === "failed" || entry.outcome === "dead");
  const ring = entry ? (bad ? "bad" : entry.outcome === "answered" ? "done" : "off") : "busy";
  const label = earlier ? `Earlier answer from ${name.value}` : `Reply from ${name.value}`;
  const body = html`<${Body} item=${item} bad=${bad} />`;
  return html`<article class=${`reply ${entry ? entry.outcome : "growing"} ${earlier ? "earlier" : ""}`} aria-label=${label} aria-busy=${String(!entry)}>
    <div class="gutter">${!earlier && html`<${Ring} state=${ring} />`}</div>
    ${earlier ? html`<details class="body"><summary>Earlier answer</summary>${body}</details>` : html`<div class="body">${body}</div>`}
  </article>`;
}

/** @param {{item: import("../lib/rows.js").ReplyItem, bad: boolean}} props */
function Body({ item: { entry, draft }, bad }) {
  const text = entry?.text ?? draft?.text ?? "";
  const mark = entry && ENDINGS[entry.outcome];
  return html`
    <${Markdown} text=${text} final=${entry !== null} citations=${entry?.citations ?? NONE} />
    ${draft && html`<${Progress} draft=${draft} />`}
    ${mark && html`<p class=${`mark ${entry.outcome}`}><strong>${mark}</strong>${whyOf(entry) && html`<span>${whyOf(entry)}</span>`}</p>`}
    ${bad && !entry.again && html`<${AskAgain} entry=${entry} />`}
    ${entry && html`<${Sources} citations=${entry.citations} />`}
    ${entry && html`<${Foot} entry=${entry} />`}
  `;
}

/** Ask the question of a failed reply once more, as a new message. @param {{entry: import("../lib/types.js").Entry}} props */
function AskAgain({ entry }) {
  const question = thread.value.entries.findLast((other) => other.role === "user" && other.id < entry.id);
  if (!question || busy.value || asked.value || thread.value.entries.at(-1) !== entry) return null;
  return html`<button type="button" class="quiet again" onClick=${() => (focusLog(), send(question.text, question.files))}><${Icon} name="again" />Ask again</button>`;
}

/** Another answer to the same question: only of the newest one, and not while something runs. @param {{entry: import("../lib/types.js").Entry}} props */
function AnswerAgain({ entry }) {
  if (entry.id !== newest.value || busy.value) return null;
  return html`<${IconButton} icon="again" label="Answer again" onClick=${() => (focusLog(), again(entry))} />`;
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
    const done = await copyText(entry.text);
    mark(done);
    if (done) announce("Reply copied.");
    else say({ text: "The browser refused to copy. Select the reply, and copy it yourself.", tone: "bad" });
    setTimeout(() => mark(false), 2000);
  };
  const by = [entry.plugin, entry.model].filter(Boolean).join(" · ");
  const tail = html`
    ${entry.text && html`<${IconButton} icon=${copied ? "check" : "copy"} label=${copied ? "Copied" : "Copy reply"} onClick=${copy} />`}
    <span class="by" title="Plugin, model and time of this reply">${by && html`<span>${by}</span>`}<time datetime=${new Date(entry.at * 1000).toISOString()}>${timeOf(entry.at)}</time></span>
  `;
  if (!entry.judgeable) return html`<div class="actions">${tail}</div>`;
  return html`<${Thumbs} entry=${entry}><${AnswerAgain} entry=${entry} />${tail}<//>`;
}
