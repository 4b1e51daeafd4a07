"""``qmk run --isolation``: the local worker at a level, refused with the reason where it cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.host.isolation.drivers.microvm.image import VARIABLE
from qmk.sdk.kit.builder import Builder

GRAPH = Builder(2).op("h", 0).op("cnot", 0, 1).measure_all().graph()
ENGINES = Path(__file__).resolve().parents[1] / "engines"


def test_a_local_run_has_the_bits_of_any_other_at_each_level_and_says_at_which_it_was() -> None:
    found = {}
    for level in ("process", "jail", "auto"):
        with qmk.Embedded(isolation=level) as kernel:
            found[level] = kernel.run(GRAPH, shots=200, seed=3)
    assert {level: result.provenance.isolation for level, result in found.items()} == {
        "process": "process", "jail": "jail", "auto": "jail",
    }  # fmt: skip
    assert len({str(result.counts) for result in found.values()}) == 1
    assert found["jail"].counts == qmk.run(GRAPH, shots=200, seed=3).counts


def test_a_level_that_cannot_be_had_is_refused_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with (
        qmk.Embedded(isolation="microvm") as kernel,
        pytest.raises(QmkError, match="'microvm' is not available here: ") as told,
    ):
        kernel.run(GRAPH, shots=1)
    assert told.value.fields["help"]
    with pytest.raises(QmkError, match="no level of isolation is named 'bunker'"):
        qmk.Embedded(isolation="bunker")
