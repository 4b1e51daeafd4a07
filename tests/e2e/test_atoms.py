"""``qmk atoms``, and ``--device`` of the commands that run or draw a program."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from qmk import draw

Qmk = Callable[..., subprocess.CompletedProcess[str]]
GHZ = "examples/ghz.qasm"
SVG = "{http://www.w3.org/2000/svg}"


def test_devices_are_listed_and_shown(qmk: Qmk) -> None:
    rows = json.loads(qmk("atoms", "devices", "--json").stdout)
    assert {"aquila", "zoned", "benchmark_chain", "pasqal_analog"} <= {row["name"] for row in rows}
    shown = json.loads(qmk("atoms", "show", "zoned", "--json").stdout)
    assert len(shown["geometry"]["sites"]) == 256
    assert "128 of them with atoms" in qmk("atoms", "show", "zoned").stdout
    assert json.loads(qmk("atoms", "isa", "--json").stdout)["features"]["feedback"] == {
        "1.0": False,
        "1.1": False,
        "2.0": True,
    }
    wrong = qmk("atoms", "show", "nonsense")
    assert wrong.returncode == 2
    assert "there is no device 'nonsense'" in wrong.stderr


def test_a_program_is_checked_run_and_refused(qmk: Qmk) -> None:
    told = json.loads(qmk("atoms", "check", GHZ, "--device", "zoned", "--json").stdout)
    assert told["timeline"][0]["start_us"] == 0
    assert told["duration_us"] > 1000
    ran = json.loads(qmk("run", GHZ, "--device", "ideal_grid", "--seed", "1", "--json").stdout)
    assert len(ran["counts"]) == 2
    refused = qmk("run", GHZ, "--device", "aquila")
    assert refused.returncode == 1
    assert "aquila has no core." in refused.stderr
    assert "[ATOM-27]" in refused.stderr
    both = qmk("run", GHZ, "--device", "zoned", "--qec", "surface(d=3)", "--noise", "p=1e-3")
    assert both.returncode == 2
    assert qmk("atoms", "check", GHZ).returncode == 2


def test_an_analog_program_is_checked_by_the_same_option(qmk: Qmk) -> None:
    done = qmk("atoms", "check", "examples/z2.braket.json", "--device", "aquila")
    assert done.returncode == 0
    assert "aquila runs it in 4 us" in done.stdout
    assert "[ATOM-21]" in qmk("atoms", "check", "examples/z2.braket.json", "--device", "aquila", "-n", "1001").stderr


def test_pictures_are_well_formed_and_show_what_happens(qmk: Qmk, tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    assert qmk("draw", GHZ, "--device", "zoned", "-o", str(path)).returncode == 0
    root = ElementTree.parse(path).getroot()
    titles = [title.text or "" for title in root.iter(f"{SVG}title")]
    told = json.loads(qmk("atoms", "check", GHZ, "--device", "zoned", "--json").stdout)["timeline"]
    assert sum("core.cz" in title for title in titles) == 2 * sum(row["op"] == "core.cz" for row in told)
    assert sum("atoms.move" in title for title in titles) == sum(
        len(row["atoms"]) for row in told if row["op"] == "atoms.move"
    )
    assert list(root.iter(f"{SVG}polygon")), "moves have arrows"
    plain = tmp_path / "b.svg"
    assert qmk("draw", GHZ, "-o", str(plain)).returncode == 0
    assert ElementTree.parse(plain).getroot().tag == f"{SVG}svg"
    analog = tmp_path / "c.svg"
    assert qmk("draw", "examples/z2.braket.json", "--device", "aquila", "-o", str(analog)).returncode == 0
    assert sum(" at (" in (t.text or "") for t in ElementTree.parse(analog).getroot().iter(f"{SVG}title")) == 8
    assert qmk("draw", "examples/z2.braket.json", "--width", "360", "-o", str(analog)).returncode == 0
    assert analog.read_bytes() == draw("examples/z2.braket.json", width=360).to("svg")
    shown = qmk("draw", "examples/z2.braket.json", "--width", "50", "--ascii").stdout
    assert shown.isascii()
    assert max(map(len, shown.splitlines())) == 50
    for name in ("a.gif", "no/folder/a.svg"):
        assert qmk("draw", GHZ, "-o", str(tmp_path / name)).returncode == 2


def test_a_timeline_as_text(qmk: Qmk) -> None:
    lines = qmk("draw", "examples/bell.qasm", "--device", "ideal_small_array").stdout.splitlines()
    assert lines[0].split() == ["start", "us", "us", "op", "atoms"]
    assert lines[1].split() == ["0", "0.5", "core.h", "q_0"]


def test_memory_says_what_knowing_the_losses_is_worth(qmk: Qmk) -> None:
    run = ("atoms", "memory", "repetition(d=3)", "--noise", "circuit=5e-3,loss=3e-2", "--shots", "2000", "--seed", "1")
    shown = qmk(*run, "--check", "round").stdout
    assert "data atoms looked for after every round" in shown
    found = json.loads(qmk(*run, "--json").stdout)
    assert found["aware"]["errors"] < found["blind"]["errors"]
    assert found["aware"]["error_per_round"] < found["aware"]["error_per_shot"]
    refused = qmk("atoms", "memory", "repetition(d=3)", "--noise", "loss_rate=3")
    assert refused.returncode
    assert "a loss rate without durations" in refused.stderr
