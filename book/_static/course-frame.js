// What frames every page, in place of the theme's scripts (150 kB): light and dark, contents at the side, search, where one
// is on the page, copying code, and words that a search found. Nothing here asks for a layout before the page is drawn.
(() => {
  const page = document.documentElement;
  const all = selector => [...document.querySelectorAll(selector)];
  const byId = id => document.getElementById(id);
  const wide = matchMedia("(min-width: 992px)");   // from here on the theme shows the contents beside the page
  const keep = (store, name, value) => { try { window[store].setItem(name, value); } catch { /* forbidden: not kept */ } };
  const recall = (store, name) => { try { return window[store].getItem(name); } catch { return null; } };

  // Light and dark

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const setMode = mode => {
    page.dataset.mode = mode;
    page.dataset.theme = mode === "auto" ? (dark.matches ? "dark" : "light") : mode;
  };
  const MODES = () => dark.matches ? ["auto", "light", "dark"] : ["auto", "dark", "light"];   // the second is always a change
  for (const button of all(".theme-switch-button")) button.addEventListener("click", () => {
    const modes = MODES();
    setMode(modes[(modes.indexOf(page.dataset.mode) + 1) % modes.length]);
    keep("localStorage", "mode", page.dataset.mode);
  });
  dark.addEventListener("change", () => setMode(page.dataset.mode));

  // Contents of the course, and of the page: beside the text, or in a dialog where there is no room

  const shutOutside = dialog => dialog.addEventListener("click", event => {
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    const [x, y] = [event.clientX, event.clientY];
    if (event.target === dialog && (x < left || x > right || y < top || y > bottom)) dialog.close();
  });
  const move = (from, to) => {
    to.append(...from.childNodes);
    to.classList.add(...from.classList);
    from.className = "";
  };
  for (const name of ["primary", "secondary"]) {
    const [button, sidebar, dialog] = [document.querySelector(`.${name}-toggle`), byId(`pst-${name}-sidebar`), byId(`pst-${name}-sidebar-modal`)];
    if (!button || !sidebar || !dialog) continue;
    button.addEventListener("click", () => {
      if (name === "primary" && wide.matches) return sidebar.classList.toggle("pst-sidebar-hidden");
      move(sidebar, dialog);
      dialog.showModal();   // and its end gives the focus back to the button
    });
    dialog.addEventListener("close", () => move(dialog, sidebar));
    dialog.addEventListener("click", event => { if (event.target.closest("a")) dialog.close(); });
    shutOutside(dialog);
  }
  const sidebar = byId("pst-primary-sidebar");
  if (sidebar && wide.matches) {
    const kept = recall("sessionStorage", "sidebar-scroll-top");
    const here = all(".bd-docs-nav .active").pop();
    const down = here ? here.getBoundingClientRect().top : 0;
    if (kept !== null) sidebar.scrollTop = Number(kept);
    else if (down > innerHeight / 2) sidebar.scrollTop = down - innerHeight / 4;
    addEventListener("pagehide", () => keep("sessionStorage", "sidebar-scroll-top", sidebar.scrollTop));
  }

  // Search

  const dialog = byId("pst-search-dialog");
  const openSearch = () => {
    const field = document.querySelector(".bd-search-container input");   // the page of results has its own
    if (field) { field.focus(); field.select(); } else if (dialog.open) dialog.close(); else dialog.showModal();
  };
  if (dialog) {
    const apple = /^(Mac|iPhone)/.test(navigator.platform);
    if (apple) for (const key of all(".kbd-shortcut__modifier")) if (key.textContent === "Ctrl") key.textContent = "⌘";
    for (const button of all(".search-button__button")) button.addEventListener("click", openSearch);
    addEventListener("keydown", event => {
      if (event.key.toLowerCase() !== "k" || event.shiftKey || event.altKey || event.ctrlKey === event.metaKey || event.metaKey !== apple) return;
      event.preventDefault();
      openSearch();
    });
    shutOutside(dialog);
  }

  // What a search found is marked on the page that it led to, until Escape

  const words = (recall("localStorage", "sphinx_highlight_terms") || "").toLowerCase().split(" ").filter(Boolean);
  const article = document.querySelector("article.bd-article");
  if (words.length && article && window.Highlight) {
    try { localStorage.removeItem("sphinx_highlight_terms"); } catch { /* it was not kept either */ }
    const found = new Highlight();
    const texts = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) for (const word of words) {
      const text = texts.currentNode.data.toLowerCase();
      for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
        const range = new Range();
        range.setStart(texts.currentNode, at);
        range.setEnd(texts.currentNode, at + word.length);
        found.add(range);
      }
    }
    CSS.highlights.set("course-found", found);
    addEventListener("keydown", event => { if (event.key === "Escape") CSS.highlights.delete("course-found"); });
  }

  // Where one is on the page: under the last heading that reached the window's upper third, or that was asked for

  const links = all("#pst-page-toc-nav a[href^='#']").filter(link => link.hash.length > 1);
  const entries = all("#pst-page-toc-nav .toc-entry");
  let asked = 0;   // when a heading was asked for: what the page passes on the way to it does not count
  const mark = link => {
    for (const one of links) {
      one.classList.toggle("active", one === link);
      if (one === link) one.setAttribute("aria-current", "true"); else one.removeAttribute("aria-current");
    }
    for (const entry of entries) entry.classList.toggle("active", entry.contains(link));
  };
  const markAsked = () => {
    const link = links.find(one => one.hash === location.hash);
    if (link) { asked = performance.now(); mark(link); }
  };
  const headings = new Map(links.map(link => [byId(decodeURIComponent(link.hash.slice(1)))?.querySelector("h2, h3, h4"), link]));
  headings.delete(undefined);
  const passed = new Set();
  const passing = new IntersectionObserver(seen => {
    for (const { target, isIntersecting } of seen) if (isIntersecting) passed.add(target); else passed.delete(target);
    if (performance.now() - asked > 1000) mark(headings.get([...headings.keys()].findLast(heading => passed.has(heading))));
  }, { rootMargin: "1000000px 0px -70% 0px" });   // from far above the window to the end of its upper third
  for (const heading of headings.keys()) passing.observe(heading);
  addEventListener("hashchange", markAsked);
  markAsked();
  const top = document.querySelector(".sbt-scroll-pixel-helper");
  if (top) new IntersectionObserver(([seen]) => document.body.classList.toggle("scrolled", seen.boundingClientRect.y < 0)).observe(top);

  // What scrolls sideways can be reached by keyboard, and code copied; both are prepared when it comes near, and not before

  const copy = async (button, code) => {
    try {
      await navigator.clipboard.writeText(code.textContent.trimEnd());
      button.textContent = "Copied";
    } catch {   // no right to the clipboard, as on a page without HTTPS
      getSelection().selectAllChildren(code);
      button.textContent = "Selected: press Ctrl+C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 3000);
  };
  const offerCopy = code => {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "course-copy", textContent: "Copy" });
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", () => copy(button, code));
    code.after(button);
  };
  const near = new ResizeObserver(seen => {
    for (const { target } of seen) {
      if (target.scrollWidth > target.clientWidth || target.scrollHeight > target.clientHeight) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
      if (target.matches("div.cell_input pre, div.highlight-python pre") && target.nextElementSibling?.className !== "course-copy") offerCopy(target);
    }
  });
  for (const part of all("article :is(pre, div.math, .course-wide, .pst-scrollable-table-container, .cell_output > .output)")) near.observe(part);
})();
