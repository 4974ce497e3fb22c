// Everything the page takes from others, under one roof: no bare imports, no import map, no second request.
export { Fragment, render } from "preact";
export { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
export { batch, computed, effect, signal } from "@preact/signals";
export { html } from "htm/preact";
export { Marked } from "marked";
export { default as DOMPurify } from "dompurify";
export { createParser } from "eventsource-parser";
export { default as hljs } from "highlight.js/lib/common";
