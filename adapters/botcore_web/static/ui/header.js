// The bar over the conversation.
import { html } from "../vendor/vendor.js";
import { openNew } from "../lib/chat.js";
import { NEW_CHAT } from "../lib/keys.js";
import { helpOpen, name, rows, sidebar, title } from "../lib/store.js";
import { theme, turnTheme } from "../lib/theme.js";
import { IconButton } from "./atoms.js";
import { EngineBadge } from "./engine.js";

const NEXT = { system: "light", light: "dark", dark: "system" };

export function Header() {
  return html`<header class="bar">
    ${!sidebar.value && html`<${IconButton} icon="menu" label="Show conversations" aria-expanded="false" aria-controls="sidebar" onClick=${() => (sidebar.value = true)} />`}
    ${!sidebar.value && html`<${IconButton} icon="plus" label="New chat" keys=${NEW_CHAT[0]} onClick=${openNew} />`}
    ${rows.value.length ? html`<h1 class="title" dir="auto">${title.value || name.value}</h1>` : html`<span class="title"></span>`}
    <${EngineBadge} />
    <${IconButton} icon=${theme.value} label=${`Theme: ${theme.value}. Switch to ${NEXT[theme.value]}`} onClick=${turnTheme} />
    <${IconButton} icon="help" label="Help" class="only-wide" onClick=${() => (helpOpen.value = true)} />
  </header>`;
}
