"""Pictures by their structure: what stands where, in which notation, and that nothing of a program is lost."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import qmk
from qmk.circuit import picture
from qmk.drawing.scene import DARK, Circle, Line, Rect, Text
from qmk.request.program import to_graph

SVG = "{http://www.w3.org/2000/svg}"
EXAMPLES = Path(__file__).parents[3] / "examples"


def texts(drawn: picture.Picture) -> Counter[str]:
    return Counter(mark.text for mark in drawn.scene.marks if isinstance(mark, Text))


def test_controls_are_dots_and_exchanges_rings() -> None:
    marks = qmk.Circuit(3).cx(0, 1).x(2, ctrl=[0, 1], ctrl_state="10").picture().scene.marks
    circles = [mark for mark in marks if isinstance(mark, Circle)]
    assert sorted(mark.radius for mark in circles) == [4, 4, 4, 9, 9]
    assert sum(mark.radius == 4 and mark.fill != mark.stroke and bool(mark.stroke) for mark in circles) == 1, "open"
    assert not [mark for mark in marks if isinstance(mark, Rect)]


def test_a_gate_of_two_has_one_label_and_a_line_to_its_other_end() -> None:
    drawn = qmk.Circuit(4).rzz(np.pi / 4, 0, 3).picture()
    assert texts(drawn)["RZZ(π/4)"] == 1
    upright = [mark for mark in drawn.scene.marks if isinstance(mark, Line) and mark.x == mark.to_x]
    assert [mark.to_y - mark.y for mark in upright] == [3 * picture.ROW]


def test_measurements_of_one_moment_stand_in_one_column_and_end_on_their_register() -> None:
    drawn = qmk.Circuit(3).measure([0, 1], "c").measure(2, "d").picture()
    meters = [mark for mark in drawn.scene.marks if isinstance(mark, Rect)]
    assert len({mark.x for mark in meters}) == 1
    seen = texts(drawn)
    assert (seen["c [2]"], seen["d [1]"], seen["0,1"]) == (1, 1, 1)
    assert sum(isinstance(mark, Line) and mark.arrow for mark in drawn.scene.marks) == 3


def test_conditions_are_words_and_reach_what_they_read() -> None:
    c = qmk.Circuit(2).measure(0, "c")
    with c.if_("c"):
        c.cz(0, 1)
    drawn = c.picture()
    assert texts(drawn)["if c"] == 1
    (box,) = [mark for mark in drawn.scene.marks if isinstance(mark, Rect)]
    assert box.title == "mz q_0 -> c"


def test_a_line_that_is_read_lies_on_none_that_is_written() -> None:
    c = qmk.Circuit({"q": 3}, {"c": 2}).h(1).measure(0, "c[0]").measure(1, "c[1]")
    with c.if_("c[0]"):
        c.x(2)
    marks = c.picture().scene.marks
    written = {mark.x for mark in marks if isinstance(mark, Line) and mark.arrow}
    read = {mark.x for mark in marks if isinstance(mark, Circle)}
    assert len(written) == 2
    assert read
    assert not written & read


def test_a_wide_circuit_is_folded_and_every_wire_named_in_each_strip() -> None:
    c = qmk.Circuit(2)
    for _ in range(40):
        c.rx(0.25, 0).ry(0.5, 1)
    drawn = c.picture(width=400)
    assert drawn.scene.width <= 400
    strips = texts(drawn)["q_0"]
    assert strips == texts(drawn)["q_1"] > 3
    assert texts(drawn)["RX(0.25)"] == texts(drawn)["RY(0.5)"] == 40
    assert texts(c.picture(width=10_000))["q_0"] == 1


def test_a_picture_is_one_xml_document_with_words_for_those_who_hear_it() -> None:
    root = ElementTree.fromstring(qmk.Circuit(2).h(0).picture().to("svg"))
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert (root.get("aria-label") or "").startswith("circuit of 2 qubits")
    style = root.findtext(f"{SVG}style") or ""
    assert "prefers-color-scheme:dark" in style
    assert all(colour in style for colour in DARK.values())
    classes = {mark.get("class") for mark in root.iter() if mark.get("class")}
    assert classes == set(re.findall(r"\.(q[0-9a-f]+)\{", style))


def test_two_pictures_on_one_page_agree_about_their_classes() -> None:
    def rules(c: qmk.Circuit) -> dict[str, str]:
        return dict(re.findall(r"\.(q[0-9a-f]+)\{([^}]*)\}", c.picture().to("svg").decode()))

    one, other = rules(qmk.Circuit(2).h(0).cx(0, 1)), rules(qmk.Circuit(3).measure_all())
    assert one.keys() & other.keys()
    assert all(one[name] == other[name] for name in one.keys() & other.keys())


def test_no_look_shares_its_class_with_another() -> None:
    graph = to_graph(str(EXAMPLES / "teleport.qasm"))
    rules = re.findall(r"\.(q[0-9a-f]+)\{", picture.draw(graph).to("svg").decode())
    assert len(rules) == len(set(rules)) > 5


@pytest.mark.parametrize(
    "name", ["teleport.qasm", "bell.qasm", "ghz.qasm", "correction.qvm.asm", "channel.qvm.json", "bell.qvm.json"]
)
def test_every_node_of_an_example_is_told_or_drawn_as_a_sign(name: str) -> None:
    graph = to_graph(str(EXAMPLES / name))
    svg = picture.draw(graph).to("svg").decode()
    ElementTree.fromstring(svg)
    titles = ElementTree.fromstring(svg).iter(f"{SVG}title")
    told = Counter((title.text or "").split(" ")[0].split("(")[0] for title in titles)
    signs = {"core.alloc", "core.free", "core.barrier", "core.fence"}
    for op, count in Counter(node.op for node in graph.nodes if node.op not in signs).items():
        assert told[op.removeprefix("core.")] >= count, op


def test_files(tmp_path: Path) -> None:
    drawn = qmk.Circuit(2).h(0).barrier().cx(0, 1).swap(0, 1).measure_all().picture()
    starts = {"svg": b"<svg", "html": b"<!doctype html>", "png": b"\x89PNG", "pdf": b"%PDF"}
    for format, start in starts.items():
        path = tmp_path / f"a.{format}"
        drawn.save(str(path))
        assert path.read_bytes().startswith(start)
    for wrong in ("a.gif", "a", "no/folder/a.svg"):
        with pytest.raises(qmk.QmkError, match=r"(not a format of pictures|cannot write)"):
            drawn.save(str(tmp_path / wrong))


def test_a_notebook_shows_a_picture_and_of_a_long_circuit_text() -> None:
    c = qmk.Circuit(1)
    assert c.h(0)._repr_html_().startswith("<svg")
    for _ in range(1000):
        c.x(0)
    assert c._repr_html_().startswith("<pre")
    assert repr(qmk.Circuit(1).h(0).picture()).startswith("<Picture")


def test_parameters_keep_their_names() -> None:
    theta = qmk.Parameter("theta")
    assert any("theta" in text for text in texts(qmk.Circuit(1).rx(theta, 0).picture()))


def test_draw_shows_the_parameters_that_have_no_value() -> None:
    a, b = qmk.Parameter("a"), qmk.Parameter("b")
    c = qmk.Circuit(2).rx(a, 0).rz(b, 1)
    assert qmk.draw(c).to("svg") == c.picture().to("svg")
    shown = qmk.draw(c, params={a: 0.5}, width=400).text()
    assert "RX(0.5)" in shown
    assert "RZ(b)" in shown
    assert "more nodes" in qmk.draw(c, max_nodes=1).text()
    assert qmk.draw(c, params={a: 0.5, b: 1}).text() == c.bind(a=0.5, b=1).picture().text()
