// Atoms over time: a cursor that moves along the picture, and which light, gates and moves are on. What it shows stands
// in the table, from which it reads.

const LASTS_S = 12, STEPS = 2000;

export function begin(part) {
  const image = part.querySelector("[data-axis]"), box = part.querySelector(".tracks"), told = part.querySelector("#now");
  const numbers = image.dataset.axis.trim().split(/\s+/).map(Number);
  const axis = Array.from({ length: numbers.length / 2 }, (_, k) => ({ us: numbers[2 * k], px: numbers[2 * k + 1] }));
  const first = axis[0], last = axis[axis.length - 1];
  const atoms = new Map([...part.querySelectorAll("[data-atom]")].map((each) => [each.dataset.atom, { node: each, place: place(each), look: "" }]));
  const events = [...part.querySelectorAll("tr[data-start]")].map((row) => ({
    row, start: Number(row.dataset.start), end: Number(row.dataset.end), kind: row.dataset.kind, on: false,
    atoms: JSON.parse(row.dataset.atoms), to: row.dataset.to ? JSON.parse(row.dataset.to) : null, from: null,
  }));
  const where = new Map([...atoms].map(([name, each]) => [name, each.place]));
  for (const each of events) if (each.to) { // where its atoms are before a move follows from those before it
    each.from = each.atoms.map((name) => where.get(name));
    each.atoms.forEach((name, k) => where.set(name, each.to[k]));
  }

  const cursor = Object.assign(document.createElement("i"), { className: "cursor" });
  image.parentElement.append(cursor);
  const make = (tag, fields) => Object.assign(document.createElement(tag), fields);
  const tools = make("p", { className: "step" });
  const play = make("button", { type: "button", textContent: "Play", className: "main" });
  const back = make("button", { type: "button", textContent: "‹", ariaLabel: "Event before" });
  const next = make("button", { type: "button", textContent: "›", ariaLabel: "Next event" });
  const slider = make("input", { type: "range", min: 0, max: STEPS, value: 0, ariaLabel: "Time" });
  const clock = make("output", { textContent: "0 µs" });
  tools.append(play, back, slider, next, clock);
  part.prepend(tools);

  const pxOf = (us) => {
    let k = axis.findIndex((each) => each.us >= us);
    if (k <= 0) return k < 0 ? last.px : first.px;
    const a = axis[k - 1], b = axis[k];
    return a.px + (b.px - a.px) * (us - a.us) / (b.us - a.us || 1);
  };
  const usOf = (px) => {
    let k = axis.findIndex((each) => each.px >= px);
    if (k <= 0) return k < 0 ? last.us : first.us;
    const a = axis[k - 1], b = axis[k];
    return a.us + (b.us - a.us) * (px - a.px) / (b.px - a.px || 1);
  };
  const grain = (last.us - first.us) / STEPS / 2;

  function show(us, seek = true) {
    const px = pxOf(us), looks = new Map(), moved = new Map(), words = [];
    cursor.style.transform = `translateX(${px}px)`;
    for (const each of events) {
      const moment = each.end === each.start; // one that takes no time is seen around it
      const on = moment ? Math.abs(us - each.start) <= grain : each.start <= us && (us < each.end || (us === last.us && each.end === last.us));
      if (on !== each.on) { each.on = on; on ? each.row.setAttribute("aria-current", "step") : each.row.removeAttribute("aria-current"); }
      if (on) {
        words.push(each.row.querySelector("th").textContent);
        for (const name of each.atoms) looks.set(name, each.kind);
      }
      if (each.to && us >= each.start) {
        const share = moment ? 1 : Math.min(1, (us - each.start) / (each.end - each.start)), eased = share * share * (3 - 2 * share);
        each.atoms.forEach((name, k) => { const a = each.from[k] ?? each.to[k], b = each.to[k]; moved.set(name, [a[0] + (b[0] - a[0]) * eased, a[1] + (b[1] - a[1]) * eased]); });
      }
    }
    for (const [name, atom] of atoms) {
      const [x, y] = moved.get(name) ?? atom.place, look = `${x.toFixed(1)} ${y.toFixed(1)} ${looks.get(name) ?? ""}`;
      if (look === atom.look) continue;
      atom.look = look;
      atom.node.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
      atom.node.setAttribute("class", `atom ${looks.get(name) ?? ""}`);
    }
    clock.textContent = `${Number(us.toPrecision(5))} µs`;
    const more = words.length - 4;
    told.textContent = words.length ? words.slice(0, 4).join("; ") + (more > 0 ? `; and ${more} more` : "") : "Nothing is on.";
    slider.ariaValueText = `${clock.textContent}: ${told.textContent}`;
    if (seek) slider.value = Math.round((px - first.px) / (last.px - first.px || 1) * STEPS);
    const seen = px - box.scrollLeft;
    if (seen < 20 || seen > box.clientWidth - 20) box.scrollLeft = px - box.clientWidth / 2;
    now = us;
  }

  let now = first.us, frame = 0, before = 0;
  const tick = (time) => {
    const px = pxOf(now) + (last.px - first.px) * (time - before) / 1000 / LASTS_S;
    before = time;
    show(px >= last.px ? last.us : usOf(px));
    if (px >= last.px) stop(); else frame = requestAnimationFrame(tick);
  };
  const stop = () => { cancelAnimationFrame(frame); frame = 0; play.textContent = "Play"; };
  play.addEventListener("click", () => {
    if (frame) return stop();
    if (now >= last.us) show(first.us);
    play.textContent = "Pause";
    before = performance.now();
    frame = requestAnimationFrame(tick);
  });
  slider.addEventListener("input", () => { stop(); show(usOf(first.px + (last.px - first.px) * slider.value / STEPS), false); });
  const times = [...new Set(events.flatMap((each) => [each.start, each.end]))].sort((a, b) => a - b);
  back.addEventListener("click", () => { stop(); show(times.findLast((each) => each < now - grain / 100) ?? first.us); });
  next.addEventListener("click", () => { stop(); show(times.find((each) => each > now + grain / 100) ?? last.us); });
  box.addEventListener("click", (event) => { stop(); show(usOf(event.clientX - image.getBoundingClientRect().left)); });
  show(first.us);
}

function place(node) {
  return node.getAttribute("transform").match(/-?[\d.]+/g).map(Number);
}
