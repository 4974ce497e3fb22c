// Values of panels as people read them, and rows in an order.
import { timeOf } from "./when.js";

/** @typedef {string|number|boolean|null} Cell */
/** @typedef {"text"|"number"|"time"|"share"|"state"|"code"} Kind */

const fine = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 4 });
const large = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });

/** @param {number} value */
export const numberOf = (value) => (Math.abs(value) >= 1000 ? large : fine).format(value);

/** @param {Cell} value @param {Kind} [kind] */
export function shown(value, kind = "text") {
  if (value === null) return "–";
  if (typeof value !== "number") return String(value);
  if (kind === "time") return value > 0 ? timeOf(value) : "–";
  return kind === "share" ? `${Math.round(value * 100)} %` : numberOf(value);
}

const GOOD = ["ok", "ready", "running", "done", "serving", "answered"];
const BAD = ["not well", "failed", "refused", "dead", "collapsed"];
const WARN = ["interrupted", "uncertain", "waiting", "stopped"];

/** The colour a known word has. @param {Cell} state @returns {""|"good"|"warn"|"bad"} */
export function toneOf(state) {
  const word = String(state);
  return GOOD.includes(word) ? "good" : BAD.includes(word) ? "bad" : WARN.includes(word) ? "warn" : "";
}

/** Rows by a column, dashes last either way. @template {Cell[]} R @param {R[]} rows @param {number} column @param {1|-1} way @returns {R[]} */
export const ordered = (rows, column, way) => [...rows].sort((a, b) => compare(a[column] ?? null, b[column] ?? null, way));

/** @param {Cell} a @param {Cell} b @param {1|-1} way */
function compare(a, b, way) {
  const empty = [a, b].map((value) => value === null || value === "");
  if (empty[0] || empty[1]) return Number(empty[0]) - Number(empty[1]);
  if (typeof a === "number" && typeof b === "number") return way * (a - b);
  return way * String(a).localeCompare(String(b), undefined, { numeric: true });
}
