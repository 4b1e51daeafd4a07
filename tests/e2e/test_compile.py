"""``qmk compile``: the program it writes runs and gives the same outcomes; its table and its JSON."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

Qmk = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("suffix", [".qasm", ".json", ".qvm"])
def test_what_it_writes_gives_the_same_outcomes(qmk: Qmk, suffix: str) -> None:
    done = qmk("compile", "examples/bell.qasm", "--target", "all:5", "--gates", "cz,rz,sx,x", "-o", f"out{suffix}")
    assert done.returncode == 0, done.stderr
    assert "gates on two qubits" in done.stdout
    found = json.loads(qmk("run", f"out{suffix}", "--shots", "500", "--json").stdout)
    assert {bits.replace(" ", "") for bits in found["counts"]} == {"00", "11"}


def test_feed_forward_goes_through(qmk: Qmk) -> None:
    done = qmk("compile", "examples/teleport.qasm", "--target", "all:3", "-O2", "-o", "out.qasm")
    assert done.returncode == 0, done.stderr
    before, after = (
        json.loads(qmk("run", name, "--shots", "2000", "--seed", "7", "--json").stdout)["counts"]
        for name in ("examples/teleport.qasm", "out.qasm")
    )
    assert before.keys() == after.keys()  # every outcome has a probability of at least 1/16


def test_clifford_t_with_its_options(qmk: Qmk) -> None:
    options = ("--target", "clifford+t:3", "--synthesis-error", "1e-3", "--no-ancillae", "--optimize", "depth")
    done = qmk("compile", "examples/teleport.qasm", *options, "-o", "out.qasm", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)["report"]
    assert report["after"]["rotations"] == 0
    assert report["notes"]["clifford-t"]["error"] <= 1e-3
    assert json.loads(qmk("estimate", "out.qasm", "--json").stdout)["logicalCounts"]["rotationCount"] == 0


def test_the_report_as_json(qmk: Qmk) -> None:
    found = json.loads(qmk("compile", "examples/ghz.qasm", "--target", "all:16", "--json").stdout)
    assert found["report"]["before"]["two_qubit_gates"] == found["report"]["after"]["two_qubit_gates"] == 15
    assert found["program"].startswith("OPENQASM 3")
    assert found["report"]["passes"]


def test_a_device_of_atoms_gets_moves_and_a_time(qmk: Qmk) -> None:
    done = qmk("compile", "examples/bell.qasm", "--target", "zoned", "-o", "moved.json")
    assert done.returncode == 0, done.stderr
    assert "predicted fidelity" in done.stdout
    assert qmk("atoms", "check", "moved.json", "--device", "zoned").returncode == 0
    found = json.loads(qmk("compile", "examples/bell.qasm", "--target", "zoned", "--json").stdout)
    assert '"atoms.move"' in found["program"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--target", "moon"), "there is no target 'moon'"),
        (("--target", "all:2", "--gates", "cz,y"), "gate 'y'"),
        (("--target", "all:2", "--no-ancillae"), "ancillae: target 'all:2' is a device"),
        (("--target", "clifford+t", "--synthesis-error", "2"), "is not in the range 0<x<1"),
        (("--target", "all:2", "-o", "out.txt"), "no ending that names a format"),
        (("--target", "all:1"), "2 qubits"),
    ],
)
def test_called_wrongly(qmk: Qmk, arguments: tuple[str, ...], said: str) -> None:
    done = qmk("compile", "examples/bell.qasm", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
