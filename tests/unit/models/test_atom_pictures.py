"""Pictures of programs for atoms by their structure: curves are the waveforms, atoms stand where they are, edges join
what interacts, and no text meets another."""

from __future__ import annotations

import functools
import itertools
import math
import random
from pathlib import Path as File
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

import qmk
from qmk.drawing.axes import Axis
from qmk.drawing.labels import box_of, fit
from qmk.drawing.scene import INK, Circle, Line, Mark, Path, Rect, Scene, Text
from qmk.ir import fields
from qmk.models.atoms import AtomProgram, Drive, Field, independent, on_device
from qmk.models.atoms import to_graph as graph_of
from qmk.models.atoms.drawing import gantt, lines, panels, register, text, waveforms
from qmk.models.atoms.drawing.course import course
from qmk.qvm.graph import Graph, Guard, Node
from qmk.request.program import to_graph

ROOT = File(__file__).parents[3]
EXAMPLES = ROOT / "examples"
WIDTHS = (360.0, 680.0, 1000.0)
SVG = "{http://www.w3.org/2000/svg}"


def level(value: float, duration: float) -> dict[str, list[float]]:
    return {"times": [0.0, duration], "values": [value, value]}


def swept(points: list[tuple[float, float]]) -> Graph:
    return graph_of(independent.sweep(points, detuning=(-20, 40), duration=4.0), "made here")


def local() -> Graph:
    """Nine sites, the middle one vacant, a detuning of its own for each and a phase that jumps."""
    times = (0.0, 0.5, 2.5, 3.0)
    phase = Field((0.0, 1.0, 2.0, 3.0), (0.0, 1.0, 2.5, 9.0))
    drives = (
        Drive(Field(times, (0, 15, 15, 0)), phase, Field(times, (-20, -20, 30, 30))),
        Drive(detuning=Field(times, (0, -12, -12, 0)), pattern=tuple(k / 8 for k in range(9))),
    )
    sites = tuple((6.0 * (k % 3), 6.0 * (k // 3)) for k in range(9))
    there = (True,) * 4 + (False,) + (True,) * 4
    made = AtomProgram(sites=sites, filling=there, drives=drives, duration=3.0, c6=5.42e6, phase_sign=-1)
    return graph_of(made, "made here")


def segments(count: int = 2, names: tuple[str, ...] = ("a", "b", "c")) -> Graph:
    """``count`` evolutions with gates and a measurement between them, the second one under a condition."""
    nodes = [Node("load", "core.alloc", vqs=names), Node("h", "core.h", vqs=names[:1])]
    for k in range(count):
        duration = 0.5 + 0.1 * k
        args = {
            "positions": [[5.0 * at, 0.0] for at in range(len(names))],
            "c6": 5.42e6,
            "duration": duration,
            "drives": [{"amplitude": level(4.0 + k, duration)}, {"detuning": level(-3.0, duration)}],
        }
        guard = Guard(event="m0") if k == 1 else None
        nodes.append(Node(f"evolution_number_{k}", "analog.rydberg", args, names, guard=guard))
        nodes += [Node(f"x{k}", "core.x", vqs=names[:1]), Node(f"cz{k}", "core.cz", vqs=names[1:3])]
        nodes.append(Node(f"m{k}", "core.mz", vqs=names[-1:], produces=(f"m{k}",)))
    events = tuple(f"m{k}" for k in range(count))
    return Graph(nodes=tuple(nodes), vqs=names, events=events, caps=("CAP_ALLOC",))


def scattered(count: int) -> Graph:
    rng = random.Random(7)
    return swept([(rng.uniform(0, 60), rng.uniform(0, 60)) for _ in range(count)])


@functools.cache
def program(name: str) -> Graph:
    made: dict[str, Any] = {
        "local": local,
        "segments": segments,
        "crowded": lambda: segments(14, tuple(f"atom_with_a_long_name_{k}" for k in range(6))),
        "chain": lambda: swept([(5.5 * k, 0.0) for k in range(100)]),
        "tall": lambda: swept([(0.0, 5.5 * k) for k in range(40)]),
        "square": lambda: swept([(5.5 * (k % 17), 5.5 * (k // 17)) for k in range(289)]),
        "scattered": lambda: scattered(50),
        "dimers": lambda: swept([(20.0 * (k // 2) + 1.5 * (k % 2), -1e4) for k in range(24)]),
        "one": lambda: to_graph(str(ROOT / "tests/data/atoms/phase_jump_1atom.braket.json")),
        "z2": lambda: to_graph(str(EXAMPLES / "z2.braket.json")),
        "cz": lambda: to_graph(str(EXAMPLES / "cz.pulser.json")),
    }
    return made[name]()


ALL = ("local", "segments", "crowded", "chain", "tall", "square", "scattered", "dimers", "one", "z2", "cz")


def texts(scene: Scene) -> list[Text]:
    return [mark for mark in scene.marks if isinstance(mark, Text)]


def atoms(scene: Scene) -> dict[str, Circle]:
    """Discs of atoms by handle."""
    found = [mark for mark in scene.marks if isinstance(mark, Circle) and " at (" in mark.title]
    assert len({disc.title for disc in found}) == len(found)
    return {disc.title.partition(" at ")[0]: disc for disc in found}


def assert_legible(scene: Scene, width: float | None) -> None:
    """No text meets another, none is cut off or too small."""
    found = texts(scene)
    for a, b in itertools.combinations(found, 2):
        assert not box_of(a).meets(box_of(b)), (a, b)
    for mark in found:
        box = box_of(mark)
        assert mark.size >= 9
        assert box.left >= -1, mark
        assert box.top >= -1, mark
        assert box.right <= scene.width + 2, mark
        assert box.bottom <= scene.height + 1, mark
    assert width is None or scene.width == width


def curves(scene: Scene, field: str) -> list[Path]:
    return [mark for mark in scene.marks if isinstance(mark, Path) and mark.stroke == waveforms.COLOURS[field]]


def axis(labels: list[tuple[float, str]]) -> Axis:
    """The axis that two of its labels tell: (place in pixels, text)."""
    (start, low), (end, high) = [(at, float(told.replace("−", "-"))) for at, told in (labels[0], labels[-1])]
    return Axis(start, end, low, high)


# -- waveforms


def read_panel(scene: Scene, number: int) -> tuple[Axis, Axis]:
    """Pixels as time and as value, from the labels of the ticks of a panel."""
    heads = [mark for mark in texts(scene) if "(rad" in mark.text and mark.size == 10]
    top = heads[number].y
    below = next((head.y for head in heads[number + 1 :]), math.inf)
    (told,) = [mark for mark in texts(scene) if mark.text.startswith("time (us)")]
    values = [
        (m.y - 3.5, m.text)
        for m in texts(scene)
        if m.anchor == "end" and top < m.y < min(below, told.y) and m.x < heads[0].x
    ]
    times = [(m.x, m.text) for m in texts(scene) if m.anchor == "middle" and abs(m.y - told.y + 14) < 1]
    return axis(times), axis(values)


@pytest.mark.parametrize("width", WIDTHS)
def test_curves_are_the_waveforms_of_the_program(width: float) -> None:
    scene = waveforms.draw(program("local"), width=width)
    drives = program("local").nodes[1].args["drives"]
    wanted = [(drives[0], "amplitude"), (drives[0], "detuning"), (drives[0], "phase"), (drives[1], "detuning")]
    drawn = [curve for field in ("amplitude", "detuning", "phase") for curve in curves(scene, field)]
    drawn.sort(key=lambda curve: max(y for _, y in curve.points))
    assert len(drawn) == 4
    for number, ((drive, field), curve) in enumerate(zip(wanted, drawn, strict=True)):
        time, value = read_panel(scene, number)
        seen = [(time.at(x), value.at(y)) for x, y in curve.points]
        knots = fields.knots(drive[field])
        if field != "phase":
            assert seen == [pytest.approx(pair, abs=1e-6) for pair in zip(*knots, strict=True)]
            continue
        shape = [(0, 0), (1, 0), (1, 1), (2, 1), (2, 2.5), (3, 2.5)]
        assert seen == [pytest.approx(pair, abs=1e-6) for pair in shape], "a phase holds until its next knot"


def test_curves_of_splines_pass_through_the_waveform_at_all_times() -> None:
    scene = waveforms.draw(program("cz"), width=680)
    drive = program("cz").nodes[1].args["drives"][2]
    time, value = read_panel(scene, 2)
    points = sorted((time.at(x), value.at(y)) for x, y in curves(scene, "amplitude")[2].points)
    knots = fields.knots(drive["amplitude"])
    assert len(points) >= 1000
    assert max(abs(v - fields.line(knots, t, t)) for t, v in points[1:-1]) < 1e-3 * max(knots[1])


def test_thinned_curves_keep_their_extremes() -> None:
    points = tuple((k * 1e-4, math.sin(0.07 * k)) for k in range(20_001))
    kept = waveforms.thin(points, Axis(0.0, 2.0, 0.0, 300.0))
    assert set(kept) <= set(points)
    assert len(kept) <= 4 * 301
    for x in range(300):
        inside = [v for t, v in points if int(t * 150) == x]
        seen = [v for t, v in kept if int(t * 150) == x]
        assert (min(seen), max(seen)) == (min(inside), max(inside))


def test_segments_stand_one_after_the_other_with_gates_between() -> None:
    scene = waveforms.draw(program("segments"), width=680)
    time, _ = read_panel(scene, 0)
    pieces = [[time.at(x) for x, _ in curve.points] for curve in curves(scene, "amplitude")]
    assert pieces == [pytest.approx([0.0, 0.5]), pytest.approx([0.5, 1.1])]
    told = texts(scene)
    assert {"h a", "evolution_number_0", "evolution_number_1 if m0"} <= {mark.text for mark in told}
    for at in (0.5, 1.1):
        (label,) = [mark for mark in told if mark.title.startswith(f"{at} us: x a; cz b, c; measure c")]
        assert label.text == "x a; cz b, c; measure c"
        (upright,) = [mark for mark in scene.marks if isinstance(mark, Line) and mark.title == label.title]
        assert time.at(upright.x) == pytest.approx(at)


def test_ticks_are_round_and_have_room() -> None:
    for low, high, length in [(0, 4, 300), (-3.7, 12.1, 60), (0, 1e-3, 500), (-1e9, 1e9, 200), (0, 0.7, 40)]:
        ticks = Axis(low, high, 0, length).across()
        assert all(low <= tick <= high for tick in ticks)
        steps = {round((b - a) / 10 ** math.floor(math.log10(b - a) + 1e-9), 6) for a, b in itertools.pairwise(ticks)}
        assert steps <= {1, 2, 5}
        assert len(ticks) <= length / 15 + 1


# -- atoms


@pytest.mark.parametrize("name", ["chain", "tall", "square", "scattered", "z2", "dimers"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_atom_is_drawn_once_and_lengths_are_equal_in_x_and_y(name: str, width: float) -> None:
    graph = program(name)
    scene = waveforms.draw(graph, width=width)
    points = dict(zip(graph.nodes[1].vqs, graph.nodes[1].args["positions"], strict=True))
    discs = atoms(scene)
    assert discs.keys() == points.keys()
    scales: set[float] = set()
    for (a, p), (b, q) in itertools.pairwise(points.items()):
        dx, dy = discs[b].x - discs[a].x, discs[a].y - discs[b].y
        is_folded = dx and dy and name != "scattered"  # the next atom is in another window, or in the next row
        scales |= {round(px / um, 6) for px, um in ((dx, q[0] - p[0]), (dy, q[1] - p[1])) if um and not is_folded}
    assert len(scales) == 1
    if name not in ("square", "scattered", "dimers"):
        places = [(disc.x, disc.y) for disc in discs.values()]
        assert min(math.dist(a, b) for a, b in itertools.combinations(places, 2)) >= 14, "folded until then"


@pytest.mark.parametrize("name", ["local", "z2", "square", "scattered", "segments"])
def test_edges_join_pairs_that_interact_more_than_the_strongest_drive(name: str) -> None:
    graph = program(name)
    (block, *_) = register.blocks(graph, course(graph))
    strongest = {"local": 15.0, "segments": 5.0}.get(name, 15.0)
    assert block.rabi == strongest
    wanted = {
        (i, j)
        for (i, p), (j, q) in itertools.combinations(enumerate(block.points), 2)
        if math.dist(p, q) < (5.42e6 / strongest) ** (1 / 6)
    }
    scene = register.draw(block, 680)
    edges = [mark for mark in scene.marks if isinstance(mark, Line) and mark.stroke == register.EDGE]
    assert len(edges) == len(wanted) > 0
    assert {(i, j) for i, j, _ in block.pairs} == wanted
    told = " ".join(mark.text for mark in texts(scene))
    assert f"blockade radius {(5.42e6 / strongest) ** (1 / 6):.3g} um" in told
    by_weight = sorted((float(mark.title.split(": ")[1].split()[0]), mark.width) for mark in edges)
    assert [width for _, width in by_weight] == sorted(width for _, width in by_weight)


def test_vacant_sites_are_rings_and_numbers_are_those_of_sites() -> None:
    scene = waveforms.draw(program("local"), width=680)
    (ring,) = [mark for mark in scene.marks if isinstance(mark, Circle) and mark.title == "vacant site 4"]
    assert ring.dashed
    assert len(atoms(scene)) == 8
    shown = {mark.text: mark for mark in texts(scene) if mark.size == 9}
    assert set(shown) == set("01235678")
    disc = atoms(scene)["a8"]
    assert (shown["8"].x, math.hypot(shown["8"].x - disc.x, shown["8"].y - disc.y) < disc.radius) == (disc.x, True)


def test_weights_are_bars_and_shades() -> None:
    scene = waveforms.draw(program("local"), width=680)
    bars = [mark for mark in scene.marks if isinstance(mark, Rect) and mark.title.startswith("a")]
    weights = [k / 8 for k in range(9) if k != 4]
    assert [bar.title for bar in bars] == [f"a{round(8 * w)}: {w:g}" for w in weights]
    assert [bar.height / bars[-1].height for bar in bars] == pytest.approx(weights)
    assert {disc.fill for disc in atoms(scene).values()} == {bar.fill for bar in bars}
    assert len({bar.fill for bar in bars}) == 8


def test_metadata_that_is_not_of_the_atoms_is_left_aside() -> None:
    for sites in (None, [["a"]], [[0, 0]]):
        told = {"filling": [1], "sites_um": sites}
        graph = msgspec.structs.replace(program("z2"), metadata={"atoms": told})
        assert len(atoms(waveforms.draw(graph))) == 8


# -- legible at every width


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("width", [200.0, *WIDTHS])
def test_no_text_of_an_analog_program_meets_another(name: str, width: float) -> None:
    assert_legible(waveforms.draw(program(name), width=width), width)


LONG = "a_rather_long_name"
CROWDED = (
    f'OPENQASM 2.0; include "qelib1.inc"; qreg {LONG}[24]; creg c[24];'
    + "".join(f"h {LONG}[{k}]; rz(0.1) {LONG}[{k}];" for k in range(24))
    + "".join(f"cx {LONG}[{a}],{LONG}[{(a * 7 + 3) % 24}];" for a in range(24) if (a * 7 + 3) % 24 != a)
    + f"measure {LONG} -> c;"
)
FEW = (
    'OPENQASM 2.0; include "qelib1.inc"; qreg q[4]; creg c[4];'
    "h q[0]; cx q[0],q[1]; cx q[2],q[3]; cx q[1],q[2]; measure q -> c;"
)


@functools.cache
def on(source: str, device: str) -> tuple[on_device.OnDevice, Any]:
    profile, configuration = on_device.device(device)
    return on_device.timeline(to_graph(source), profile, configuration), profile


TIMED = [(FEW, "zoned"), (CROWDED, "zoned"), (FEW, "ideal_small_array"), (str(EXAMPLES / "ghz.qasm"), "zoned")]


@pytest.mark.parametrize(("source", "device"), TIMED, ids=["few", "crowded", "chain", "ghz"])
@pytest.mark.parametrize("width", [None, 240.0, 360.0, 680.0])
def test_no_text_of_a_timeline_or_an_array_meets_another(source: str, device: str, width: float | None) -> None:
    made, profile = on(source, device)
    timeline = gantt(made.timeline, f"{device}: {made.timeline.duration_us:g} us", width)
    assert_legible(timeline, width)
    assert_legible(panels(made.graph, made.timeline, profile, f"the array of {device}", width), width)
    bars = [mark for mark in timeline.marks if isinstance(mark, Rect) and " us" in mark.title]
    told = {bar.title.partition(":")[0] for bar in bars}
    assert told >= {row.node for row in made.timeline.timeline if row.op != "atoms.wait"}
    for mark in texts(timeline):
        if mark.fill == "#fdfdfd":
            box = box_of(mark)
            assert any(bar.x <= box.left and box.right <= bar.x + bar.width and bar.y < mark.y for bar in bars)


def test_a_folded_timeline_shows_every_bar_in_full() -> None:
    made, _ = on(str(EXAMPLES / "ghz.qasm"), "zoned")

    def lengths(width: float | None) -> dict[str, float]:
        found: dict[str, float] = {}
        for mark in gantt(made.timeline, "t", width).marks:
            if isinstance(mark, Rect) and " us" in mark.title and "atoms.wait" not in mark.title:
                found[mark.title] = found.get(mark.title, 0.0) + mark.width
        return found

    one, other = lengths(None), lengths(500.0)
    assert one.keys() == other.keys()
    assert all(other[title] == pytest.approx(one[title], rel=1e-6) for title in one)


def test_a_text_that_is_too_long_keeps_its_end_and_is_whole_in_its_title() -> None:
    short = fit(Text(0, 0, "a_rather_long_name_23"), 60)
    assert short is not None
    assert (short.text, short.title) == ("a_rat…23", "a_rather_long_name_23")
    assert box_of(short).right <= 60
    assert fit(Text(0, 0, "name"), 100) == Text(0, 0, "name")
    assert fit(Text(0, 0, "a_long_name"), 5) is None


# -- as text


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("width", [30, 80])
def test_text_fits_its_width_and_is_ascii_if_asked(name: str, width: int) -> None:
    rows = lines(program(name), width)
    assert max(map(len, rows)) <= width
    plain = lines(program(name), width, ascii_only=True)
    assert max(map(len, plain)) <= width
    assert all(row.isascii() for row in plain)
    assert "us, " in rows[0]


def test_text_draws_the_waveform() -> None:
    rows = lines(program("z2"), 40, ascii_only=True)
    top = next(row for row in rows if row.startswith(" 15 +"))
    assert top.strip("* ") == "15 +"
    assert top.count("*") == 31
    bottom = rows[rows.index(top) + text.ASCII_ROWS - 1]
    assert (bottom[5], bottom[-1], bottom.count("*")) == ("*", "*", 2)
    assert "4 us: measure 8 atoms" in rows
    time = Axis(0.0, 4.0, 0.0, 10.0)
    found = text.spans(((0.0, 0.0), (2.0, 4.0), (2.0, -1.0), (4.0, -1.0)), time)
    assert found[0] == pytest.approx((0.0, 0.8))
    assert found[4] == pytest.approx((3.2, 4.0))
    assert (min(found[5]), max(found[5])) == pytest.approx((-1.0, 4.0))
    assert set(found) == set(range(10))


# -- one door


def test_draw_takes_what_the_program_is() -> None:
    drawn = qmk.draw(program("z2"), width=360)
    root = ElementTree.fromstring(drawn.to("svg"))
    assert root.get("viewBox", "").startswith("0 0 360 ")
    assert len([*root.iter(f"{SVG}polyline"), *root.iter(f"{SVG}polygon")]) >= 4
    assert sum((title.text or "").startswith("a") for title in root.iter(f"{SVG}title")) >= 16, "atoms and edges"
    assert str(drawn).startswith("analog program: 4 us")
    circuit = qmk.Circuit(2).h(0).cx(0, 1)
    assert qmk.draw(circuit).to("svg") == circuit.picture().to("svg")
    assert qmk.draw(circuit).text(width=70) == circuit.draw(width=70)
    timed = qmk.draw(FEW, device="zoned", width=360)
    assert timed.scene.width == 360
    assert timed.text().splitlines()[0].split() == ["start", "us", "us", "op", "atoms"]
    aquila = qmk.draw(program("z2"), device="aquila")
    assert aquila.scene.title == "aquila: 4 us"
    assert len(atoms(aquila.scene)) == 8


def test_draw_refuses_what_is_wrong() -> None:
    args = dict(program("segments").nodes[2].args, duration=-1.0)
    wrong = Graph(nodes=(Node("e", "analog.rydberg", args, ("a", "b", "c")),), vqs=("a", "b", "c"))
    with pytest.raises(qmk.QmkError, match="duration"):
        qmk.draw(wrong)
    strange: Any
    for strange in (10, "wide", math.nan):
        with pytest.raises(qmk.QmkError, match="pixels"):
            qmk.draw(program("z2"), width=strange)
    with pytest.raises(qmk.QmkError, match="columns"):
        qmk.draw(program("z2")).text(width=0)
    with pytest.raises(qmk.QmkError, match="no ops"):
        qmk.draw(Graph(nodes=(Node("a", "core.alloc", vqs=("q",)),), vqs=("q",), caps=("CAP_ALLOC",)), device="zoned")


def test_files_of_other_formats(tmp_path: File) -> None:
    for name, start in {"a.png": b"\x89PNG", "a.pdf": b"%PDF", "a.html": b"<!doctype html>"}.items():
        qmk.draw(program("local")).save(str(tmp_path / name))
        assert (tmp_path / name).read_bytes().startswith(start)


def test_marks_are_in_ink_of_light_and_dark() -> None:
    marks: tuple[Mark, ...] = waveforms.draw(program("local")).marks
    black = {mark.fill for mark in marks if isinstance(mark, Text) and not mark.fill.startswith("#fd")}
    assert black <= {INK, waveforms.MEASURED, waveforms.EVENT, "#1b1b1b"}
