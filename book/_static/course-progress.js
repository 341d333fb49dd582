// Quick checks as forms, and "I have done this": kept for the person where they are signed in (the book is then served by
// the campus, whose endpoint keeps them), else in this browser only. Without scripts the folds of each check do the work.
(() => {
  const campus = location.pathname.match(/^(.*\/services\/campus\/)book\//);
  const endpoint = campus && `${campus[1]}api/progress`;
  const where = endpoint ? "Kept for you." : "Kept in this browser.";
  const failed = "This could not be kept: reload the page to sign in again.";
  const STORE = "course-progress";
  const key = entry => `${entry.kind} ${entry.session} ${entry.name}`;

  // What was kept before, by key; and keeping one entry more, which says where it was kept.

  const local = () => { try { return JSON.parse(localStorage.getItem(STORE)) || {}; } catch { return {}; } };
  const ask = async options => {
    const token = (document.cookie.match(/(?:^|;\s*)_xsrf=([^;]*)/) || [])[1] || "";
    const answer = await fetch(endpoint, { ...options, headers: { "X-XSRFToken": token, "Content-Type": "application/json" } });
    if (!answer.ok) throw new Error(failed);
    return answer.json();
  };
  const recall = async () => {
    if (!endpoint) return local();
    const { progress } = await ask({ method: "GET" });
    return Object.fromEntries(progress.map(entry => [key(entry), entry.value]));
  };
  const keep = async entry => {
    try {
      if (endpoint) await ask({ method: "PUT", body: JSON.stringify(entry) });
      else localStorage.setItem(STORE, JSON.stringify({ ...local(), [key(entry)]: entry.value }));
      return where;
    } catch { return failed; }
  };

  // A quick check: its folds become choices, and each answer shows beneath once it was asked for.

  const element = (tag, attributes = {}, ...content) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...content);
    return made;
  };
  const copy = nodes => [...nodes].map(node => node.cloneNode(true));

  const makeForm = (box, session) => {
    const folds = [...box.querySelectorAll(":scope > .course-option")];
    const right = folds.map(fold => fold.classList.contains("course-right"));
    const several = right.filter(Boolean).length > 1;
    const inputs = folds.map((fold, place) => element("input", { type: several ? "checkbox" : "radio", name: box.dataset.check, value: place }));
    const labels = folds.map((fold, place) => element("label", {}, inputs[place], element("span", {}, ...copy(fold.querySelector("summary > span").childNodes))));
    const verdict = element("div", { class: "course-verdict", role: "status" });
    const legend = element("legend", {}, several ? "Choose all that are right" : "Choose one");
    const form = element("form", { class: "course-form" }, element("fieldset", {}, legend, ...labels), element("button", { type: "submit" }, "Check my answer"), verdict);
    const entry = { kind: "check", session, name: box.dataset.check };
    const show = chosen => {
      const missed = right.some((is, place) => is && !chosen.includes(place));
      const wrong = chosen.some(place => !right[place]);
      verdict.replaceChildren(...chosen.flatMap(place => copy(folds[place].querySelectorAll(":scope > :not(summary)")).map(part => {
        part.classList.toggle("course-right", right[place]);
        return part;
      })));
      if (missed && !wrong) verdict.append(element("p", {}, "There is another right one."));
      return missed || wrong ? "wrong" : "right";
    };
    form.addEventListener("submit", async event => {
      event.preventDefault();
      const chosen = inputs.flatMap((input, place) => input.checked ? [place] : []);
      if (!chosen.length) { verdict.replaceChildren(element("p", {}, "Choose an answer first.")); return; }
      const said = await keep({ ...entry, value: `${show(chosen)}:${chosen}` });
      if (said === failed) verdict.append(element("p", {}, said));
    });
    folds[0].before(form);
    return before => {
      const kept = before[key({ ...entry })];
      if (!kept) return;
      const chosen = kept.split(":")[1].split(",").map(Number).filter(place => place < inputs.length);
      for (const place of chosen) inputs[place].checked = true;
      show(chosen);
    };
  };

  const prepareDone = form => {
    const entry = { kind: "done", session: form.dataset.session, name: "session" };
    const [box, said] = [form.querySelector("input"), form.querySelector("p")];
    form.addEventListener("submit", event => event.preventDefault());
    box.addEventListener("change", async () => { said.textContent = await keep({ ...entry, value: box.checked ? "yes" : "no" }); });
    return before => { box.checked = before[key(entry)] === "yes"; };
  };

  const done = document.querySelector(".course-done");
  if (!done) return;
  const fill = [...document.querySelectorAll("[data-check]")].map(box => makeForm(box, done.dataset.session));
  fill.push(prepareDone(done));
  recall().then(before => fill.forEach(put => put(before)), () => { done.querySelector("p").textContent = failed; });
})();
