// The door, where the operator has set a key.
import { html, useEffect, useRef, useState } from "../vendor/vendor.js";
import { name } from "../lib/store.js";
import { Ring } from "./atoms.js";

/** @param {{enter: (key: string) => Promise<string>}} props `enter` says what is wrong with a key, "" = let in. */
export function Login({ enter }) {
  const field = useRef(null);
  const [wrong, tell] = useState("");
  const [asking, ask] = useState(false);
  useEffect(() => field.current.focus(), []);
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    ask(true);
    tell(await enter(field.current.value));
    ask(false);
    field.current?.select();
  };
  return html`<main class="login">
    <form onSubmit=${submit}>
      <${Ring} state="done" class="big" />
      <h1>${name.value}</h1>
      <label for="key">Access key</label>
      <input id="key" type="password" autocomplete="current-password" required ref=${field} aria-invalid=${String(wrong !== "")} aria-describedby="wrong" />
      <p id="wrong" role="alert">${wrong}</p>
      <button type="submit" class="solid" disabled=${asking}>Enter</button>
      <p class="small">The key is the one under <code>[http]</code> in the bot's configuration.</p>
    </form>
  </main>`;
}
