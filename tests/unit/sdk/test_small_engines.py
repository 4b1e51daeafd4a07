"""Engines that know few gates pass the kit when they are honest, and fail it when they are not."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from msgspec.structs import replace

from qmk.ir.program import Program
from qmk.sdk import discovery
from qmk.sdk.engine import Declaration, Plan
from qmk.sdk.kit import engine_kit
from qmk.sdk.kit.subject import Subject
from qmk.worker.runner import Runner

PAGE = Path(__file__).resolve().parents[3] / "docs" / "howto" / "write-an-engine.md"


@pytest.fixture
def flip(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The engine of the page: X gates and final measurements."""
    block = re.search(r"^```python file=flip_engine\.py\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert block is not None
    module = ModuleType("flip_engine")
    monkeypatch.setitem(sys.modules, "flip_engine", module)
    exec(compile(block[1], "flip_engine.py", "exec"), module.__dict__)
    return module


def test_the_smallest_honest_engine_passes(flip: ModuleType) -> None:
    report = engine_kit.run(flip.DECLARATION)
    assert report.ok, report.text()
    assert re.fullmatch(r"flip: \d+ passed, 0 failed, \d+ not applicable", report.text())
    ran = {row.name for row in report.rows if not row.skipped}
    assert {"order of bits", "random Clifford static partial program 1", "many shots", "plan pickles"} <= ran
    assert sum(not row.skipped for row in report.rows) > 40


@pytest.mark.parametrize(
    ("fault", "found_by"),
    [
        ("drops gates", "refuses gates that it does not declare"),
        ("never flips", "order of bits"),
        ("drops conditions", "refuses a condition on a Pauli gate"),
    ],
)
def test_a_small_engine_that_is_not_honest_fails(flip: ModuleType, fault: str, found_by: str) -> None:
    class Broken(flip.FlipEngine):
        def prepare(self, program: Program, method: str) -> Plan:
            items = program.instructions
            if fault == "drops gates":
                items = tuple(item for item in items if getattr(item, "name", "x") in ("x", "no_such_gate"))
            if fault == "never flips":
                items = tuple(item for item in items if getattr(item, "name", "") != "x")
            if fault == "drops conditions":
                items = tuple(replace(item, cond=None) if getattr(item, "cond", None) else item for item in items)
            return super().prepare(replace(program, instructions=items), method)

    flip.Broken = Broken  # pyright: ignore[reportAttributeAccessIssue]
    report = engine_kit.run(replace(flip.DECLARATION, load="flip_engine:Broken"), programs=2)
    assert found_by in {row.name for row in report.failures}


def test_an_engine_that_cannot_claim_its_gates_is_told(flip: ModuleType) -> None:
    """A gate that is declared and refused is a failure, not a check that does not apply."""
    can = replace(flip.DECLARATION.methods[""], gates=frozenset({"x", "h"}))
    report = engine_kit.run(replace(flip.DECLARATION, methods={"": can}), programs=2)
    assert {"other seed, other bits", "shape and type of samples"} <= {row.name for row in report.failures}


def methods() -> list[tuple[Declaration, str]]:
    shipped = [found for found in discovery.engines().values() if discovery.available(found).ok and not found.python[0]]
    return [(found, method) for found in shipped for method, can in found.methods.items() if "h" in can.gates]


@pytest.mark.parametrize(("declaration", "method"), methods(), ids=lambda value: getattr(value, "name", value))
def test_no_check_is_left_out_of_an_engine_that_has_enough_gates(declaration: Declaration, method: str) -> None:
    assert Subject(Runner(declaration), method, 1).is_complete
