// One panel: its title, what it says, or why it cannot. It never takes the page down: what it says is data.
import { html, useEffect, useState } from "../vendor/vendor.js";
import { shown, toneOf } from "../lib/cells.js";
import { follow } from "../lib/board.js";
import { Chart } from "./chart.js";
import { Table } from "./table.js";

/** @param {{id: string, title: string}} props */
export function Panel({ id, title }) {
  const [said, hear] = useState({ widgets: null, error: "" });
  useEffect(() => follow(id, (news) => hear((before) => ({ ...before, ...news }))), [id]);
  return html`<section class=${`sheet ${said.error && said.widgets ? "stale" : ""}`} id=${id} aria-labelledby=${`${id}-title`}>
    <h2 id=${`${id}-title`}>${title}</h2>
    <div role="status" class="panel-error">${said.error && html`<p class="mark failed">${said.error}</p>`}</div>
    ${said.widgets ? groups(said.widgets).map(drawn) : !said.error && html`<p class="small">Reading …</p>`}
  </section>`;
}

/** Figures that follow each other are drawn side by side. @param {any[]} widgets @returns {any[]} */
function groups(widgets) {
  const found = [];
  for (const widget of widgets) {
    const last = found.at(-1);
    if (!("figure" in widget)) found.push(widget);
    else if (last?.figures) last.figures.push(widget);
    else found.push({ figures: [widget] });
  }
  return found;
}

/** @param {any} widget @param {number} index */
function drawn(widget, index) {
  if (widget.figures) return html`<dl class="figures" key=${index}>${widget.figures.map(Tile)}</dl>`;
  if (widget.lines) return html`<${Chart} key=${`${index} ${widget.title}`} ...${widget} />`;
  return html`<${Table} key=${`${index} ${widget.title}`} ...${widget} />`;
}

/** @param {{figure: string, value: import("../lib/cells.js").Cell, kind: import("../lib/cells.js").Kind, note: string, tone: string}} props */
function Tile({ figure, value, kind, note, tone }) {
  const colour = tone || (kind === "state" ? toneOf(value) : "");
  const bar = kind === "share" && typeof value === "number";
  return html`<div class=${`tile ${colour}`} key=${figure}>
    <dt>${figure}</dt>
    <dd class="value">${colour && html`<span class="dot"></span>`}${shown(value, kind)}</dd>
    ${bar && html`<dd><progress max="1" value=${value} aria-label=${figure}></progress></dd>`}
    ${note && html`<dd class="small">${note}</dd>`}
  </div>`;
}
