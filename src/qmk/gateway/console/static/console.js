// What moves on the pages of the console. Everything can be read without it.

// --- lists and jobs that change: the server says when, and the page is read again ---
let source = null, pending = 0;

async function read(address) {
  const answer = await fetch(address, { headers: { accept: "text/html" } }).catch(() => null);
  return answer?.ok && !answer.redirected ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
}

async function renew() {
  pending = 0;
  await put();
  follow(); // unless it does
}

async function put() {
  const address = location.href, page = await read(address);
  if (!page || address !== location.href) return; // another page of the list is shown by now
  const fresh = page.getElementById("live"), old = document.getElementById("live");
  if (!fresh || !old) return;
  const ended = page.querySelector("[data-live]") === null; // before the part that may say so moves to the page that is shown
  const chosen = new Set([...old.querySelectorAll("input:checked")].map((box) => box.value));
  const open = [...old.querySelectorAll("details")].map((each) => each.open);
  const focus = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  for (const box of fresh.querySelectorAll("input[type=checkbox]")) box.checked = chosen.has(box.value);
  fresh.querySelectorAll("details").forEach((each, at) => { if (at in open) each.open = open[at]; });
  for (const image of fresh.querySelectorAll("picture")) { // those that are the same stay, so that nothing flickers
    const same = [...old.querySelectorAll("picture")].find((each) => each.innerHTML === image.innerHTML);
    if (same) image.replaceWith(same);
  }
  old.replaceWith(fresh);
  addSelectAll();
  if (focus) fresh.querySelector(`a[href="${CSS.escape(focus)}"]`)?.focus();
  if (ended && source) { source.close(); source = null; location.replace(location.href); }
}

function follow() {
  const place = document.querySelector("[data-live]");
  if (!place || source || document.hidden) return;
  source = new EventSource(place.dataset.live);
  source.addEventListener("changed", () => { pending ||= setTimeout(renew, 300); });
  let lost = false;
  source.onerror = () => {
    lost = true;
    if (source?.readyState === EventSource.CLOSED) { source = null; pending ||= setTimeout(renew, 1000); }
  };
  source.onopen = () => { if (lost) renew(); lost = false; };
}
document.addEventListener("visibilitychange", () => {
  if (document.hidden) { source?.close(); source = null; } else renew();
});
follow();

// --- pictures: zoom with buttons or Ctrl and the wheel, move by dragging ---
for (const frame of document.querySelectorAll("[data-zoom]")) {
  const image = frame.querySelector("img");
  move(frame, {
    apply: (scale) => Object.assign(image.style, { width: `${image.naturalWidth * scale}px`, maxWidth: "none" }),
    fit: (canvas) => (canvas.clientWidth - 2) / image.naturalWidth,
  });
}

// `apply` shows the picture in a scale, `fit` gives the one in which it is as wide as its frame.
function move(frame, { apply, fit }) {
  const canvas = frame.querySelector(".canvas");
  let scale = 1;
  const show = (wanted, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) => {
    const next = Math.min(8, Math.max(0.1, wanted)), ratio = next / scale;
    const left = (canvas.scrollLeft + x) * ratio - x, top = (canvas.scrollTop + y) * ratio - y;
    scale = next;
    apply(scale);
    canvas.scrollTo(left, top);
  };
  const tools = frame.querySelector(".tools") ?? frame.appendChild(Object.assign(document.createElement("p"), { className: "tools" }));
  const button = (text, label, act) => {
    const made = Object.assign(document.createElement("button"), { type: "button", textContent: text, ariaLabel: label, onclick: act });
    tools.append(" ", made);
  };
  button("−", "Smaller", () => show(scale / 1.4));
  button("+", "Larger", () => show(scale * 1.4));
  button("fit", "Fit the width", () => show(fit(canvas)));
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    show(scale * Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  canvas.addEventListener("mousedown", (event) => { if (!event.button) event.preventDefault(); }); // no text is selected
  canvas.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button) return;
    event.preventDefault();
    canvas.focus();
    canvas.setPointerCapture(event.pointerId);
    canvas.classList.add("drag");
    const move = (next) => canvas.scrollBy(-next.movementX, -next.movementY);
    canvas.addEventListener("pointermove", move);
    canvas.addEventListener("pointerup", () => { canvas.removeEventListener("pointermove", move); canvas.classList.remove("drag"); }, { once: true });
  });
}

// --- the list: one box that selects all that are shown ---
function addSelectAll(page = document) {
  const corner = page.querySelector("thead .choose");
  if (!corner) return;
  const all = Object.assign(document.createElement("input"), { type: "checkbox", ariaLabel: "select all that are shown" });
  all.onchange = () => { for (const box of document.querySelectorAll("tbody .choose input")) box.checked = all.checked; };
  corner.append(all);
}
addSelectAll();

// --- the list: its other pages are put in place of this one, which takes half the time of a new document ---
let shown = location.pathname + location.search;

// Everything around an element is as around its twin, and it has the attributes of the twin.
function replaceAround(kept, twin) {
  for (const { name, value } of twin.attributes) kept.setAttribute(name, value);
  for (const way of ["previousSibling", "nextSibling"]) while (kept[way]) kept[way].remove();
  while (twin.previousSibling) kept.parentNode.prepend(twin.previousSibling);
  while (twin.nextSibling) kept.parentNode.append(twin.nextSibling);
}

async function turn(address) {
  const page = await read(address);
  if (!page?.querySelector("[data-live]")) { location.assign(address); return; }
  source?.close();
  source = null;
  if (address !== location.href) history.pushState(null, "", address);
  shown = location.pathname + location.search;
  addSelectAll(page);
  const rows = document.getElementById("live"), same = page.getElementById("live");
  if (same && rows?.isEqualNode(same)) { // as with counts beside it: a table that stays need not be laid out again
    for (let [kept, twin] = [rows, same]; kept.localName !== "main"; [kept, twin] = [kept.parentElement, twin.parentElement]) replaceAround(kept, twin);
  } else document.querySelector("main").replaceWith(page.querySelector("main"));
  document.querySelector("footer").replaceWith(page.querySelector("footer"));
  scrollTo(0, 0);
  document.querySelector("main").focus({ preventScroll: true });
  follow();
}
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-turn]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  turn(link.href);
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-turn]")) return;
  event.preventDefault();
  const fields = [...new FormData(form)].filter(([, text]) => text !== "");
  turn(`${form.action}?${new URLSearchParams(fields.length ? fields : { all: 1 })}`);
});
addEventListener("popstate", () => { if (location.pathname + location.search !== shown) turn(location.href); });

// --- the editor, read only where it is used ---
const form = document.querySelector("[data-editor]");
if (form) import(form.dataset.editor).then(({ edit }) => edit(form));

// --- what only some pages have, read where it is used ---
for (const part of document.querySelectorAll("[data-part]")) import(part.dataset.part).then(({ begin }) => begin(part, { move }));
