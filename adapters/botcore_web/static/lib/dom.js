// Small DOM helpers for what is drawn without components.

const SVG = "http://www.w3.org/2000/svg";

/** An icon of the sheet. @param {string} name @returns {SVGElement} */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** Where the keyboard goes when the button it was on goes: into the conversation, not to the top of the page. */
export const focusLog = () => /** @type {HTMLElement|null} */ (document.querySelector(".log"))?.focus();

/** Put a text on the clipboard. @param {string} text @returns {Promise<boolean>} */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyOldWay(text); // plain http beyond localhost has no clipboard object
  }
}

/** @param {string} text */
function copyOldWay(text) {
  const focused = /** @type {HTMLElement|null} */ (document.activeElement);
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "offstage";
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return done;
}
