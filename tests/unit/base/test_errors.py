"""Errors as data: there and back, and nothing in them that no codec carries."""

import pickle
import traceback

import msgspec
import pytest

from qmk.base.errors import KINDS, Finding, QmkError, invalid_graph


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_survives_the_wire(kind: str) -> None:
    error = QmkError(kind, "what happened", asked=3, names=["a"])
    again = QmkError.from_dict(msgspec.json.decode(msgspec.json.encode(error.to_dict())))
    assert (again.kind, again.message, again.fields) == (error.kind, error.message, error.fields)


def test_numbers_beyond_64_bits_become_floats_so_that_codecs_carry_them() -> None:
    error = QmkError(
        "RESOURCE_EXHAUSTED", "too large", needed_bytes=16 << 60, gaps=[{"bytes": 10**400}], low=-(1 << 63)
    )
    assert error.fields == {"needed_bytes": float(16 << 60), "gaps": [{"bytes": 1e300}], "low": -(1 << 63)}
    assert isinstance(error.fields["low"], int)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(error.fields)) == error.fields


def test_an_unknown_code_is_kept_as_a_field() -> None:
    error = QmkError.from_dict({"code": -1, "message": "?", "data": {"name": "X", "more": 1}})
    assert error.kind.name == "INTERNAL_ERROR"
    assert error.fields == {"more": 1, "unknown_code": -1}


def test_a_refusal_says_the_first_finding_and_how_many_more() -> None:
    findings = [
        Finding("QVM-X01", "doubtful", severity="warning"),
        Finding("QVM-X02", "wrong", "mend it", file="a.qasm", line=3, column=7),
        Finding("QVM-X03", "wrong too", node="n1"),
    ]
    error = invalid_graph(findings)
    assert error.message == "a.qasm:3:7: wrong [QVM-X02] -> mend it (and 1 more)"
    assert error.findings == findings


def test_an_occurrence_may_say_that_a_retry_is_of_no_use() -> None:
    error = QmkError("RESOURCE_EXHAUSTED", "60 qubits need 16384 PiB", retryable=False)
    assert error.to_dict()["data"]["retryable"] is False
    assert QmkError.from_dict(error.to_dict()).to_dict() == error.to_dict()
    assert QmkError("RESOURCE_EXHAUSTED", "busy").to_dict()["data"]["retryable"] is True


def test_a_traceback_shows_the_help() -> None:
    error = QmkError("INVALID_PARAMS", "shots is 0", help="give at least 1")
    assert "".join(traceback.format_exception_only(error)).endswith("QmkError: shots is 0\n-> give at least 1\n")
    assert pickle.loads(pickle.dumps(error)).__notes__ == error.__notes__
    assert not hasattr(QmkError("INVALID_PARAMS", "shots is 0"), "__notes__")
