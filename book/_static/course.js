// Small helps: Escape shuts the definition of a word, and paper is light.
(() => {
  for (const term of document.querySelectorAll(".course-term")) {
    const said = term.querySelector(".course-said");
    const place = () => {
      said.style.insetInlineStart = "0px";
      const over = said.getBoundingClientRect().right - document.documentElement.clientWidth + 12;
      if (over > 0) said.style.insetInlineStart = `${-over}px`;
    };
    for (const kind of ["pointerenter", "focusin"]) term.addEventListener(kind, place);
    for (const kind of ["pointerleave", "focusout"]) term.addEventListener(kind, () => term.classList.remove("course-shut"));
  }
  addEventListener("keydown", event => {
    if (event.key !== "Escape") return;
    for (const term of document.querySelectorAll(".course-term:is(:hover, :focus-within)")) term.classList.add("course-shut");
  });
  const page = document.documentElement.dataset;
  let chosen = page.theme;
  addEventListener("beforeprint", () => { chosen = page.theme; page.theme = "light"; });
  addEventListener("afterprint", () => { page.theme = chosen; });
})();
