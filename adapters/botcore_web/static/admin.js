// The operator's page: its frame, and how it starts.
import { effect, Fragment, html, render } from "./vendor/vendor.js";
import { begin, panels, problem, unreachable } from "./lib/board.js";
import { login } from "./lib/entry.js";
import { locked, name } from "./lib/store.js";
import { theme, turnTheme } from "./lib/theme.js";
import { Icon, IconButton, Ring } from "./ui/atoms.js";
import { Login } from "./ui/login.js";
import { Panel } from "./ui/panel.js";

const NEXT = { system: "light", light: "dark", dark: "system" };

function App() {
  if (locked.value) return html`<${Login} enter=${(key) => login(key, begin)} />`;
  return html`<${Fragment}>
    <a class="skip" href="#panels">Skip to the panels</a>
    <header class="bar board-bar">
      <${Ring} state="done" />
      <h1 class="title">${name.value} <span>operator</span></h1>
      <a class="quiet" href="/">Chat</a>
      <${IconButton} icon=${theme.value} label=${`Theme: ${theme.value}. Switch to ${NEXT[theme.value]}`} onClick=${turnTheme} />
    </header>
    <div role="status" class="banner-place">${unreachable.value && html`<div class="banner"><${Icon} name="warn" />
      <span>The bot cannot be reached. What you see is what it said last; trying again by itself.</span></div>`}</div>
    <div class="board">
      <nav aria-label="Panels"><ul>${panels.value.map(({ id, title }) => html`<li key=${id}><a href=${`#${id}`}>${title}</a></li>`)}</ul></nav>
      <main id="panels" tabindex="-1">
        ${problem.value && html`<p class="mark failed" role="status">${problem.value}</p>`}
        ${panels.value.map((panel) => html`<${Panel} key=${panel.id} ...${panel} />`)}
      </main>
    </div>
  <//>`;
}

effect(() => {
  document.title = `Operator · ${name.value}`;
});
render(html`<${App} />`, document.getElementById("app"));
begin();
