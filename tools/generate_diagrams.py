"""The diagrams of docs/concepts. What they name of the code is looked up in it: rooms, events, effects, methods.

They are as wide as a phone, 380 pixels, and follow the light or dark of the page, as all pictures of ``qmk.drawing``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import pairwise

from pages import ROOT, write_or_check

from qmk.drawing.scene import INK, PALE, Circle, Line, Mark, Path, Rect, Scene, Text, svg
from qmk.kernel import effects, events
from qmk.sdk import discovery

WIDTH = 380.0
BLUE, YELLOW, GREY, DARK = "#cfe0f5", "#f6dfa4", "#e0e0da", "#1b1b1b"
"""Fills that are good on light and dark pages, and the ink on them."""


def box(x: float, y: float, width: float, lines: Iterable[str], fill: str = BLUE) -> Iterator[Mark]:
    """A box with centred lines, the first of them bold; 16 pixels a line."""
    shown = list(lines)
    yield Rect(x, y, width, 16.0 * len(shown) + 8, fill, INK)
    for number, line in enumerate(shown):
        at = y + 16 + 16 * number
        yield Text(x + width / 2, at, line, "middle", 12.0 if number == 0 else 11.0, number == 0, DARK)


def room(path: str) -> str:
    """The path of a room, which exists."""
    assert (ROOT / "src" / "qmk" / path).exists(), path
    return path


def program_life() -> Scene:
    """A program from its text to its result, with the rooms that do it and the process that this is in."""
    steps = [
        ("text, or qmk.Circuit", "circuit"),
        ("reader", "frontends"),
        ("graph", "qvm"),
        ("verifier", "qvm/verify"),
        ("kernel", "kernel"),
        ("router", "router"),
        ("engine", "engines"),
        ("result", "client"),
    ]
    places = [("your process", 0, 2), ("the daemon", 3, 5), ("a worker", 6, 6), ("your process", 7, 7)]
    marks: list[Mark] = []
    for number, (title, where) in enumerate(steps):
        y = 10.0 + 48 * number
        marks += box(110, y, 150, (title,), YELLOW if title in ("graph", "result") else BLUE)
        marks.append(Text(272, y + 16, room(where), size=11.0))
        if number:
            marks.append(Line(185, y - 24, 185, y - 1, arrow=True))
    for place, first, last in places:
        top, bottom = 10.0 + 48 * first, 34.0 + 48 * last
        marks += [Line(100, top, 100, bottom, PALE, 2.0), Text(92, (top + bottom) / 2 + 4, place, "end")]
    return Scene(WIDTH, 14.0 + 48 * len(steps), "A program on its way from text to result", tuple(marks))


def kernel_step() -> Scene:
    """Events go into the kernel, effects come out; what it holds stands between."""
    came = ("CallReceived", "Routed", "Started", "Finished", "TimerFired")
    went = ("Journal", "Audit", "Reply", "Launch", "SetTimer")
    held = ("session", "capability", "job", "channel", "checkpoint")
    assert all(hasattr(events, name) for name in came)
    assert all(hasattr(effects, name) for name in went)
    folder = ROOT / "src" / "qmk" / "kernel" / "objects"
    assert all((folder / f"{name}.py").exists() for name in held)
    marks: list[Mark] = [Text(55, 18, "events", "middle", 12.0, True), Text(325, 18, "effects", "middle", 12.0, True)]
    marks += [Rect(120, 28, 140, 196, BLUE, INK), Text(190, 48, "kernel.step", "middle", 12.0, True, DARK)]
    for number, name in enumerate(held):
        marks += box(135, 58 + 32 * number, 110, (name,), YELLOW)
    for number, (event, effect) in enumerate(zip(came, went, strict=True)):
        y = 74.0 + 32 * number
        marks += [Text(10, y - 4, event), Line(10, y, 118, y, arrow=True)]
        marks += [Text(272, y - 4, effect), Line(262, y, 370, y, arrow=True)]
    marks += box(10, 250, 360, ("host: sockets, clock, disk, workers",), GREY)
    marks += [Line(55, 248, 55, 214, PALE, arrow=True), Line(325, 214, 325, 248, PALE, arrow=True)]
    return Scene(WIDTH, 290.0, "Events go into the kernel and effects come out", tuple(marks))


def epochs() -> Scene:
    """A program in three epochs, with what can be done at the fences between them."""
    marks: list[Mark] = []
    edges = (20.0, 130.0, 240.0, 350.0)
    for number, (left, right) in enumerate(pairwise(edges)):
        marks += box(left + 8, 40, right - left - 16, (f"epoch {number + 1}", "gates"), BLUE)
    for at in edges[1:3]:
        marks += [Path(((at, 26.0), (at, 100.0)), dashed=True), Text(at, 18, "fence", "middle", 12.0, True)]
        marks += [Circle(at, 108, 6, YELLOW, INK), Text(at, 130, "saved state", "middle")]
    marks += [Line(300, 92, 300, 156, PALE), Line(300, 156, 134, 156, arrow=True)]
    marks += [Line(130, 156, 130, 138, arrow=True), Text(232, 174, "rollback, or a lost worker", "end")]
    marks += [Line(240, 138, 240, 196, arrow=True)]
    marks += box(120, 198, 240, ("another worker, another region", "the same bits"), YELLOW)
    return Scene(
        WIDTH, 248.0, "A program of three epochs, which can be stopped at the fences between them", tuple(marks)
    )


def routing() -> Scene:
    """What leaves the list of candidates on the way to the choice."""
    steps = [
        (("every engine, every method",), ""),
        (("can it run this exactly?", "gates, noise, feed-forward, outputs"), "a gap"),
        (("is there room?", "memory, upper bounds of time"), "too large"),
        (("who is done first?", "predicted for this program"), "slower"),
        (("it runs",), "gives up"),
    ]
    marks: list[Mark] = []
    y = 10.0
    for number, (lines, out) in enumerate(steps):
        marks += box(20, y, 230, lines, YELLOW if number in (0, len(steps) - 1) else BLUE)
        height = 16.0 * len(lines) + 8
        if out:
            marks += [Line(252, y + height / 2, 298, y + height / 2, PALE, arrow=True)]
            marks += [Text(304, y + height / 2 + 4, out)]
        if number < len(steps) - 1:
            marks.append(Line(135, y + height, 135, y + height + 23, arrow=True))
        y += height + 24
    marks.append(Line(322, y - 50, 322, y - 78, PALE, arrow=True))
    marks.append(Text(330, y - 60, "the next"))
    return Scene(WIDTH, y - 14, "How the router comes from all engines to one", tuple(marks))


def noise_tiers() -> Scene:
    """Which noise is computed how: by what errs and by how large the program is."""
    declared = discovery.engines()
    tiers = [
        (("Pauli errors,", "Clifford gates"), "Pauli frames, any width", "native:frame", "sampled"),
        (("lost atoms,", "Clifford gates"), "tableaus, shot by shot", "native:tableau", "sampled"),
        (("Pauli errors,", "values"), "Pauli propagation", "native:pauli", "exact, or within an error"),
        (("any channel,", "few qubits, values"), "density matrix", "aer:density_matrix", "exact"),
        (("any channel,", "more qubits"), "trajectories", "aer:statevector", "sampled"),
        (("logical qubits",), "measured channels", "native:frame", "sampled, with an interval"),
    ]
    marks: list[Mark] = []
    for number, (what, how, method, kind) in enumerate(tiers):
        engine, _, name = method.partition(":")
        assert name in declared[engine].methods, method
        shown = f"{method} (extra)" if engine == "aer" else method
        y = 10.0 + 72 * number
        marks += box(10, y + 24 - 8 * len(what), 132, what, BLUE)
        marks += [Line(144, y + 28, 172, y + 28, arrow=True)]
        marks += box(174, y, 196, (how, shown, kind), YELLOW if kind.startswith("exact") else GREY)
    return Scene(WIDTH, 4.0 + 72 * len(tiers), "Which noise is computed exactly, and which is sampled", tuple(marks))


DIAGRAMS = {
    "concept-program": program_life,
    "concept-kernel": kernel_step,
    "concept-epochs": epochs,
    "concept-routing": routing,
    "concept-noise": noise_tiers,
}


if __name__ == "__main__":
    pages = {f"docs/images/{name}.svg": svg(draw()) for name, draw in DIAGRAMS.items()}
    sys.exit(write_or_check(pages, sys.argv[1:]))
