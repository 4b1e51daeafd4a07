"""A saved state of format 1, one of each way of running, still loads and goes on to the bits it went on to then.

A state is bound to the library that computed it; here the engine is given that library's version number, since what is
frozen is our format and the walk, not stim or Aer. A new format gets new files; these stay.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from qmk.engines.aer.engine import AerEngine
from qmk.engines.reference.engine import ReferenceEngine
from qmk.engines.stabilizer.engine import StabilizerEngine
from qmk.frontends import load
from qmk.ir.lower import lower
from qmk.qvm.graph import digest
from qmk.sdk.engine import Unsupported
from qmk.worker.runner import Runner

FOLDER = Path(__file__).parents[2] / "golden" / "checkpoints"
FROZEN = sorted(FOLDER.glob("*-1.json"))
ENGINES = {"reference": ReferenceEngine, "stabilizer": StabilizerEngine, "aer": AerEngine}


def plan_of(facts: dict[str, Any]) -> Any:
    graph = load((FOLDER / facts["program"]).read_bytes(), path=facts["program"]).graph
    can = Runner(facts["engine"]).capabilities(facts["method"])
    program = lower(graph, can.gates, clifford=can.clifford, inline_logic=not can.logic, digest=digest(graph))
    engine = ENGINES[facts["engine"]]()
    engine.version = facts["version"]
    return engine.prepare(program, facts["method"])


def test_there_is_a_frozen_state_of_each_way_of_running() -> None:
    assert [path.stem for path in FROZEN] == ["aer-1", "frames-1", "reference-1", "tableaus-1"]


@pytest.mark.parametrize("path", FROZEN, ids=lambda path: path.stem)
def test_a_frozen_state_goes_on_to_the_same_bits(path: Path) -> None:
    facts = json.loads(path.read_text())
    plan, state = plan_of(facts), path.with_suffix(".state").read_bytes()
    execution = plan.resume(state)
    assert (execution.shots, execution.seed, execution.epoch) == (facts["shots"], facts["seed"], facts["epoch"])
    assert execution.save() == state
    while execution.advance():
        pass
    assert hashlib.sha256(execution.samples().bits.tobytes()).hexdigest() == facts["bits_sha256"]
    whole = plan.run(facts["shots"], facts["seed"])
    assert hashlib.sha256(whole.bits.tobytes()).hexdigest() == facts["bits_sha256"]


def test_a_state_of_another_version_of_the_library_is_refused() -> None:
    facts = json.loads(FROZEN[0].read_text())
    with pytest.raises(Unsupported, match=f"of library version '{facts['version']}', not of '99'"):
        plan_of({**facts, "version": "99"}).resume(FROZEN[0].with_suffix(".state").read_bytes())
