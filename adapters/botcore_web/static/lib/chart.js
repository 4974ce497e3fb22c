// A chart as numbers: which part of the axes is shown, where the ticks are, what a line says at a place. Nothing is drawn.

/** @typedef {[number, number]} Point */
/** @typedef {[string, Point[]][]} Lines */

const MINUTE = 60;
const DAY = 86_400;
const TIMES = [1, 2, 5, 10, 15, 30, 60, 120, 360, 720].map((minutes) => minutes * MINUTE);

/** The shown part of an axis; a flat line gets room around it. @param {number[]} values @returns {Point} */
export function span(values) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (low !== high) return [low, high];
  const room = Math.abs(low) / 10 || 1;
  return [low - room, high + room];
}

/** As `span`; a single moment stands in the middle of an hour. @param {number[]} values @returns {Point} */
export function spanOfTimes(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low === high ? [low - 30 * MINUTE, high + 30 * MINUTE] : [low, high];
}

/** As `span`, from zero where zero is not far off and where things are counted. @param {number[]} values @returns {Point} */
export function spanOfValues(values) {
  const [low, high] = span(values);
  if (low >= 0 && (low <= high - low || values.every(Number.isInteger))) return [0, high];
  const room = (high - low) / 20;
  return [low - room, high + room];
}

/** Round places within an axis, at most `count` and one. @param {Point} shown @param {number} count @returns {number[]} */
export function ticks([low, high], count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? rough;
  return multiples(low, high, step, 0);
}

/** As `ticks`, at full minutes, hours and days of this place. @param {Point} shown @param {number} count @returns {number[]} */
export function timeTicks([low, high], count) {
  const rough = (high - low) / count;
  const step = TIMES.find((one) => one >= rough) ?? Math.ceil(rough / DAY) * DAY;
  return multiples(low, high, step, new Date(low * 1000).getTimezoneOffset() * MINUTE);
}

/** @param {number} low @param {number} high @param {number} step @param {number} shift */
function multiples(low, high, step, shift) {
  const found = [];
  for (let number = Math.ceil((low - shift) / step - 1e-9); number * step + shift <= high + step * 1e-9; number++) {
    found.push(number * step + shift);
  }
  return found;
}

/** Whether a stretch of time is told in days. @param {Point} shown */
export const inDays = ([low, high]) => high - low > 3 * DAY;

/** From values to places on the screen. @param {Point} shown @param {number} from @param {number} to */
export const scale = ([low, high], from, to) => (/** @type {number} */ value) =>
  from + ((value - low) / (high - low || 1)) * (to - from);

/** Every place at which any line has a point, in order. @param {Lines} lines @returns {number[]} */
export const places = (lines) =>
  [...new Set(lines.flatMap(([, points]) => points.map(([x]) => x)))].sort((a, b) => a - b);

/** What a line says at a place: its newest point up to there. @param {Point[]} points @param {number} x @returns {number|null} */
export const valueAt = (points, x) => points.findLast((point) => point[0] <= x)?.[1] ?? null;

/** The place nearest to x. @param {number[]} found @param {number} x */
export const nearest = (found, x) =>
  found.reduce((best, one, index) => (Math.abs(one - x) < Math.abs(found[best] - x) ? index : best), 0);

/** @param {Point[]} points @param {(x: number) => number} x @param {(y: number) => number} y */
export const path = (points, x, y) => points.map((point, index) => `${index ? "L" : "M"}${x(point[0]).toFixed(1)} ${y(point[1]).toFixed(1)}`).join("");
