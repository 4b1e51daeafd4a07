"""What a refusal shows of a value, and fields that take the types of their declarations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qmk.base.errors import QmkError
from qmk.frontends import load
from qmk.models import files
from qmk.models.arguments import show, to_plain
from qmk.models.noise import Depolarize, GateRule, NoiseModel

ROOT = Path(__file__).resolve().parents[3]


def test_values_that_cannot_be_printed_are_called_that() -> None:
    assert show(10**5000) == "a number of very many digits"


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), ("a", "'a'"), ("\x1b[2J", "'\\x1b[2J'"),
     ("a" * 200, "'" + "a" * 79 + "..."), (np.int64(3), "np.int64(3)")],
)  # fmt: skip
def test_a_value_is_shown_in_a_few_printable_characters(value: Any, text: str) -> None:
    assert show(value) == text


def test_numbers_of_numpy_become_those_of_python() -> None:
    found = to_plain({"a": [np.float32(0.5), (np.int64(2),)], "b": np.array([1, 2])})
    assert found == {"a": [0.5, [2]], "b": [1, 2]}
    assert type(found["a"][0]) is float


def test_a_model_of_lists_and_numbers_of_numpy_is_that_of_tuples_and_floats() -> None:
    half: Any = np.float32(0.5)
    errors: Any = [Depolarize(half)]
    given: Any = [GateRule(errors)]
    model = NoiseModel(gates=given, durations={"1q": np.float64(1e-6)})
    assert model == NoiseModel(gates=(GateRule((Depolarize(0.5),)),), durations={"1q": 1e-6})
    assert model.hash == NoiseModel(gates=(GateRule((Depolarize(0.5),)),), durations={"1q": 1e-6}).hash


def test_a_field_of_a_wrong_type_is_named() -> None:
    wrong: Any = "much"
    with pytest.raises(QmkError, match=r"noise model: p is 'much' \(str\)"):
        Depolarize(wrong)


@pytest.mark.parametrize("path", [0, True, None, 3.5])
def test_a_number_is_not_the_path_of_a_file(path: Any) -> None:
    with pytest.raises(QmkError, match="is not the path of a file"):
        files.read(path)


def test_a_number_of_hundreds_of_digits_in_a_description_of_hardware_is_a_finding() -> None:
    job = json.loads((ROOT / "tests/data/atoms/origin/cooldown_inserted.job.json").read_text())
    job["hardware"]["timing_limits"]["max_parallel_per_zone"] = 10**400
    with pytest.raises(QmkError) as caught:
        load(json.dumps(job).encode(), format="neutral-atom-vm")
    assert caught.value.kind.name == "INVALID_GRAPH"
