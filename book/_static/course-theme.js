// Light or dark, as the reader chose it or as their system says, before the page is drawn.
(() => {
  const page = document.documentElement.dataset;
  const stored = name => { try { return localStorage.getItem(name); } catch { return null; } };
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  page.mode = stored("mode") || "auto";
  page.theme = page.mode === "auto" ? system : page.mode;
})();
