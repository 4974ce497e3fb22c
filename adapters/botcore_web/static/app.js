// The page: its frame, and how it starts.
import { effect, Fragment, html, render } from "./vendor/vendor.js";
import * as chat from "./lib/chat.js";
import { login } from "./lib/entry.js";
import { listenToKeys } from "./lib/keys.js";
import { finish, refreshList } from "./lib/list.js";
import { idInHash } from "./lib/send.js";
import { locked, name, title } from "./lib/store.js";
import { followKeyboard } from "./lib/window.js";
import { DropZone, listenToFiles } from "./ui/attach.js";
import { Card, closeSource } from "./ui/card.js";
import { Composer } from "./ui/composer.js";
import { Header } from "./ui/header.js";
import { Help } from "./ui/help.js";
import { Login } from "./ui/login.js";
import { Banner, Toast, Voice } from "./ui/notices.js";
import { covering, covers, Sidebar } from "./ui/sidebar.js";
import { Thread } from "./ui/thread.js";

function App() {
  if (locked.value) return html`<${Login} enter=${(key) => login(key, chat.begin)} />`;
  return html`<${Fragment}>
    <a class="skip" href="#message" onClick=${skip}>Skip to the message field</a>
    <div class="app">
      <${Sidebar} />
      <main class="chat" inert=${covers()}>
        <${Header} />
        <${Banner} />
        <${Thread} />
        <div class="dock"><${Composer} /></div>
      </main>
    </div>
    <${Card} /><${Help} /><${DropZone} /><${Toast} /><${Voice} />
  <//>`;
}

/** The hash belongs to the conversation, so the link may not change it. @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById("message")?.focus();
}

/** A page nobody has looked at for this long lets its connection go; one in which a reply grows is asked again. */
const REST_MS = 60_000;
let resting = 0;
let hidden = 0;

function rest() {
  hidden = Date.now();
  resting = setInterval(chat.rest, REST_MS);
}

effect(() => {
  document.title = title.value ? `${title.value} · ${name.value}` : name.value;
});
listenToKeys({ covering, closeSource });
listenToFiles();
addEventListener("popstate", () => (idInHash() ? chat.open(idInHash()) : chat.openNew()));
addEventListener("online", chat.reconnect);
addEventListener("pagehide", finish);
document.addEventListener("visibilitychange", () => {
  clearInterval(resting);
  if (locked.peek()) return;
  if (document.hidden) return rest();
  chat.wake(Date.now() - hidden > REST_MS); // in a phone's pocket no timer runs
  refreshList(); // another tab may have been busy
});
followKeyboard();
render(html`<${App} />`, document.getElementById("app"));
chat.begin();
if (document.hidden) rest(); // opened in the background
