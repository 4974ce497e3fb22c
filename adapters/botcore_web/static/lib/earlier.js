// What was said before the first line that is here: fetched a piece at a time, when it is asked for.
import { batch } from "../vendor/vendor.js";
import * as api from "./api.js";
import { refused } from "./entry.js";
import * as store from "./store.js";
import { withEarlier } from "./thread.js";

/** The conversation of which a piece is on its way. */
let asking = "";

/** Put the piece before the first line in front of it. */
export async function showEarlier() {
  const id = store.current.peek();
  if (asking === id) return;
  asking = id;
  const first = store.thread.peek().entries[0].id;
  try {
    const { entries, earlier } = await api.earlier(id, first);
    if (store.current.peek() !== id || store.thread.peek().entries[0]?.id !== first) return; // another one was opened
    batch(() => {
      store.thread.value = withEarlier(store.thread.peek(), entries);
      store.earlier.value = earlier;
    });
    store.announce(`${entries.length} earlier messages are above.`);
  } catch (error) {
    if (!refused(error)) store.say({ text: `Not shown: ${error.message}`, tone: "bad" });
  } finally {
    if (asking === id) asking = "";
  }
}
