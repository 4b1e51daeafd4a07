"""The verifier accepts a small graph exactly if it can be run, and says of any other what is wrong with its first node
that cannot; what it accepts gives one distribution in every order that a scheduler may choose."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest

from qmk.qvm.verify import events, linearity, structure, types
from tests.exhaustive.graph_checks import SMALL, Count, check_all, check_graph
from tests.exhaustive.graphs import SOUND, UNSOUND, letter, words

COUNTS = {
    "two nodes, all letters": Count(1_722, 34, 43),
    "three nodes": Count(13_824, 281, 581),
    "four nodes behind an ALLOC": Count(10_000, 676, 1_818),
}


@pytest.mark.parametrize("name", SMALL)
def test_the_verifier_and_the_machine_agree_on_all_small_graphs(name: str) -> None:
    assert check_all(SMALL[name]()) == COUNTS[name]


BEHIND = ((), ("alloc a b",), ("alloc a b", "mz a >x"), ("alloc a b", "mz b >y"))


def test_letters_are_what_they_are_said_to_be() -> None:
    """Each letter that some graph may use is the last of an accepted one, and no other is."""

    def last_of_some(text: str) -> bool:
        return any(check_graph([letter(each) for each in (*before, text)]).accepted for before in BEHIND)

    assert [text for text in SOUND if not last_of_some(text)] == []
    assert [text for text in UNSOUND if last_of_some(text)] == []


def a_freed_qubit_may_be_used(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(linearity, "AFTER_FREE", linearity.LEAKED)


def a_qubit_may_be_allocated_twice(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(linearity, "MEASURED", linearity.LIVE + 1)


def repeated_operands_are_fine(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(linearity, "_report_repeats", lambda state, node, handles: None)


def late_reads_are_fine(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(events, "_read", lambda state, node, event: None)


def no_ring_is_seen(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(events, "_rings", lambda state: {})


def events_may_be_written_twice(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        events, "write", lambda state, node, op: state.writers.update(dict.fromkeys(node.produces, state.index))
    )


def guards_are_allowed_everywhere(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(linearity, "_UNGUARDABLE", ())


def any_number_of_operands_is_fine(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(types, "check_operands", lambda state, node, op: True)


def undeclared_handles_are_fine(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(structure, "check_operands", lambda state, node: None)


def dead_qubits_may_be_used(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(linearity, "_use", lambda state, node, op: None)


def every_measurement_is_plain(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sys.modules["qmk.qvm.verify.walk"], "_plain_read", lambda state, node: True)


@pytest.mark.parametrize(
    "fault",
    [
        a_freed_qubit_may_be_used,
        a_qubit_may_be_allocated_twice,
        repeated_operands_are_fine,
        late_reads_are_fine,
        no_ring_is_seen,
        events_may_be_written_twice,
        guards_are_allowed_everywhere,
        any_number_of_operands_is_fine,
        undeclared_handles_are_fine,
        dead_qubits_may_be_used,
        every_measurement_is_plain,
    ],
)
def test_a_fault_in_the_verifier_is_found(
    fault: Callable[[pytest.MonkeyPatch], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    with pytest.raises(AssertionError):
        check_all(chain(SMALL["two nodes, all letters"](), words(("alloc a", "free a", "h a", "x a"), 3)))
