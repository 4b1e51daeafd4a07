"""Pictures of lattice surgery by their structure: a floor plan a change, boxes where patches and merges are, and an
order in which no box covers one that stands in front of it."""

from __future__ import annotations

from itertools import combinations

import pytest

from qmk.base.errors import QmkError
from qmk.drawing.scene import Polygon, Rect, Text
from qmk.models.qec import magic
from qmk.models.qec.surgery import drawing, programs, timeline
from qmk.models.qec.surgery.blocks import WALLS, boxes
from qmk.models.qec.surgery.stretches import COLOURS, FILLS, stretches

SHIPPED = ("cnot_ZZ", "product_ZZZ_Z", "t_gates_5", "domain_wall_X", "random_1_6")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_slice_for_each_change_that_names_every_operation(name: str) -> None:
    program = programs.program_named(name)
    events = {at for timed in timeline(program) for at in (timed.start_cycle, timed.end_cycle)}
    texts = [mark.text for mark in drawing.slices(program).scene.marks if isinstance(mark, Text)]
    assert sum(text.startswith("cycle") for text in texts) == len(events) - 1
    told = " ".join(text.strip() for text in texts)
    for row in stretches(program):
        assert all(caption in told for caption in row.captions())
    assert sum(len(row.captions()) for row in stretches(program)) >= len(list(program.keys())) / 2


def test_slices_are_folded_to_a_width() -> None:
    program = programs.program_named("t_gates_5")
    wide, narrow = drawing.slices(program).scene, drawing.slices(program, width=360).scene
    assert narrow.width <= 360 < wide.width
    assert narrow.height > wide.height
    panels = [sum(isinstance(mark, Rect) for mark in scene.marks) for scene in (wide, narrow)]
    assert panels[0] == panels[1]


@pytest.mark.parametrize("name", SHIPPED)
def test_no_box_is_drawn_before_one_that_it_could_hide(name: str) -> None:
    program = programs.program_named(name)
    rows = stretches(program)
    order = list(boxes(program, rows).values())
    for (i, a), (j, b) in combinations(enumerate(order), 2):
        if all(x >= y for x, y in zip(a[:3], b[:3], strict=True)):
            assert i > j, f"{a} can hide {b} and is drawn first"
    alive = sum(len(row.patches()) for row in rows)
    merged = sum(
        len(span.route.tiles) + len(span.route.joints) for row in rows for _, span in row.merges() if span.route
    )
    assert len(order) == alive + merged


def test_faces_of_a_memory_and_of_a_merge() -> None:
    def faces(name: str) -> list[Polygon]:
        marks = drawing.space_time(programs.program_named(name)).scene.marks
        return [mark for mark in marks if isinstance(mark, Polygon) and mark.title]

    lone = faces("memory_Z_3")
    assert [face.fill for face in lone] == [WALLS["Z"][1], WALLS["X"][0], FILLS["idle"]]
    left, right, top = (set(face.points) for face in lone)
    assert len(left & right) == len(left & top) == len(right & top) == 2, "they share edges"
    merge = [face.fill for face in faces("bell_X") if face.title.startswith("merge")]
    assert merge == [WALLS["X"][0], FILLS["Z"]], "the lower wall is inside, beside the other patch"


def test_a_program_that_waits_for_factories_is_drawn_as_it_runs() -> None:
    program = programs.program_named("t_gates_5")
    run = magic.schedule(program, magic.factory("15-to-1", 1e-3), 1, 7, input_error=1e-3)
    waiting = drawing.draw(program, "3d", run.spans, 7).scene
    texts = [mark.text for mark in waiting.marks if isinstance(mark, Text)]
    assert f"{run.rounds:g}" in texts
    assert "round 0" in texts
    assert any("not to scale" in text for text in texts)
    with pytest.raises(QmkError, match="no view 'top'"):
        drawing.draw(program, "top")


def test_sides_have_the_colour_of_what_they_join() -> None:
    page = drawing.svg(programs.program_named("cnot_ZZ"))
    assert all(colour in page for colour in COLOURS.values())
    assert "prefers-color-scheme:dark" in page
