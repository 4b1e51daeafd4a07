// Layers of logical patches: the slider, the buttons and the list show another picture without reading the page again.

export function begin(part) {
  const slider = part.querySelector("input[type=range]"), image = part.querySelector("img"), when = part.querySelector("#when");
  const rows = [...document.querySelectorAll(".layers li")], last = Number(slider.max);
  const links = { prev: part.querySelector("[rel=prev]"), next: part.querySelector("[rel=next]") };
  part.querySelector("button").hidden = true;
  const fetched = new Map(); // pictures that the browser has, or is on its way to have
  const fetchPicture = (at) => {
    if (at < 0 || at > last || fetched.has(at)) return;
    fetched.set(at, Object.assign(new Image(), { src: part.dataset.pictures + at }));
  };
  function show(at) {
    slider.value = at;
    image.src = part.dataset.pictures + at;
    const row = rows[at];
    when.replaceChildren(Object.assign(document.createElement("b"), { textContent: `${at + 1} of ${last + 1}` }),
      ` · ${row.querySelector("a").textContent} · ${row.querySelector("span").textContent}`);
    document.querySelector(".layers [aria-current]")?.removeAttribute("aria-current");
    row.querySelector("a").setAttribute("aria-current", "step");
    links.prev.href = `?at=${Math.max(at - 1, 0)}`;
    links.next.href = `?at=${Math.min(at + 1, last)}`;
    history.replaceState(null, "", `?at=${at}`);
    for (let near = at - 2; near <= at + 3; near++) fetchPicture(near);
  }
  slider.addEventListener("input", () => show(Number(slider.value)));
  const go = (event, to) => { event.preventDefault(); show(Math.min(Math.max(to, 0), last)); };
  links.prev.addEventListener("click", (event) => go(event, Number(slider.value) - 1));
  links.next.addEventListener("click", (event) => go(event, Number(slider.value) + 1));
  rows.forEach((row, at) => row.querySelector("a").addEventListener("click", (event) => go(event, at)));
}
