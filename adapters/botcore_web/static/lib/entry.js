// The door: whether an error means that the server wants a key first.
import { locked } from "./store.js";

/** True where the page is locked, by this error or already; the caller then need not say anything. @param {any} error */
export function refused(error) {
  if (error.status === 401 && error.code === "login") locked.value = true;
  return locked.peek();
}
