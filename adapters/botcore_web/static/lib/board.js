// The operator's panels: which there are, and what each of them says. Each is asked by itself, so none holds up another.
import { signal } from "../vendor/vendor.js";
import * as api from "./api.js";
import { refused } from "./entry.js";
import { name } from "./store.js";

/** Between an answer and the next question, in ms; longer where the answer was an error. */
const PACE = 2000;
const PATIENCE = 5000;

/** @type {import("./store.js").Signal<{id: string, title: string, owner: string}[]>} */
export const panels = signal([]);
/** Why there is no list of panels, in words. */
export const problem = signal("");
/** True while the bot does not answer at all. */
export const unreachable = signal(false);

/** Once, at the start; and again after a login. */
export async function begin() {
  try {
    const [listed, status] = await Promise.all([api.panels(), api.status()]);
    panels.value = listed.panels;
    name.value = status.name;
    problem.value = "";
    unreachable.value = false;
  } catch (error) {
    if (refused(error)) return;
    problem.value = error.message;
    setTimeout(begin, PATIENCE);
  }
}

/**
 * Hear what a panel says, again and again for as long as somebody can see the page.
 *
 * @param {string} id @param {(said: {widgets?: object[], error: string}) => void} tell
 * @returns {() => void} ends it
 */
export function follow(id, tell) {
  let timer = 0;
  let asking = false;
  let ended = false;
  async function ask() {
    clearTimeout(timer);
    if (asking || ended || document.hidden) return;
    asking = true;
    const well = await once(id, (said) => ended || tell(said));
    asking = false;
    if (!ended) timer = setTimeout(ask, well ? PACE : PATIENCE);
  }
  document.addEventListener("visibilitychange", ask);
  ask();
  return () => {
    ended = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", ask);
  };
}

/** @param {string} id @param {(said: {widgets?: object[], error: string}) => void} tell @returns {Promise<boolean>} whether all is well */
async function once(id, tell) {
  try {
    const { widgets } = await api.panel(id);
    unreachable.value = false;
    tell({ widgets, error: "" });
    return true;
  } catch (error) {
    if (refused(error)) return false;
    unreachable.value = error.status === 0;
    if (error.status !== 0) tell({ error: error.message });
    return false;
  }
}
