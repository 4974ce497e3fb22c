// The conversation, scrolling. It follows the newest line as long as the reader is at the end.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/vendor.js";
import { focusLog } from "../lib/dom.js";
import { showEarlier } from "../lib/earlier.js";
import { current, earlier, loaded, name, rows } from "../lib/store.js";
import { Icon } from "./atoms.js";
import { Reply, Said } from "./message.js";
import { Welcome } from "./welcome.js";

/** Nearer to the end than this counts as being there, in px. */
const NEAR = 80;

const same = (/** @type {any} */ a, /** @type {any} */ b) =>
  a && a.kind === b.kind && a.entry === b.entry && a.draft === b.draft && a.earlier === b.earlier && a.text === b.text && a.unsent === b.unsent && a.waiting === b.waiting;

export function Thread() {
  const box = useRef(null);
  const cache = useRef(new Map());
  const following = useRef(true);
  const [away, setAway] = useState(false);
  const list = rows.value;
  const first = useRef("");
  const top = list[0]?.key;
  // Lines that come in front must not move what is being read: its distance from the end stays.
  const fromEnd = box.current && top !== first.current ? box.current.scrollHeight - box.current.scrollTop : 0;
  const toEnd = () => box.current?.scrollTo(0, box.current.scrollHeight);

  const scrolled = () => {
    const { scrollHeight, scrollTop, clientHeight } = box.current;
    following.current = scrollHeight - scrollTop - clientHeight < NEAR;
    setAway(!following.current);
  };
  const last = list.at(-1);
  const mine = last?.kind === "user" ? last.key : "";
  // What one says oneself is always brought into view, and so is a conversation just opened.
  useLayoutEffect(() => {
    following.current = true;
  }, [mine, current.value, loaded.value]);
  useLayoutEffect(() => {
    if (following.current) toEnd();
    else if (fromEnd) box.current.scrollTop = box.current.scrollHeight - fromEnd;
    first.current = top;
  });
  useEffect(() => {
    const sized = new ResizeObserver(() => following.current && toEnd());
    sized.observe(box.current);
    return () => sized.disconnect();
  }, []);

  // A line that has not changed keeps its vnode, and Preact skips it: a long conversation costs no more per token than a short one.
  const drawn = new Map();
  for (const item of list) {
    const before = cache.current.get(item.key);
    const vnode = same(before?.item, item) ? before.vnode : html`<${item.kind === "user" ? Said : Reply} key=${item.key} item=${item} />`;
    drawn.set(item.key, { item, vnode });
  }
  cache.current = drawn;

  const empty = loaded.value && !list.length;
  return html`<div class="stage">
    <div class="log" role="log" aria-live="off" aria-label=${`Conversation with ${name.value}`} tabindex="0" ref=${box} onScroll=${scrolled}>
      <div class="column">
        ${earlier.value && html`<button type="button" class="quiet more" onClick=${() => (focusLog(), showEarlier())}>Show earlier messages</button>`}
        ${empty ? html`<${Welcome} />` : [...drawn.values()].map(({ vnode }) => vnode)}
      </div>
    </div>
    ${away && html`<button type="button" class="latest" onClick=${() => ((following.current = true), box.current.focus(), toEnd())}><${Icon} name="latest" />Latest</button>`}
  </div>`;
}
