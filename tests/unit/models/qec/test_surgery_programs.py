"""Programs of lattice surgery: floor, routes, time, frames, what is refused, and how they are drawn."""

from __future__ import annotations

import importlib
import xml.etree.ElementTree as ElementTree

import pytest

from qmk.base.errors import QmkError
from qmk.models.qec.surgery import (
    Correct,
    Floor,
    Idle,
    Inject,
    Measure,
    Merge,
    Op,
    Patch,
    Prepare,
    Program,
    drawing,
    programs,
    timeline,
)
from qmk.models.qec.surgery.floor import route
from qmk.models.qec.surgery.program import Schedule, frames

PAIR = {"a": Patch(0, 0), "b": Patch(0, 1)}
circuits = importlib.import_module("qmk.models.qec.surgery.circuit")  # the package has a function of this name


def made(*ops: Op, patches: dict[str, Patch] | None = None, rows: int = 1, cols: int = 2) -> Program:
    return Program("test", Floor(rows, cols, patches or PAIR), ops)


def test_neighbours_join_over_their_seam_and_others_over_free_tiles() -> None:
    floor = Floor(2, 3, {"a": Patch(0, 0), "b": Patch(0, 1), "c": Patch(0, 2)})
    direct = route(floor, {"a": "X", "b": "X"}, floor.free())
    assert direct is not None
    assert (direct.tiles, direct.joints) == ((), (((0, 0), (0, 1)),))
    around = route(floor, {"a": "Z", "c": "Z"}, floor.free())
    assert around is not None
    assert around.tiles == ((1, 0), (1, 1), (1, 2))
    assert route(floor, {"a": "X", "c": "X"}, floor.free()) is None


def test_a_turned_patch_joins_over_its_other_sides() -> None:
    assert Patch(0, 0).sides("Z") == Patch(0, 0, turned=True).sides("X") == ("top", "bottom")


def test_two_merges_through_one_corridor_run_one_after_the_other() -> None:
    patches = {name: Patch(row, col) for name, row, col in (("a", 0, 0), ("b", 0, 2), ("c", 2, 0), ("d", 2, 2))}
    program = made(
        *(Prepare(name, "Z") for name in patches),
        Merge({"a": "Z", "b": "Z"}, "ab"),
        Merge({"c": "Z", "d": "Z"}, "cd"),
        patches=patches,
        rows=3,
        cols=3,
    )
    starts = [timed.start_cycle for timed in timeline(program) if isinstance(timed.op, Merge)]
    assert starts == [0, 1]


def test_waits_are_filled_in_and_patches_are_prepared_late() -> None:
    program = programs.cnot("Z", "Z")
    times = timeline(program)
    waits = [(timed.patches, timed.start_cycle, timed.end_cycle) for timed in times if timed.op is None]
    assert waits == [(("t",), 1, 2)]
    assert next(timed for timed in times if timed.op == Prepare("a", "X")).start_cycle == 1
    blocks = sum((timed.end_cycle - timed.start_cycle) * len(timed.patches) for timed in times)
    assert blocks == 10


def test_a_cycle_may_be_counted_in_rounds() -> None:
    assert Schedule(programs.cnot("Z", "Z"), cycle=7).end == 28


def test_a_product_of_x_and_z_puts_a_domain_wall() -> None:
    assert frames(programs.wall("X")) == {"a": 0, "b": 1}
    assert frames(programs.cnot("Z", "Z")) == {"c": 0, "a": 0, "t": 0}


@pytest.mark.parametrize(
    ("ops", "told"),
    [
        ((Idle("a"),), "'a' holds no state"),
        ((Prepare("a", "Z"), Prepare("a", "Z")), "'a' is in use"),
        ((Prepare("c", "Z"),), "there is no patch 'c'"),
        ((Prepare("a", "Z"), Idle("a", 0)), "0 cycles"),
        ((Prepare("a", "Z"), Merge({"a": "Z"}, "k")), "a merge of one patch"),
        ((Prepare("a", "Z"), Prepare("b", "Z"), Merge({"a": "Y", "b": "Z"}, "k")), "the operator 'Y'"),  # type: ignore[dict-item]
        ((Inject("a", "H"),), "the state 'H'"),  # type: ignore[arg-type]
        ((Prepare("a", "Z"), Correct("a", "X", ("k",))), "no outcome \\['k'\\] yet"),
        ((Prepare("a", "Z"), Measure("a", "Z", "k"), Prepare("a", "Z"), Measure("a", "Z", "k")), "two outcomes 'k'"),
    ],
)
def test_programs_that_make_no_sense(ops: tuple[Op, ...], told: str) -> None:
    with pytest.raises(QmkError, match=told) as caught:
        made(*ops)
    assert caught.value.fields["help"]


def test_merges_that_cannot_be() -> None:
    both = (Prepare("a", "Z"), Prepare("b", "Z"))
    with pytest.raises(QmkError, match="no free tiles join Z of 'a', Z of 'b'"):
        timeline(made(*both, Merge({"a": "Z", "b": "Z"}, "k")))
    with pytest.raises(QmkError, match="either side of a domain wall"):
        frames(made(*both, Merge({"a": "X", "b": "Z"}, "k"), Merge({"a": "X", "b": "X"}, "l")))


def test_a_merge_of_too_many_patches_is_refused_before_its_routes_are_tried() -> None:
    names = [f"p{at}" for at in range(9)]
    patches = {name: Patch(1, 2 * at) for at, name in enumerate(names)}
    ready = [Prepare(name, "Z") for name in names]
    some = dict.fromkeys(names[:8], "Z")
    assert len(timeline(made(*ready, Merge(some, "k"), patches=patches, rows=3, cols=17))) == 9  # type: ignore[arg-type]
    with pytest.raises(QmkError, match="a merge of 9 patches") as caught:
        made(*ready, Merge(dict.fromkeys(names, "Z"), "k"), patches=patches, rows=3, cols=17)
    assert "at most 8" in caught.value.fields["help"]


def test_a_circuit_is_measured_before_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """400 patches of distance 49 would be a million data qubits in tables before anything was counted."""
    patches = {f"p{at}": Patch(at // 20, at % 20) for at in range(400)}
    ops = [op for name in patches for op in (Prepare(name, "Z"), Measure(name, "Z", f"m_{name}"))]
    large = made(*ops, patches=patches, rows=20, cols=20)
    monkeypatch.setattr(circuits, "layout", lambda *_: pytest.fail("a layout was made"))
    with pytest.raises(QmkError, match="a circuit of 184396800 gates"):
        circuits.circuit(large, 49)


def test_a_drawing_that_nobody_would_look_at_is_refused() -> None:
    assert drawing.svg(programs.t_gates(3)).count("cycle") > 3
    with pytest.raises(QmkError, match="a drawing of 2001 panels"):
        drawing.svg(programs.t_gates(1000))


def test_floors_that_cannot_be() -> None:
    with pytest.raises(QmkError, match="stand at"):
        Floor(1, 1, {"a": Patch(0, 0), "b": Patch(0, 0)})
    with pytest.raises(QmkError, match="off the floor"):
        Floor(1, 1, {"a": Patch(0, 1)})
    for rows, cols in ((0, 1), (-2, -3), (101, 100)):
        with pytest.raises(QmkError, match="tiles"):
            Floor(rows, cols, {})


def test_a_patch_alone_has_d_squared_and_one_less() -> None:
    assert Floor(1, 1, {"a": Patch(0, 0)}).physical_qubits(9) == 161


@pytest.mark.parametrize("text", ["cnot", "cnot_ZZ ", "random_1_99", "t_gates_x"])
def test_names_of_no_program(text: str) -> None:
    with pytest.raises(QmkError, match=r"no program|99 patches"):
        programs.program_named(text)


def test_json_of_no_program() -> None:
    with pytest.raises(QmkError, match="lattice surgery"):
        Program.from_json(b'{"name": "x"}')


def test_the_drawing_has_a_panel_for_each_stretch_and_names_every_patch() -> None:
    picture = drawing.svg(programs.product(3, "Z"))
    texts = [element.text for element in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]
    assert [text for text in texts if text and text.startswith("cycle")] == ["cycle 0", "cycle 1", "cycle 2"]
    assert texts.count("a") == texts.count("b") == texts.count("c") == 3
    assert texts.count("MZ") == texts.count("|0⟩") == 3
    assert "over 5 tiles" in "\n".join(drawing.lines(programs.product(3, "Z")))
