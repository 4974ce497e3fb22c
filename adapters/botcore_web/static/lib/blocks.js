// A growing Markdown text in the page: finished blocks are drawn once and left alone, only the last one is drawn again.
import { decorate } from "./cite.js";
import { blocks, draw } from "./markdown.js";

export class BlockView {
  /** @param {HTMLElement} host its children belong to this view */
  constructor(host) {
    this.host = host;
    /** The source of what is finished. */
    this.frozen = "";
    /** The source of the last block as drawn, and its element. */
    this.liveText = "";
    /** @type {HTMLElement|null} */
    this.live = null;
  }

  /** @param {string} text the whole text so far @param {boolean} final nothing more will come */
  show(text, final) {
    text = text.replace(/\r\n?/g, "\n"); // as the parser does: what it returns must be a prefix of what it was given
    if (!text.startsWith(this.frozen)) this.clear();
    const tokens = /** @type {any} */ (blocks(text.slice(this.frozen.length)));
    const links = tokens.links;
    // Blank lines do not end a list or a quote: the last real block may still grow.
    const open = final ? tokens.length : tokens.findLastIndex((token) => token.type !== "space");
    tokens.forEach((token, index) => {
      if (index < open) this.freeze(token, links);
      else if (index === open) this.grow(token, links);
    });
    if (final) this.liveText = "";
  }

  freeze(token, links) {
    this.frozen += token.raw;
    if (this.live && token.raw !== this.liveText) this.live.remove();
    if (token.type !== "space" && token.type !== "def" && token.raw !== this.liveText) this.host.append(block(token, links));
    this.live = null;
    this.liveText = "";
  }

  grow(token, links) {
    if (this.live && token.raw === this.liveText) return;
    const fresh = block(token, links);
    if (this.live) this.live.replaceWith(fresh);
    else this.host.append(fresh);
    this.live = fresh;
    this.liveText = token.raw;
  }

  /** @param {import("./types.js").Citation[]} citations */
  cite(citations) {
    if (citations.length) decorate(this.host, citations);
  }

  clear() {
    this.host.replaceChildren();
    this.frozen = this.liveText = "";
    this.live = null;
  }
}

/** @returns {HTMLElement} */
function block(token, links) {
  const element = document.createElement("div");
  element.className = "block";
  element.dir = "auto"; // as the language it is written in
  element.append(draw(token, links));
  return element;
}
