// Markdown → safe DOM. Two walls: raw HTML and images never leave the parser as such, and DOMPurify lets only a short list
// of elements through. A model (or a document it quotes) must not be able to load, run or submit anything.
import { DOMPurify, hljs, Marked } from "../vendor/vendor.js";
import { icon } from "./dom.js";

const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escape = (/** @type {string} */ text) => text.replace(/[&<>"']/g, (character) => escapes[character]);

/** Quotes and lists within each other: a model that has lost its way writes `> > > >` until the stack overflows. */
const TOO_DEEP = /^(?:[ \t]*(?:>|(?:[-+*]|\d{1,9}[.)])[ \t])){50}.*\n*/;
const tooDeep = {
  name: "deep",
  level: "block",
  tokenizer(/** @type {string} */ source) {
    const raw = TOO_DEEP.exec(source)?.[0];
    return raw && { type: "deep", raw };
  },
  renderer: (/** @type {{raw: string}} */ { raw }) => `<p>${escape(raw)}</p>`,
};

const marked = new Marked({
  extensions: [tooDeep],
  gfm: true,
  breaks: true,
  renderer: {
    html: ({ text }) => escape(text),
    // The page's heading is the conversation's title; those of a reply stand one level under it, however deep they look.
    heading({ tokens, depth }) {
      return `<h2 class="depth-${depth}">${this.parser.parseInline(tokens)}</h2>`;
    },
    // An image would be fetched as soon as it is drawn, and its address can carry the chat away: it becomes a link.
    image: ({ href, text }) => `<a href="${escape(href)}">${escape(text || "image")}</a>`,
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

const SAFE = {
  ALLOWED_TAGS: [
    "a", "blockquote", "br", "code", "del", "em", "h2", "hr", "li", "ol", "p", "pre", "span",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
  ],
  ALLOWED_ATTR: ["href", "class", "start", "align"],
  ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:)/i,
  // DOMPurify holds every attribute it does not know to the rule for addresses.
  ADD_URI_SAFE_ATTR: ["align", "start"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

/** Longer code stays plain: highlighting is linear, but on the way to the first paint. */
const HIGHLIGHT_LIMIT = 40_000;

/** The top-level blocks of a text, each with its source in `raw`. @param {string} text */
export const blocks = (text) => marked.lexer(text);

/**
 * One block as safe DOM.
 *
 * @param {any} token
 * @param {any} links the text's link definitions
 * @returns {DocumentFragment}
 */
export function draw(token, links) {
  const tokens = Object.assign([token], { links });
  const fragment = DOMPurify.sanitize(marked.parser(tokens), SAFE);
  fragment.querySelectorAll("a").forEach(guard);
  fragment.querySelectorAll("pre").forEach(frame);
  fragment.querySelectorAll("table").forEach(scroller);
  return fragment;
}

/** A link leaves with no trace of us, and says where it goes, unless it is its own address. @param {HTMLAnchorElement} link */
function guard(link) {
  const href = link.getAttribute("href");
  if (!href) return link.replaceWith(...link.childNodes);
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  const host = link.protocol === "mailto:" ? link.pathname : link.host;
  if (/^(?:https?:\/\/)?([^/?#]*)/i.exec(link.textContent.trim())[1].toLowerCase() === host.toLowerCase()) return;
  const where = document.createElement("span");
  where.className = "host";
  where.textContent = host;
  link.append(" ", where);
}

/** Code gets its language's name, colours and a copy button. @param {HTMLPreElement} pre */
function frame(pre) {
  const code = pre.querySelector("code");
  if (!code) return;
  const language = /language-([\w+#.-]+)/.exec(code.className)?.[1] ?? "";
  const text = code.textContent.replace(/\n$/, "");
  code.textContent = text;
  if (hljs.getLanguage(language) && text.length < HIGHLIGHT_LIMIT) {
    const colours = hljs.highlight(text, { language, ignoreIllegals: true }).value;
    code.replaceChildren(DOMPurify.sanitize(colours, { ...SAFE, ALLOWED_TAGS: ["span"], ALLOWED_ATTR: ["class"] }));
  }
  const figure = document.createElement("div");
  figure.className = "code";
  figure.dir = "ltr";
  const bar = document.createElement("div");
  bar.className = "code-bar";
  const label = document.createElement("span");
  label.textContent = language || "text";
  const copy = document.createElement("button");
  copy.type = "button";
  copy.className = "quiet copy-code";
  copy.append(icon("copy"), "Copy");
  copy.setAttribute("aria-label", `Copy the ${language || "text"} block`);
  bar.append(label, copy);
  // A wide block scrolls sideways, so a keyboard must be able to reach it.
  pre.tabIndex = 0;
  pre.setAttribute("role", "group");
  pre.setAttribute("aria-label", language ? `${language} code` : "code");
  pre.replaceWith(figure);
  figure.append(bar, pre);
}

/** @param {HTMLTableElement} table */
function scroller(table) {
  const box = document.createElement("div");
  box.className = "table";
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "table");
  table.replaceWith(box);
  box.append(table);
}
