// Boards to play: the table of who is where after each event (_ext/course_board.py), drawn as dots that move from place to
// place. A column whose name begins with "queue" is a line, its head nearest to the next place; any other has a box for each.
(() => {
  const DOT = 13, GAP = 30, HEAD = 44, STRIP = 64, NARROW = 480;   // sizes in pixels
  const SPEEDS = { slow: 90, normal: 40, fast: 15 };           // seconds for the whole table
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const make = (name, attributes = {}, ...content) => {
    const made = name.startsWith("svg:") ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4)) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...content);
    return made;
  };
  const isQueue = place => /^queue/i.test(place);

  const readTable = table => {
    const places = [...table.tHead.rows[0].cells].slice(2).map(cell => cell.textContent);
    const rows = [...table.tBodies[0].rows].map(row => {
      const [minute, event, ...names] = [...row.cells].map(cell => cell.textContent);
      return { minute: Number(minute), said: minute, event, where: names.map(text => text.split(" ").filter(Boolean)) };
    });
    const most = places.map((_, place) => Math.max(1, ...rows.map(row => row.where[place].length)));
    return { places, rows, most, boxes: keepBoxes(places, rows) };
  };

  // Whoever has a box keeps it until they leave; a line closes up.
  const keepBoxes = (places, rows) => places.map((place, at) => {
    let before = [];
    return rows.map(row => {
      const here = row.where[at];
      if (isQueue(place)) return here;
      const kept = before.map(name => here.includes(name) ? name : undefined);
      for (const name of here) if (!kept.includes(name)) {
        const free = kept.indexOf(undefined);
        kept[free < 0 ? kept.length : free] = name;
      }
      return before = kept;
    });
  });

  // Where everything stands on a board of so many pixels; on a narrow one all places are alike.
  const measure = ({ places, most }, width) => {
    const door = width < NARROW ? 20 : 34;
    const weigh = (place, at) => isQueue(place) ? Math.max(3, Math.min(most[at], 9)) : Math.max(2, Math.min(most[at], 4));
    const weights = width < NARROW && places.length > 3 ? places.map(() => 1) : places.map(weigh);
    const room = (width - 2 * door) / weights.reduce((sum, weight) => sum + weight, 0);
    let left = door;
    const lanes = weights.map((weight, at) => {
      const lane = { left, wide: weight * room, across: Math.max(1, Math.floor((weight * room - 6) / GAP)) };
      lane.down = Math.ceil(most[at] / lane.across);
      lane.first = left + (lane.wide - GAP * Math.min(most[at], lane.across)) / 2 + GAP / 2;
      left += lane.wide;
      return lane;
    });
    const tall = HEAD + GAP * Math.max(...lanes.map(lane => lane.down)) + 8;
    return { lanes, tall, width, door };
  };
  const spot = (lane, queue, number) => {
    const across = number % lane.across, down = Math.floor(number / lane.across);
    const x = queue ? lane.left + lane.wide - GAP / 2 - 3 - GAP * across : lane.first + GAP * across;
    return [x, HEAD + GAP / 2 + GAP * down];
  };

  const startBoard = board => {
    const fold = board.querySelector("details"), table = board.querySelector("table");
    const told = readTable(table), { places, rows } = told;
    const last = rows.length - 1, begin = rows[0].minute, span = rows[last].minute - begin || 1;
    const waiting = rows.map(row => row.where.reduce((sum, names, at) => sum + (isQueue(places[at]) ? names.length : 0), 0));
    let at = 0, clock = begin, frame = 0, before = 0, dots = new Map(), layout;

    const svg = make("svg:svg", { role: "img", "aria-label": table.parentElement.dataset.shows });
    const said = make("p", { class: "course-now", "aria-live": "polite" });
    const button = words => make("button", { type: "button" }, words);
    const [play, back, step] = ["Play", "Step back", "Step"].map(button);
    const id = `board-${[...document.querySelectorAll(".course-board")].indexOf(board)}`;
    const speed = make("select", { id: `${id}-speed`, autocomplete: "off" }, ...Object.keys(SPEEDS).map(name => make("option", { value: name }, name)));
    speed.value = "normal";
    const slider = make("input", { type: "range", id: `${id}-event`, min: 1, max: rows.length, step: 1, value: 1, autocomplete: "off" });
    const number = make("output", { for: slider.id });
    const controls = make("form", { class: "course-controls" }, play, back, step,
      make("span", {}, make("label", { for: speed.id }, "Speed"), " ", speed),
      make("span", { class: "course-slide" }, make("label", { for: slider.id }, "Event"), " ", number, slider));

    const drawFrame = () => {
      layout = measure(told, Math.max(220, controls.clientWidth));
      const high = layout.tall + STRIP, door = layout.door;
      svg.setAttribute("viewBox", `0 0 ${layout.width} ${high}`);
      svg.replaceChildren();
      dots = new Map();
      const mid = HEAD + GAP / 2;
      for (const [x, word] of [[door / 2, "in"], [layout.width - door / 2, "out"]]) {
        svg.append(make("svg:text", { x, y: mid + 4, "text-anchor": "middle", class: "course-quiet" }, word),
          make("svg:path", { class: "course-arrow", d: `M${x - 11} ${mid + 14}h18m-5 -5l5 5l-5 5` }));
      }
      layout.lanes.forEach((lane, place) => {
        const middle = lane.left + lane.wide / 2;
        svg.append(make("svg:rect", { class: "course-lane", x: lane.left + 2, y: 2, width: lane.wide - 4, height: layout.tall - 4, rx: 4 }),
          make("svg:text", { x: middle, y: 20, "text-anchor": "middle", class: lane.wide < 60 ? "course-small" : "course-place" }, places[place]),
          make("svg:text", { x: middle, y: 36, "text-anchor": "middle", class: "course-quiet", "data-count": place }));
        if (!isQueue(places[place]) && places[place] !== "gone") for (let box = 0; box < told.most[place]; box++) {
          const [x, y] = spot(lane, false, box);
          svg.append(make("svg:rect", { class: "course-seat", x: x - 14, y: y - 14, width: 28, height: 28, rx: 3 }));
        }
      });
      const base = high - 18, top = layout.tall + 16;
      svg.append(make("svg:path", { class: "course-axis", d: `M${door} ${base}H${layout.width - 4}` }),
        make("svg:text", { x: door - 5, y: top + 6, "text-anchor": "end", class: "course-quiet" }, Math.max(...waiting)),
        make("svg:text", { x: door - 5, y: base + 4, "text-anchor": "end", class: "course-quiet" }, "0"),
        make("svg:text", { x: door, y: high - 3, class: "course-quiet" }, `waiting, minute ${rows[0].said}`),
        make("svg:text", { x: layout.width - 4, y: high - 3, "text-anchor": "end", class: "course-quiet" }, rows[last].said),
        make("svg:path", { class: "course-line" }), make("svg:path", { class: "course-hand" }));
      showEvent(false);
    };

    const showClock = () => {
      const base = layout.tall + STRIP - 18, high = STRIP - 34, most = Math.max(1, ...waiting);
      const x = minute => (layout.door + (minute - begin) / span * (layout.width - layout.door - 4)).toFixed(1);
      const y = count => (base - count / most * high).toFixed(1);
      const line = rows.slice(1, at + 1).map((row, place) => `H${x(row.minute)}V${y(waiting[place + 1])}`).join("");
      svg.querySelector(".course-line").setAttribute("d", `M${x(begin)} ${y(waiting[0])}${line}H${x(clock)}`);
      svg.querySelector(".course-hand").setAttribute("d", `M${x(clock)} ${base}V${base - high}`);
    };

    const showEvent = (moving = true) => {
      const seen = new Set();
      told.boxes.forEach((boxes, place) => boxes[at].forEach((name, box) => {
        if (name === undefined) return;
        seen.add(name);
        let dot = dots.get(name);
        if (!dot) {
          dot = make("svg:g", { class: "course-dot" }, make("svg:circle", { r: DOT }), make("svg:text", { y: 4, "text-anchor": "middle" }, name));
          move(dot, [layout.door / 2, HEAD + GAP / 2]);
          svg.append(dot);
          dots.set(name, dot);
          if (moving) dot.getBoundingClientRect();   // so that it is seen to come in by the door
        }
        move(dot, spot(layout.lanes[place], isQueue(places[place]), box));
      }));
      for (const [name, dot] of dots) if (!seen.has(name)) {
        dots.delete(name);
        if (!moving || calm.matches) { dot.remove(); continue; }
        move(dot, [layout.width - layout.door / 2, HEAD + GAP / 2]);
        dot.classList.add("course-leaving");
        dot.addEventListener("transitionend", () => dot.remove());
        setTimeout(() => dot.remove(), 1000);
      }
      places.forEach((_, place) => { svg.querySelector(`[data-count="${place}"]`).textContent = rows[at].where[place].length; });
      const counts = places.map((place, column) => `${place}: ${rows[at].where[column].length}`).join(", ");
      said.replaceChildren(make("strong", {}, `Minute ${rows[at].said}`), `: ${rows[at].event}. Now ${counts}.`);
      slider.value = at + 1;
      number.textContent = `${at + 1} of ${rows.length}`;
      showClock();
    };
    const move = (dot, [x, y]) => { dot.style.transform = `translate(${x}px, ${y}px)`; };

    const go = place => {
      at = Math.min(last, Math.max(0, place));
      clock = rows[at].minute;
      showEvent();
    };
    const stop = () => {
      cancelAnimationFrame(frame);
      frame = 0;
      play.textContent = "Play";
      said.setAttribute("aria-live", "polite");
    };
    const tick = now => {
      clock = Math.min(rows[last].minute, clock + Math.max(0, now - before) / 1000 * span / SPEEDS[speed.value]);
      before = now;
      const reached = rows.findLastIndex(row => row.minute <= clock);
      if (reached > at) { at = reached; showEvent(); } else if (!calm.matches) showClock();
      if (at === last) return stop();
      frame = requestAnimationFrame(tick);
    };
    const run = () => {
      if (at === last) go(0);
      play.textContent = "Pause";
      said.setAttribute("aria-live", "off");   // read out while stepping, not while it runs
      before = performance.now();
      frame = requestAnimationFrame(tick);
    };
    play.addEventListener("click", () => { if (frame) stop(); else run(); });
    back.addEventListener("click", () => { stop(); go(at - 1); });
    step.addEventListener("click", () => { stop(); go(at + 1); });
    slider.addEventListener("input", () => { stop(); go(Number(slider.value) - 1); });
    controls.addEventListener("submit", event => event.preventDefault());

    fold.before(svg, said, controls);
    let wide = 0;
    const fit = () => {
      if (board.clientWidth === wide) return;
      wide = board.clientWidth;
      drawFrame();
    };
    new ResizeObserver(fit).observe(board);   // first when it comes near: to lay it out earlier would hold up the page
    addEventListener("beforeprint", fit);
  };
  for (const board of document.querySelectorAll(".course-board")) startBoard(board);
})();
