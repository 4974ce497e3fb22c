// The smallest pieces: icons, the ring, buttons that are only an icon.
import { html, useLayoutEffect } from "../vendor/vendor.js";

/** @param {{name: string}} props */
export const Icon = ({ name }) =>
  html`<svg class="icon" aria-hidden="true"><use href=${`/static/icons.svg#${name}`} /></svg>`;

/**
 * The ring: mark of the bot, and how far it has come. `done` is the logo; `busy` turns; `part` fills by `progress`.
 *
 * @param {{state: "done"|"busy"|"part"|"off"|"bad", progress?: number|null, class?: string}} props
 */
export function Ring({ state, progress, class: more = "" }) {
  const part = { done: 84, busy: 30, off: 0, bad: 100, part: Math.round((progress ?? 0) * 100) }[state];
  return html`<svg class=${`ring ${state} ${more}`} viewBox="0 0 20 20" aria-hidden="true">
    <circle class="track" cx="10" cy="10" r="7.5" />
    <circle class="arc" cx="10" cy="10" r="7.5" pathLength="100" stroke-dasharray=${`${part} 100`} />
    <circle class="core" cx="10" cy="10" r="2.7" />
  </svg>`;
}

/** @param {{icon: string, label: string, keys?: string, onClick: (event: any) => void, class?: string, [more: string]: any}} props */
export function IconButton({ icon, label, keys, class: more = "", ...rest }) {
  return html`<button type="button" class=${`quiet square ${more}`} aria-label=${label} title=${keys ? `${label} (${keys})` : label} ...${rest}>
    <${Icon} name=${icon} />
  </button>`;
}

/**
 * Give the keyboard another place where the one it is in goes by itself, with a reply's end or after a time.
 *
 * @param {string} within a selector @param {() => void} back
 */
export function useWayBack(within, back) {
  const active = document.activeElement?.closest(within) && document.activeElement;
  useLayoutEffect(() => {
    if (active && !active.isConnected) back();
  });
}
