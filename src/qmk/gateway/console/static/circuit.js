// A circuit in pieces: the page folds them to any width by itself, and paints those that are in sight.

export function begin(part, { move }) {
  const canvas = part.querySelector(".canvas"), tools = part.querySelector(".tools");
  const near = new IntersectionObserver((rows) => {
    if (!rows.some((row) => row.isIntersecting)) return;
    near.disconnect();
    fill().catch(() => drawn());
  }, { rootMargin: "300px" });
  near.observe(part);

  // What is no circuit, or cannot be cut, is shown as one picture.
  function drawn() {
    const image = Object.assign(new Image(), { src: part.dataset.drawn, alt: "The program drawn; its text stands below" });
    canvas.replaceChildren(image);
    image.onload = () => move(part, { apply: (scale) => { image.style.width = `${image.naturalWidth * scale}px`; }, fit: (box) => (box.clientWidth - 2) / image.naturalWidth });
  }

  const picture = (piece) => `url("data:image/svg+xml,${encodeURIComponent(piece.svg)}")`;

  async function fill() {
    const answer = await fetch(part.dataset.circuit);
    if (!answer.ok) return drawn();
    const found = await answer.json();
    const sheet = Object.assign(document.createElement("div"), { className: "circuit" });
    sheet.setAttribute("role", "img");
    sheet.setAttribute("aria-label", `circuit of ${found.qubits} qubits, ${found.operations} operations; its text stands below`);
    let scale = 1, folded = 960;
    const nodes = found.pieces.map((piece) => {
      const node = document.createElement("i");
      node.style.backgroundImage = picture(piece);
      return node;
    });
    sheet.style.backgroundImage = picture(found.names);
    const total = found.pieces.reduce((sum, piece) => sum + piece.width, 0);
    const lay = () => {
      const height = found.height * scale;
      sheet.style.cssText += `;width:${Math.min(folded, total + found.names.width + 2) * scale}px;padding-left:${found.names.width * scale}px;` +
        `background-size:${found.names.width * scale}px ${height}px`;
      nodes.forEach((node, k) => { node.style.width = `${Math.ceil(found.pieces[k].width * scale)}px`; node.style.height = `${height}px`; });
    };
    sheet.append(...nodes);
    lay();
    canvas.replaceChildren(sheet);
    tools.append(" · folded to ");
    const folds = [360, 960, 1600, 0].map((width) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: width || "one line" });
      button.setAttribute("aria-pressed", width === folded);
      button.onclick = () => {
        folded = width || Infinity;
        for (const each of folds) each.setAttribute("aria-pressed", each === button);
        lay();
      };
      tools.append(button, " ");
      return button;
    });
    if (found.left_out) tools.append(`${found.left_out} operations are left out`);
    move(part, { apply: (next) => { scale = next; lay(); }, fit: (box) => (box.clientWidth - 2) / (sheet.offsetWidth / scale) });
  }
}
