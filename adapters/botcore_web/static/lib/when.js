// Times in a person's words.

const DAY = 86_400_000;
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

const midnight = (/** @type {Date} */ day) => new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();

/** Whole days between a moment and now. @param {number} at Unix seconds */
const daysAgo = (at) => Math.round((midnight(new Date()) - midnight(new Date(at * 1000))) / DAY);

/** @param {number} at Unix seconds */
export const timeOf = (at) => (daysAgo(at) === 0 ? clock : date).format(at * 1000);

const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

/** @param {number} at Unix seconds */
export const dateOf = (at) => day.format(at * 1000);

/** The heading a conversation of that time stands under. @param {number} at Unix seconds */
export function era(at) {
  const days = daysAgo(at);
  if (days <= 0) return "Today";
  if (days === 1) return "Yesterday";
  return days < 7 ? "This week" : days < 31 ? "This month" : "Earlier";
}
