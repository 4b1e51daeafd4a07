"""Decisions as pure functions of profiles, and their replay."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from qmk.adapting import Considered, Decision, Policy, Profile, Variant, choose, replay
from qmk.adapting.backlog import MOST_CYCLES, Backlog
from qmk.base.errors import QmkError

D3, D5, D7 = (Variant("surface", d) for d in (3, 5, 7))


def considered(**more: object) -> tuple[Considered, ...]:
    rows = {
        D3: Profile(success=0.5, rounds=100, qubits=100),
        D5: Profile(success=0.9, rounds=150, qubits=300),
        D7: Profile(success=0.99, rounds=200, qubits=600, load=0.9),
    }
    return tuple(Considered(variant, msgspec.structs.replace(row, **more)) for variant, row in rows.items())


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        (Policy(), D5),  # 200, 166.7, and too much for the decoder
        (Policy(most_load=1.0, objective="error"), D7),
        (Policy(objective="time"), D3),
        (Policy(objective="time", target_error=0.2), D5),
        (Policy(objective="qubits", target_error=0.02, most_load=1.0), D7),
        (Policy(most_qubits=200), D3),
    ],
)
def test_the_objective_decides_within_the_target_and_the_bounds(policy: Policy, wanted: Variant) -> None:
    assert choose(considered(), None, policy)[0] == wanted


def test_a_change_has_to_gain() -> None:
    rows = considered()
    close = (rows[0], Considered(D5, Profile(success=0.9, rounds=178, qubits=300)))
    assert choose(close, D3, Policy())[0] == D3  # 200 against 197.8: one per cent
    assert choose(close, D3, Policy(gain=0.0))[0] == D5
    assert choose(close, D3, Policy(target_error=0.2))[0] == D5  # the target is worth any time


def test_an_overloaded_variant_is_left_for_one_that_relieves_the_decoder() -> None:
    rows = (
        Considered(D7, Profile(success=0.5, rounds=200, qubits=600, load=1.5)),
        Considered(D5, Profile(success=0.6, rounds=150, qubits=300, load=1.1)),
        Considered(D3, Profile(success=0.9, rounds=100, qubits=100, load=1.6)),
    )
    assert choose(rows, D7, Policy())[0] == D5


def test_what_cannot_run_says_why() -> None:
    rows = (Considered(D3, why="the table has no rows"),)
    with pytest.raises(QmkError, match="the table has no rows"):
        choose(rows, None, Policy())
    assert choose(rows, D3, Policy()) == (D3, "nothing that is known could run instead")


def test_a_decision_is_replayed_and_a_changed_one_is_found() -> None:
    chosen, reason = choose(considered(), D3, Policy())
    made = Decision(
        at_round=3, epoch=1, events=("drift",), now=D3, considered=considered(), chosen=chosen, reason=reason
    )
    again = msgspec.json.decode(msgspec.json.encode(made), type=Decision)
    assert again == made
    replay(again, Policy())
    with pytest.raises(QmkError, match="the policy chooses"):
        replay(msgspec.structs.replace(again, chosen=D7), Policy())
    with pytest.raises(QmkError, match="the policy chooses"):
        replay(again, Policy(objective="time"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"distances": [4]}', "even distance"),
        ('{"rules": [{"on": "drift", "actions": ["distance"]}, {"on": "drift", "actions": ["t"]}]}', "two rules"),
        ('{"rules": [{"on": "drift", "actions": ["fly"]}]}', "fly"),
        ('{"target": 1}', "target"),
        ('{"gain": 1}', "gain"),
        ("{", "policy"),
    ],
)
def test_a_policy_that_cannot_be_read_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(QmkError, match=said):
        Policy.from_json(text)


def test_a_backlog_is_that_of_a_queue_round_by_round() -> None:
    for load, behind in ((0.5, 30.0), (1.0, 7.0), (1.25, 0.0)):
        made, queue = Backlog(load, 4.0, behind), behind
        for round_ in range(1, 101):
            queue = max(0.0, queue + load - 1)
            assert made.behind(round_) == pytest.approx(queue)
        assert made.after(60).behind(40) == pytest.approx(made.behind(100))
        assert made.wait_cycles(20, 5) == -(-(made.behind(100) + 4) // 5)


def test_a_chain_that_waits_for_an_overloaded_decoder_waits_longer_each_time_by_the_load() -> None:
    made, time, waits = Backlog(1.2), 100.0, []
    for _ in range(8):
        waits.append(made.behind(time))
        time += waits[-1]
    assert all(b / a == pytest.approx(1.2) for a, b in itertools.pairwise(waits))
    assert Backlog(1e9).wait_cycles(1000, 3) == MOST_CYCLES
