// `[1]` in a reply becomes a button that shows source 1.

const MARK = /\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]/g;

/** @param {import("./types.js").Citation} citation */
function button(citation) {
  const cite = document.createElement("button");
  cite.type = "button";
  cite.className = "cite";
  cite.dataset.number = String(citation.number);
  cite.textContent = String(citation.number);
  cite.setAttribute("aria-haspopup", "dialog");
  cite.setAttribute("aria-label", `Source ${citation.number}: ${citation.title}${citation.page ? `, page ${citation.page}` : ""}`);
  return cite;
}

/** @param {HTMLElement} root */
function texts(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT, (node) =>
    node.parentElement.closest("pre, code, a, button") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT,
  );
  const found = [];
  while (walker.nextNode()) {
    const node = /** @type {Text} */ (walker.currentNode);
    if (node.data.includes("[")) found.push(node);
  }
  return found;
}

/**
 * Turn the marks under `root` into buttons; a number without a source stays as it is. Twice is no harm.
 *
 * @param {HTMLElement} root
 * @param {import("./types.js").Citation[]} citations
 */
export function decorate(root, citations) {
  const known = new Map(citations.map((citation) => [citation.number, citation]));
  for (const node of texts(root)) {
    const text = node.data;
    const parts = [];
    let from = 0;
    for (const match of text.matchAll(MARK)) {
      const numbers = match[1].split(",").map(Number);
      if (!numbers.every((number) => known.has(number))) continue;
      // A mark clings to the word it is about: no space, no line break between them.
      parts.push(`${text.slice(from, match.index).trimEnd()}\u2060`, ...numbers.map((number) => button(known.get(number))));
      from = match.index + match[0].length;
    }
    if (parts.length) node.replaceWith(...parts, text.slice(from));
  }
}
