// The door: whether an error means that the server wants something else first, a key or the visitor's cookie; in and out.
import { signal } from "../vendor/vendor.js";
import * as api from "./api.js";
import { locked, say, stranger } from "./store.js";

const KEY = "botcore.entered";

/** Whether this browser came in by a key, and so can go out. */
export const entered = signal(false);
try {
  entered.value = localStorage.getItem(KEY) !== null;
} catch {
  // No storage: known for as long as the page lives.
}

/** @param {string} key @param {() => Promise<void>} begin @returns {Promise<string>} what is wrong with the key; "" = let in */
export async function login(key, begin) {
  try {
    await api.login(key);
  } catch (error) {
    return error.message;
  }
  try {
    localStorage.setItem(KEY, "yes");
  } catch {
    // As above.
  }
  entered.value = true;
  locked.value = false;
  await begin();
  return "";
}

/** Let nobody in here without the key again, in no tab of this browser. */
export async function logout() {
  try {
    await api.logout();
  } catch (error) {
    return say({ text: `Not logged out: ${error.message}`, tone: "bad" });
  }
  try {
    localStorage.removeItem(KEY);
  } catch {
    // As above.
  }
  leave();
}

// Another tab has logged out.
addEventListener("storage", (event) => event.key === KEY && event.newValue === null && leave());

/** To the door, and nothing of what was typed stays behind. */
function leave() {
  try {
    sessionStorage.clear();
  } catch {
    // As above.
  }
  location.reload();
}

/** Whether the cookie is missing that says whose conversations these are. @param {any} error */
export const unknown = (error) => error.status === 403 && error.code === "visitor";

/** True where the page must first be let in, by this error or already; the caller then need not say anything. @param {any} error */
export function refused(error) {
  if (error.status === 401 && error.code === "login") locked.value = true;
  if (unknown(error)) stranger.value = true;
  return locked.peek() || unknown(error);
}
