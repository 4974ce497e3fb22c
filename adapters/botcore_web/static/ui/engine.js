// How the engine is doing: in words, as a ring in the header, as a panel behind it.
import { html, useEffect, useRef, useState } from "../vendor/vendor.js";
import { refresh } from "../lib/status.js";
import { engine, health } from "../lib/store.js";
import { Ring } from "./atoms.js";

/** Each stage: short for the header, long for the welcome and the panel. */
export const STAGES = {
  off: ["No engine yet", "The engine has not been started. Plugins answer what they can."],
  install: ["Installing", "Installing the engine. This happens once."],
  model: ["Loading model", "The model is being brought into place and loaded."],
  warmup: ["Warming up", "The model is generating its first token."],
  ready: ["Ready", "The engine is ready."],
  failed: ["Engine failed", "The engine did not start. Plugins answer what they can."],
};

const percent = (/** @type {number} */ part) => `${Math.round(part * 100)} %`;

/** @param {import("../lib/types.js").EngineStatus|null} status @returns {"done"|"busy"|"part"|"off"|"bad"} */
export const ringOf = (status) =>
  !status || status.stage === "off" ? "off"
  : status.stage === "ready" ? "done"
  : status.stage === "failed" ? "bad"
  : status.progress == null ? "busy" : "part";

export function EngineBadge() {
  const [open, show] = useState(false);
  const box = useRef(null);
  const status = engine.value;
  useEffect(() => {
    if (!open) return;
    refresh(); // its health is told to who asks
    const outside = (/** @type {Event} */ event) => !box.current.contains(event.target) && show(false);
    const escape = (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      show(false);
      box.current.querySelector("button").focus();
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("keydown", escape, true);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("keydown", escape, true);
    };
  }, [open]);
  const words = STAGES[status?.stage]?.[0] ?? "Connecting";
  const known = status?.progress != null && status.stage !== "ready";
  return html`<div class="engine" ref=${box}>
    <button type="button" class=${`badge ${status?.stage ?? ""}`} aria-expanded=${String(open)} onClick=${() => show(!open)}>
      <${Ring} state=${ringOf(status)} progress=${status?.progress} />
      <span class="badge-words">${words}</span>
      ${known && html`<span class="figure">${percent(status.progress)}</span>`}
      <span class="offstage">: engine details</span>
    </button>
    ${open && status && html`<${Panel} status=${status} />`}
  </div>`;
}

/** @param {{status: import("../lib/types.js").EngineStatus}} props */
function Panel({ status }) {
  const ill = Object.entries(health.value).filter(([, text]) => text !== "ok");
  return html`<div class="panel">
    <p>${STAGES[status.stage]?.[1]}</p>
    <${Bar} status=${status} />
    ${status.detail && html`<p class="detail">${status.detail}</p>`}
    <dl>
      ${status.model && html`<dt>Model</dt><dd>${status.model}</dd>`}
      ${status.window > 0 && html`<dt>Window</dt><dd>${status.window.toLocaleString()} tokens</dd>`}
      ${ill.map(([part, text]) => html`<dt key=${part}>${part}</dt><dd>${text}</dd>`)}
    </dl>
    <a class="operator" href="/admin">More on the operator's page</a>
  </div>`;
}

/** @param {{status: import("../lib/types.js").EngineStatus}} props */
export function Bar({ status }) {
  if (!["install", "model", "warmup"].includes(status.stage)) return null;
  const part = status.progress;
  return html`<progress aria-label=${STAGES[status.stage][0]} max="1" value=${part ?? undefined}>${part == null ? "" : percent(part)}</progress>`;
}
