// Before the first paint: a chosen theme must not flash the other one. A classic script on purpose; modules run too late.
(() => {
  let chosen = "";
  try {
    chosen = localStorage.getItem("botcore.theme") || "";
  } catch {
    // Storage can be switched off; the system's choice then stands.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
