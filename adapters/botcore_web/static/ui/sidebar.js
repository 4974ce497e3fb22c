// The list of conversations. On a wide screen it stands beside the chat, on a phone it covers it.
import { html, useEffect, useRef, useState } from "../vendor/vendor.js";
import * as chat from "../lib/chat.js";
import { entered, logout } from "../lib/entry.js";
import { NEW_CHAT } from "../lib/keys.js";
import { finish, remove, showOlder } from "../lib/list.js";
import { announce, current, name, older, shown, sidebar } from "../lib/store.js";
import { era } from "../lib/when.js";
import { Icon, IconButton, Ring } from "./atoms.js";

const wide = matchMedia("(min-width: 60rem)");

/** True where the list covers the chat, so that it must close after a choice. */
export const covering = () => sidebar.peek() && !wide.matches;

/** Who types on is not interrupted, in ms. */
const PAUSE = 600;

/** The same, for drawing: the chat under the list takes no focus. */
export const covers = () => sidebar.value && !wide.matches;

/** @param {boolean} open @returns {HTMLElement|null} the button that hides the list, or shows it */
const toggle = (open) => document.querySelector(open ? ".sidebar .brand button" : ".bar [aria-controls=sidebar]");

const leave = () => covering() && (sidebar.value = false);

/** The last one listed takes the keyboard, or what is above it: the button may go. @param {HTMLElement} bar */
const toLast = (bar) => /** @type {HTMLElement} */ ([...bar.querySelectorAll(".new, .row a")].at(-1)).focus();

export function Sidebar() {
  const [wanted, filter] = useState("");
  const box = useRef(null);
  const open = sidebar.value;
  const before = useRef(open);
  useEffect(() => {
    if (before.current === open) return;
    before.current = open;
    // The button that was pressed has gone; its counterpart takes the keyboard.
    const lost = document.activeElement === document.body || (!open && box.current.contains(document.activeElement));
    if (covering() || lost) toggle(open)?.focus();
  }, [open]);
  const words = wanted.trim().toLowerCase();
  const among = older.value ? " among those listed" : "";
  const found = shown.value.filter((one) => one.title.toLowerCase().includes(words));
  useEffect(() => {
    if (!words) return;
    const told = found.length === 1 ? `1 conversation found${among}.` : `${found.length} conversations found${among}.`;
    const timer = setTimeout(() => announce(told), PAUSE);
    return () => clearTimeout(timer);
  }, [words, found.length, among]);
  /** Escape empties the field, and does nothing else then. @param {KeyboardEvent} event */
  const clear = (event) => {
    if (event.key !== "Escape" || !wanted) return;
    event.preventDefault();
    filter("");
  };
  const fresh = () => {
    chat.openNew();
    leave();
  };
  return html`
    <aside class=${`sidebar ${open ? "open" : ""}`} id="sidebar" aria-label="Conversations" inert=${!open} ref=${box}>
      <div class="brand"><${Ring} state="done" /><span>${name.value}</span>
        <${IconButton} icon="menu" label="Hide conversations" onClick=${() => (sidebar.value = false)} />
      </div>
      <button type="button" class="new" onClick=${fresh}><${Icon} name="plus" />New chat<kbd>${NEW_CHAT[0]}</kbd></button>
      <label class="search"><span class="offstage">Search conversations</span><${Icon} name="search" />
        <input type="search" placeholder="Search" value=${wanted} onInput=${(event) => filter(event.target.value)} onKeyDown=${clear} />
      </label>
      <nav aria-label="Conversations">
        <${Groups} conversations=${found} />
        ${!found.length && html`<p class="none">${words ? `Nothing called “${wanted}”${among}` : "Your conversations will be listed here."}</p>`}
        ${older.value && html`<button type="button" class="quiet" onClick=${() => (toLast(box.current), showOlder())}>Show older conversations</button>`}
      </nav>
      ${entered.value && html`<button type="button" class="quiet" onClick=${() => (finish(), logout())}>Log out</button>`}
    </aside>
    ${open && html`<div class="scrim" onClick=${leave}></div>`}
  `;
}

/** @param {{conversations: import("../lib/types.js").Conversation[]}} props */
function Groups({ conversations }) {
  /** @type {Map<string, import("../lib/types.js").Conversation[]>} */
  const groups = new Map();
  for (const one of conversations) groups.set(era(one.at), [...(groups.get(era(one.at)) ?? []), one]);
  return [...groups].map(
    ([heading, list]) => html`<section key=${heading}>
      <h2>${heading}</h2>
      <ul>${list.map((one) => html`<${Row} key=${one.id} one=${one} />`)}</ul>
    </section>`,
  );
}

/** @param {{one: import("../lib/types.js").Conversation}} props */
function Row({ one }) {
  const title = one.title || "Untitled";
  const open = (/** @type {MouseEvent} */ event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return; // a new tab or window is the browser's business
    event.preventDefault();
    chat.openKnown(one.id);
    leave();
  };
  const drop = (/** @type {MouseEvent} */ event) => {
    const bar = /** @type {HTMLElement} */ (event.currentTarget).closest(".sidebar");
    const links = /** @type {HTMLElement[]} */ ([...bar.querySelectorAll(".row a")]);
    const index = links.findIndex((link) => link.parentElement.contains(/** @type {Node} */ (event.currentTarget)));
    remove(one, chat);
    // The keyboard must not fall off the page.
    (links[index + 1] ?? links[index - 1] ?? /** @type {HTMLElement} */ (bar.querySelector(".new"))).focus();
  };
  return html`<li class="row">
    <a href=${`#/c/${one.id}`} aria-current=${one.id === current.value ? "page" : undefined} onClick=${open} title=${title} dir="auto">${title}</a>
    <${IconButton} icon="trash" label=${`Delete “${title}”`} onClick=${drop} />
  </li>`;
}
