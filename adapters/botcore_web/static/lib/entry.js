// The door: whether an error means that the server wants something else first, a key or the visitor's cookie.
import { locked, stranger } from "./store.js";

/** Whether the cookie is missing that says whose conversations these are. @param {any} error */
export const unknown = (error) => error.status === 403 && error.code === "visitor";

/** True where the page must first be let in, by this error or already; the caller then need not say anything. @param {any} error */
export function refused(error) {
  if (error.status === 401 && error.code === "login") locked.value = true;
  if (unknown(error)) stranger.value = true;
  return locked.peek() || unknown(error);
}
