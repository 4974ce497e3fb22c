// The empty conversation: who this is, how far the engine has come, and something to ask right away.
import { html } from "../vendor/vendor.js";
import { focusLog } from "../lib/dom.js";
import { send } from "../lib/send.js";
import { engine, name, samples } from "../lib/store.js";
import { Icon, Ring } from "./atoms.js";
import { Bar, ringOf, STAGES } from "./engine.js";

const STEPS = /** @type {const} */ (["install", "model", "warmup", "ready"]);
const STEP_WORDS = { install: "Install", model: "Model", warmup: "Warm-up", ready: "Ready" };

export function Welcome() {
  const status = engine.value;
  return html`<section class="welcome" aria-labelledby="hello">
    <${Ring} state=${ringOf(status)} progress=${status?.progress} class="big" />
    <h1 id="hello">${name.value}</h1>
    <p class="lead">It names its sources, remembers your conversation, and keeps your verdict on every reply.</p>
    ${status && status.stage !== "ready" && html`<${Progress} status=${status} />`}
    ${samples.value.length > 0 && html`<ul class="samples" aria-label="Questions to start with">
      ${samples.value.map(
        (question) => html`<li key=${question}>
          <button type="button" onClick=${() => (focusLog(), send(question))}><span dir="auto">${question}</span><${Icon} name="send" /></button>
        </li>`,
      )}
    </ul>`}
  </section>`;
}

/** @param {{status: import("../lib/types.js").EngineStatus}} props */
function Progress({ status }) {
  const now = STEPS.indexOf(/** @type {any} */ (status.stage));
  if (now < 0) {
    return html`<div class=${`start ${status.stage}`}>
      <p><strong>${STAGES[status.stage][0]}.</strong> ${STAGES[status.stage][1].split(". ").at(-1)}</p>
      ${status.detail && html`<p class="detail">${status.detail}</p>`}
    </div>`;
  }
  return html`<div class="start">
    <ol class="steps">
      ${STEPS.map((step, index) => html`<li key=${step} class=${index < now ? "past" : index === now ? "now" : ""} aria-current=${index === now ? "step" : undefined}>${STEP_WORDS[step]}</li>`)}
    </ol>
    <${Bar} status=${status} />
    <p class="detail">${status.detail || STAGES[status.stage][1]}</p>
    <p class="small">You need not wait: questions about its documents are answered now, the rest ${status.stage === "install" ? "waits some minutes for the engine, and may have to be asked again." : "as soon as the engine is ready."}</p>
  </div>`;
}
