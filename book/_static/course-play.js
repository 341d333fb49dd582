// Figures to play with: the same small models as _ext/course_play.py, computed anew when a slider moves.
(() => {
  const erlangC = (servers, load) => {
    let blocked = 1;
    for (let count = 1; count <= servers; count++) blocked = load * blocked / (count + load * blocked);
    return blocked / (1 - load / servers * (1 - blocked));
  };
  const steps = (count, make) => Array.from({ length: count }, (_, place) => make(place));
  const MODELS = {
    servers: ({ arrivals, minutes }) => {
      const load = arrivals * minutes / 60;
      return steps(6, place => {
        const servers = Math.floor(load) + 1 + place;
        const wait = erlangC(servers, load) * minutes / (servers - load);
        return [`${servers}`, wait, `${wait.toFixed(1)} minutes`];
      });
    },
    removal: ({ links }) => steps(9, place => {
      const left = 1 - place / 10;
      let share = 1;
      for (let turn = 0; turn < 2000; turn++) share = 1 - Math.exp(-links * left * share);
      return [`${place * 10} in 100 removed`, left * share, `${(100 * left * share).toFixed(0)} in 100`];
    }),
    alarms: ({ found, alarms }) => [1, 2, 5, 10, 20, 40].map(common => {
      const right = common * found / (common * found + (100 - common) * alarms);
      return [`happens to ${common} in 100`, right, `${(100 * right).toFixed(0)} in 100`];
    }),
    memory: ({ alpha }) => steps(10, days => {
      const weight = alpha / 100 * (1 - alpha / 100) ** days;
      return [["today", "yesterday"][days] || `${days} days ago`, weight, `${(100 * weight).toFixed(1)} per cent`];
    }),
  };
  const cell = (tag, attributes, ...content) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...content);
    return made;
  };
  const draw = (body, rows) => {
    const most = Math.max(...rows.map(row => row[1]), Number.MIN_VALUE);
    body.replaceChildren(...rows.map(([label, length, said]) => {
      const bar = cell("span", { class: "course-bar" });
      bar.style.width = `${100 * length / most}%`;
      return cell("tr", {}, cell("th", { scope: "row" }, label), cell("td", {}, said), cell("td", { "aria-hidden": "true" }, bar));
    }));
  };
  for (const figure of document.querySelectorAll("[data-play]")) {
    const form = figure.querySelector("form");
    const sliders = [...form.querySelectorAll("input")];
    form.addEventListener("submit", event => event.preventDefault());
    form.addEventListener("input", () => {
      for (const slider of sliders) form.querySelector(`output[for="${slider.id}"]`).textContent = slider.value;
      const settings = Object.fromEntries(sliders.map(slider => [slider.name, Number(slider.value)]));
      draw(figure.querySelector("tbody"), MODELS[figure.dataset.play](settings));
    });
  }
})();
