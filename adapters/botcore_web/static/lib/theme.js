// Light, dark, or what the system says.
import { signal } from "../vendor/vendor.js";

const KEY = "botcore.theme";
const ORDER = /** @type {const} */ (["system", "light", "dark"]);

/** theme.js in the page's head has already applied a stored choice. */
export const theme = signal(/** @type {"system"|"light"|"dark"} */ (document.documentElement.dataset.theme ?? "system"));

/** On to the next of the three. */
export function turnTheme() {
  theme.value = ORDER[(ORDER.indexOf(theme.peek()) + 1) % ORDER.length];
  const root = document.documentElement;
  if (theme.peek() === "system") delete root.dataset.theme;
  else root.dataset.theme = theme.peek();
  try {
    localStorage.setItem(KEY, theme.peek());
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}
