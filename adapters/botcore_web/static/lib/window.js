// The height one can see. Where an on-screen keyboard only shrinks the visual viewport (Safari), `dvh` does not follow it.

/** Keep `--window` at the visible height while a keyboard covers part of the page. */
export function followKeyboard() {
  const view = window.visualViewport;
  view?.addEventListener("resize", () => {
    if (view.scale > 1.01) return; // zoomed in: the page may be larger than the window
    const covered = window.innerHeight - view.height > 80;
    document.documentElement.style.setProperty("--window", covered ? `${view.height}px` : "100dvh");
    if (covered) window.scrollTo(0, 0);
  });
}
