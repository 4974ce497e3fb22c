// How the bot is, and what it takes.
import { batch } from "../vendor/vendor.js";
import * as api from "./api.js";
import { refused } from "./entry.js";
import * as store from "./store.js";

const RETRY_MS = 3000;
let refreshing = 0;

/** Ask; where that fails, again every three seconds. */
export async function refresh() {
  clearTimeout(refreshing);
  try {
    const status = await api.status();
    batch(() => {
      store.name.value = status.name;
      store.commands.value = status.commands;
      store.samples.value = status.samples;
      store.health.value = status.health;
      store.limits.value = status.limits;
      store.engine.value ??= status.engine;
    });
  } catch (error) {
    if (!refused(error)) refreshing = setTimeout(refresh, RETRY_MS);
  }
}
