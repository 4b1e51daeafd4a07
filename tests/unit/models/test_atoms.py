"""Devices for atoms: every rule has a program that breaks it, and the graph of a program says what it means."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from qmk.base.errors import QmkError
from qmk.models.atoms import ATOM_RULES, AtomProgram, Drive, Field, check, profile, profiles, to_graph
from qmk.models.atoms.profile import Arrangement, Light, Local, Profile
from qmk.qvm.verify import verify

AQUILA = profile("aquila")
RAMP = Field((0.0, 0.5, 1.5, 2.0), (0.0, 10.0, 10.0, 0.0))
SWEEP = Field((0.0, 2.0), (-20.0, 20.0))
STILL = Field((0.0, 2.0), (0.0, 0.0))
LOCAL = Field((0.0, 0.5, 1.5, 2.0), (0.0, 8.0, 8.0, 0.0))
LIT = Drive(RAMP, STILL, SWEEP)


def program(**changes: Any) -> AtomProgram:
    """Six sites in two rows, a ramp and a sweep, one local detuning: within Aquila's bounds."""
    sound: dict[str, Any] = {
        "sites": tuple((6.0 * (k % 3), 6.0 * (k // 3)) for k in range(6)),
        "filling": (True, True, False, True, True, True),
        "drives": (LIT, Drive(detuning=LOCAL, pattern=(0.0, 1.0, 0.5, 0.0, 0.0, 1.0))),
        "duration": 2.0,
        "c6": 5_420_000.0,
        "phase_sign": -1,
        "shots": 100,
    }
    return AtomProgram(**{**sound, **changes})


def lit(**changes: Any) -> tuple[Drive, ...]:
    return (msgspec.structs.replace(LIT, **changes),)


def local(field: Field = LOCAL, pattern: tuple[float, ...] = (0.0, 1.0, 0.0, 0.0, 0.0, 0.0)) -> tuple[Drive, ...]:
    return (LIT, Drive(detuning=field, pattern=pattern))


def longer(duration: float) -> dict[str, Any]:
    still = Field((0.0, duration), (0.0, 0.0))
    return {"duration": duration, "drives": (Drive(still, still, still),)}


def wide(count: int) -> dict[str, Any]:
    """Sites on a square grid that fits the region."""
    return {
        "sites": tuple((4.0 * (k % 18), 4.0 * (k // 18)) for k in range(count)),
        "filling": (True,) * count,
        "drives": (LIT,),
    }


BREAKING: dict[str, dict[str, Any]] = {
    "ATOM-01": wide(257),
    "ATOM-02": {"sites": tuple((15.5 * k, 0.0) for k in range(6))},
    "ATOM-03": {"sites": tuple((3.0 * k, 0.0) for k in range(6)), "drives": (LIT,)},
    "ATOM-04": {"sites": tuple((6.0 * k, 2.0 * (k % 2)) for k in range(6))},
    "ATOM-05": {"sites": tuple((6.0 * k + (0.003 if k == 4 else 0.0), 0.0) for k in range(6))},
    "ATOM-06": longer(4.5),
    "ATOM-07": longer(1.2345),
    "ATOM-08": {"drives": lit(detuning=Field((0.0, 0.04, 2.0), (-20.0, -20.0, 20.0)))},
    "ATOM-09": {"drives": lit(amplitude=Field((0.0, 0.5, 1.5, 2.0), (0.0, 16.0, 16.0, 0.0)))},
    "ATOM-10": {"drives": lit(amplitude=Field((0.0, 0.05, 1.95, 2.0), (0.0, 15.0, 15.0, 0.0)))},
    "ATOM-11": {"drives": lit(amplitude=Field((0.0, 2.0), (10.0, 10.0)))},
    "ATOM-12": {"drives": lit(detuning=Field((0.0, 2.0), (-126.0, 20.0)))},
    "ATOM-13": {"drives": lit(detuning=Field((0.0, 1.0, 1.05, 2.0), (-120.0, -120.0, 120.0, 120.0)))},
    "ATOM-14": {"drives": lit(phase=Field((0.0, 2.0), (0.0, 100.0)))},
    "ATOM-15": {"drives": lit(amplitude=Field((0.0, 0.5, 1.5, 2.0), (0.0, 10.0001, 10.0001, 0.0)))},
    "ATOM-16": {"drives": (LIT, LIT)},
    "ATOM-17": {"drives": local(Field((0.0, 0.5, 1.5, 2.0), (0.0, 126.0, 126.0, 0.0)))},
    "ATOM-18": {"drives": local(Field((0.0, 0.05, 1.95, 2.0), (0.0, 70.0, 70.0, 0.0)))},
    "ATOM-19": {"drives": local(pattern=(0.0, 1.5, 0.0, 0.0, 0.0, 0.0))},
    "ATOM-20": {
        "sites": tuple((4.5 * k, 0.0) for k in range(6)),
        "drives": local(pattern=(1.0, 1.0, 0.0, 0.0, 0.0, 0.0)),
    },
    "ATOM-21": {"shots": 1001},
    "ATOM-22": longer(0.004),
}
SLOWER = msgspec.structs.replace(
    AQUILA,
    amplitude=msgspec.structs.replace(AQUILA.amplitude, slew=250.0),
    detuning=msgspec.structs.replace(AQUILA.detuning, slew=2500.0),
)
"""as the capability file 0.6 has it: with the rates of the newer one no two values in range, as far apart in time as
they must be, change too fast"""

PATIENT = msgspec.structs.replace(AQUILA, least_duration=0.016, interval=0.0)


def test_every_rule_has_a_program_that_breaks_it() -> None:
    assert sorted(BREAKING) == sorted(ATOM_RULES)[:22]  # those of programs of gates: test_atom_devices


@pytest.mark.parametrize("rule", sorted(BREAKING))
def test_a_program_breaks_this_rule_and_no_other(rule: str) -> None:
    device = {"ATOM-10": SLOWER, "ATOM-13": SLOWER, "ATOM-22": PATIENT}.get(rule, AQUILA)
    assert not check(program(), device)
    found = check(program(**BREAKING[rule]), device)
    assert {row.rule for row in found} == {rule}
    assert all(row.message and row.help == ATOM_RULES[rule].help for row in found)


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("ATOM-12", {"drives": lit(detuning=Field((0.0, 2.0), (-20.0, 126.0)))}),
        ("ATOM-16", {"drives": (*local(), *local()[1:])}),
        ("ATOM-16", {"drives": lit(pattern=(1.0,) * 6, detuning=None)}),
        ("ATOM-17", {"drives": local(Field((0.0, 2.0), (8.0, 0.0)))}),
        ("ATOM-21", {"shots": 0}),
    ],
)
def test_other_ways_to_break_a_rule(rule: str, changes: dict[str, Any]) -> None:
    assert rule in {row.rule for row in check(program(**changes), AQUILA)}


def test_all_findings_come_in_one_answer() -> None:
    broken = program(**BREAKING["ATOM-09"], shots=5000, sites=BREAKING["ATOM-02"]["sites"])
    assert [row.rule for row in check(broken, AQUILA)] == ["ATOM-02", "ATOM-09", "ATOM-21"]


def test_the_ideal_device_takes_all_but_two_atoms_at_one_place() -> None:
    ideal = profile("ideal")
    for rule, changes in BREAKING.items():
        assert not check(program(**changes), ideal), rule
    together = check(program(sites=((0.0, 0.0),) * 6), ideal)
    assert [row.rule for row in together] == ["ATOM-03"]


def test_a_device_of_ones_own_is_a_profile() -> None:
    small = Profile(
        name="small",
        doc="two sites",
        sources=("made up",),
        arrangement=Arrangement(sites=2),
        drives=1,
        amplitude=Light(0.0, 1.0),
        local=None,
        shots=(10, 20),
    )
    assert [row.rule for row in check(program(), small)] == ["ATOM-01", "ATOM-09", "ATOM-16", "ATOM-21"]
    assert check(program(), msgspec.structs.replace(small, local=Local(spacing=50.0)), shots=15)[-1].rule == "ATOM-20"


def test_profiles_say_where_their_numbers_come_from() -> None:
    for name, found in profiles().items():
        assert found.name == name
        assert found.doc
        assert found.sources
    assert (AQUILA.arrangement.sites, AQUILA.duration, AQUILA.amplitude.high, AQUILA.shots) == (
        256,
        4.0,
        15.8,
        (1, 1000),
    )
    with pytest.raises(QmkError, match="aquila, benchmark_chain, ideal, "):
        profile("nonsense")


def test_a_graph_holds_the_atoms_that_are_there_in_one_convention() -> None:
    plus = program(phase_sign=1, drives=(Drive(RAMP, Field((0.0, 2.0), (0.5, 0.5)), SWEEP), *program().drives[1:]))
    graph = to_graph(plus, "a test")
    assert verify(graph).ok
    evolve = next(node for node in graph.nodes if node.op == "analog.rydberg")
    assert evolve.vqs == ("a0", "a1", "a3", "a4", "a5")
    assert evolve.args["positions"] == [[0.0, 0.0], [6.0, 0.0], [0.0, 6.0], [6.0, 6.0], [12.0, 6.0]]
    assert evolve.args["drives"][0]["phase"]["values"] == [-0.5, -0.5]
    assert evolve.args["drives"][1] == {
        "detuning": {"times": list(LOCAL.times), "values": list(LOCAL.values)},
        "pattern": [0.0, 1.0, 0.0, 0.0, 1.0],
    }
    assert graph.outputs is not None
    assert graph.outputs[1].bits == ("post0", "post1", None, "post3", "post4", "post5")
    assert graph.metadata["atoms"]["filling"] == [1, 1, 0, 1, 1, 1]
    assert graph.shots == 100
