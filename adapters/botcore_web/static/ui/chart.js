// A line chart. The legend tells the values at one place: the newest, or where the pointer or the slider is.
import { html, useLayoutEffect, useRef, useState } from "../vendor/vendor.js";
import { numberOf, shown } from "../lib/cells.js";
import * as chart from "../lib/chart.js";
import { dateOf, timeOf } from "../lib/when.js";
import { Empty } from "./table.js";

const HEIGHT = 208;
const EDGE = { left: 46, right: 14, top: 8, bottom: 24 };

/** How places on the axis are written. @param {boolean} time @param {number[]} places @returns {(x: number) => string} */
const writing = (time, places) => (!time ? numberOf : chart.inDays([places[0], places.at(-1) ?? 0]) ? dateOf : timeOf);

/** @param {{title: string, lines: chart.Lines, x: string, y: string, time: boolean, empty: string}} props */
export function Chart({ title, lines, x, y, time, empty }) {
  const [chosen, choose] = useState(/** @type {number|null} */ (null));
  const places = chart.places(lines);
  if (places.length === 0) return html`<div class="widget"><h3>${title}</h3><${Empty} text=${empty || "There is nothing to draw yet."} /></div>`;
  const index = chosen === null ? places.length - 1 : chart.nearest(places, chosen);
  const at = places[index];
  const write = writing(time, places);
  const where = time ? write(at) : `${x} ${write(at)}`;
  const told = lines.map(([name, points]) => ({ name, value: shown(chart.valueAt(points, at), "number") }));
  const words = `${where}: ${told.map(({ name, value }) => `${name} ${value}`).join(", ")}`;
  return html`<figure class="widget chart">
    <figcaption><h3>${title}</h3>
      <ul class="legend">${told.map(({ name, value }, line) => html`<li key=${name}>
        <svg viewBox="0 0 22 6" aria-hidden="true"><path class=${`line line-${line}`} d="M0 3H22" /></svg>
        <span>${name}</span> <strong>${value}</strong>
      </li>`)}<li class="small">${chosen === null ? "newest" : ""} ${where}</li></ul>
    </figcaption>
    <${Drawing} lines=${lines} write=${write} time=${time} at=${chosen === null ? null : at} choose=${choose} label=${`${title}, ${y} by ${time ? "time" : x}. Newest at ${words}`} />
    <input type="range" min="0" max=${places.length - 1} value=${index} aria-label=${`${title}: read the values`} aria-valuetext=${words}
      onInput=${(/** @type {any} */ event) => choose(places[event.target.valueAsNumber])} onBlur=${() => choose(null)} />
    <${Values} title=${title} lines=${lines} places=${places} x=${time ? "Time" : x} write=${write} />
  </figure>`;
}

/** @param {{lines: chart.Lines, write: (x: number) => string, time: boolean, at: number|null, choose: (x: number|null) => void, label: string}} props */
function Drawing({ lines, write, time, at, choose, label }) {
  const box = useRef(null);
  const [width, measure] = useState(0);
  useLayoutEffect(() => {
    const watch = new ResizeObserver(([entry]) => measure(Math.floor(entry.contentRect.width)));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  const all = lines.flatMap(([, points]) => points);
  const xs = (time ? chart.spanOfTimes : chart.span)(all.map((point) => point[0]));
  const ys = chart.spanOfValues(all.map((point) => point[1]));
  const [left, right, top, bottom] = [EDGE.left, width - EDGE.right, EDGE.top, HEIGHT - EDGE.bottom];
  const across = chart.scale(xs, left, right);
  const up = chart.scale(ys, bottom, top);
  const back = chart.scale([left, right], xs[0], xs[1]);
  const point = (/** @type {PointerEvent} */ event) => choose(back(event.clientX - box.current.getBoundingClientRect().left));
  const count = Math.max(2, Math.floor(width / 90));
  const below = time ? chart.timeTicks(xs, count) : chart.ticks(xs, count);
  return html`<div class="drawing" ref=${box}>${width > 0 && html`
    <svg width=${width} height=${HEIGHT} role="img" aria-label=${label} onPointerMove=${point} onPointerDown=${point} onPointerLeave=${() => choose(null)}>
      ${chart.ticks(ys, 4).map((value) => html`<g key=${`y${value}`}>
        <path class="grid" d=${`M${left} ${up(value).toFixed(1)}H${right}`} />
        <text class="tick" x=${left - 8} y=${up(value) + 4} text-anchor="end">${numberOf(value)}</text></g>`)}
      ${below.map((value) => html`<text key=${`x${value}`} class="tick" x=${Math.min(across(value), width - 26)} y=${HEIGHT - 6} text-anchor="middle">${write(value)}</text>`)}
      <path class="axis" d=${`M${left} ${bottom}H${right}`} />
      ${lines.map(([name, points], line) => html`<g key=${name}>
        <path class=${`line line-${line}`} d=${chart.path(points, across, up)} />
        ${points.length === 1 && html`<circle class=${`spot line-${line}`} cx=${across(points[0][0])} cy=${up(points[0][1])} r="3" />`}</g>`)}
      ${at !== null && html`<path class="cursor" d=${`M${across(at).toFixed(1)} ${top}V${bottom}`} />`}
      ${at !== null && lines.map(([name, points], line) => {
        const value = chart.valueAt(points, at);
        return value !== null && html`<circle key=${`at ${name}`} class=${`spot line-${line}`} cx=${across(at)} cy=${up(value)} r="4" />`;
      })}
    </svg>`}</div>`;
}

/** The same for who reads rather than sees; drawn when it is opened. @param {{title: string, lines: chart.Lines, places: number[], x: string, write: (x: number) => string}} props */
function Values({ title, lines, places, x, write }) {
  const [open, show] = useState(false);
  return html`<details class="values" onToggle=${(/** @type {any} */ event) => show(event.target.open)}>
    <summary>Values as a table</summary>
    ${open && html`<div class="scroll low" role="region" tabindex="0" aria-label=${`${title}: values`}><table>
      <thead><tr><th scope="col">${x}</th>${lines.map(([name]) => html`<th key=${name} scope="col" class="right">${name}</th>`)}</tr></thead>
      <tbody>${places.map((place) => html`<tr key=${place}><th scope="row">${write(place)}</th>
        ${lines.map(([name, points]) => html`<td key=${name} class="right">${shown(points.find((point) => point[0] === place)?.[1] ?? null, "number")}</td>`)}</tr>`)}</tbody>
    </table></div>`}
  </details>`;
}
