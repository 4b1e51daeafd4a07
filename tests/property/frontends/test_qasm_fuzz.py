"""Any text at all: a graph that the verifier accepts, or findings with places. Never a traceback, never a hang."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qmk.base.errors import QmkError
from qmk.frontends import load
from qmk.frontends.openqasm.rules import RULES
from qmk.qvm.verify import verify

GOLDEN = Path(__file__).parents[2] / "golden" / "circuits"
SMALL = [path.read_text() for path in sorted(GOLDEN.glob("*.qasm")) if path.stat().st_size < 3000]
RULE_IDS = {f"QASM{d}-{rule.number:03d}" for rule in RULES for d in rule.dialects}

VOCABULARY = """
OPENQASM 2.0 3.0 3.1 include "qelib1.inc" "stdgates.inc" qreg creg qubit bit int uint float angle bool complex array
const input output let gate def return if else for in while switch case default break continue end reset measure
barrier delay box ctrl negctrl inv pow gphase U CX h x cx rz u3 ccx q c a b i $0 pi 0 1 2 -1 0.5 1e3 0b11 0b_ "01"
100ns 2im true false -> == != <= >= && || << >> ++ ** += = < > ! ~ & | ^ + - * / % ( ) [ ] { } ; , : @ . # // /* */
# \u03c0 \u00e9 pragma opaque cal extern sizeof sin sqrt popcount duration durationof
"""
WORDS = (*VOCABULARY.split(), "\n", "\0")


def refusal(data: bytes, format: str | None) -> QmkError | None:
    """The error that the program gives, after checking that a graph is one the verifier accepts."""
    try:
        graph = load(data, format=format).graph
    except QmkError as error:
        return error
    assert not verify(graph).errors
    return None


def check(text: str, format: str) -> None:
    error = refusal(text.encode("utf-8", "surrogatepass"), format)
    if error is not None:
        assert error.kind.name == "INVALID_GRAPH"
        if not text.strip():
            assert [found.rule for found in error.findings] == ["QMK-F02"]
            return
        for found in error.findings:
            assert found.rule in RULE_IDS
            assert found.message
            assert found.line >= 1
            assert found.column >= 1


FUZZ = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@FUZZ
@given(st.text(max_size=200), st.sampled_from(["qasm2", "qasm3"]))
def test_any_text(text, format):
    check(text, format)


@FUZZ
@given(st.lists(st.sampled_from(WORDS), max_size=60), st.sampled_from(["qasm2", "qasm3"]))
def test_any_words(words, format):
    check(" ".join(words), format)


@FUZZ
@given(st.lists(st.sampled_from(WORDS), max_size=25))
def test_any_words_after_declarations(words):
    check(
        'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; c = measure q; int a = 2; ' + " ".join(words),
        "qasm3",
    )


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes(data):
    for format in ("qasm2", "qasm3", None):
        error = refusal(data, format)
        assert error is None or error.kind.name in ("INVALID_GRAPH", "UNSUPPORTED")


TOKEN = re.compile(r"\s+|\w+|.", re.S)


def mutated(text: str, dice: random.Random) -> str:
    parts = TOKEN.findall(text)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(parts))
        match dice.randrange(4):
            case 0:
                del parts[at]
            case 1:
                parts[at] = dice.choice(WORDS)
            case 2:
                parts.insert(at, " " + dice.choice(WORDS) + " ")
            case _:
                other = dice.randrange(len(parts))
                parts[at], parts[other] = parts[other], parts[at]
    return "".join(parts)


@pytest.mark.parametrize("seed", range(150))
def test_damaged_programs(seed):
    dice = random.Random(seed)
    text = dice.choice(SMALL)
    check(mutated(text, dice), "qasm3" if "stdgates" in text else "qasm2")


@pytest.mark.parametrize("seed", range(25))
def test_truncated_programs(seed):
    dice = random.Random(seed)
    text = dice.choice(SMALL)
    check(text[: dice.randrange(len(text))], "qasm3" if "stdgates" in text else "qasm2")
