"""Programs at the logical level: against physical circuits, metamorphic laws, and the machine behind ``--qec``."""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
from typing import Literal

import msgspec
import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.ir.labels import labels
from qmk.models.noise import resolve
from qmk.models.qec import magic
from qmk.models.qec.logical import Failures, Machine, Report, as_dict, failures, lower, on_machine, run
from qmk.models.qec.logical.costs import CYCLES, gate
from qmk.models.qec.surgery import (
    Basis,
    Floor,
    Idle,
    Inject,
    Measure,
    Merge,
    Patch,
    Prepare,
    Program,
    circuit,
    programs,
)
from qmk.models.qec.tables import Channels, Point, Row, Table, channels, default
from qmk.models.qec.tables.angles import probability
from qmk.models.qec.tables.measure import count
from qmk.qvm.graph import Graph, digest
from qmk.request.build import build
from qmk.request.options import RunOptions
from qmk.request.program import to_graph

TABLE = default()
KNOWN = channels(TABLE, "surface", 3, "p=2e-3")
SHOTS = 200_000
HEAD = 'OPENQASM 3.0; include "stdgates.inc"; qubit[3] q; bit[3] c;\n'
GHZ = HEAD + "h q[0]; cx q[0], q[1]; cx q[1], q[2]; c = measure q;"


@pytest.mark.parametrize("program", [programs.bell("X"), programs.cnot("Z", "Z"), programs.teleportation("Z")])
def test_failures_are_those_of_the_physical_circuit(program):
    """At distance 3, programs that the table has not seen: within 15 % and 7 standard deviations."""
    fast = failures(program, KNOWN, shots=SHOTS, seed=1).per_shot
    errors, shots = count(circuit(program, 3, "p=2e-3"), "matching", 60_000, None, 2)
    slow = sum(errors.values()) / shots
    assert abs(fast / slow - 1) < 0.15 + 7 * math.sqrt(1 / sum(errors.values()) + 1 / (fast * SHOTS))


def test_without_errors_nothing_fails():
    for program in programs.held_out():
        assert failures(program, KNOWN.scale(0.0), shots=64, seed=3).failed == 0


def patch(*cycles: int) -> Program:
    idles = (Idle("a", each) for each in cycles)
    ops = (Prepare("a", "Z"), *idles, Measure("a", "Z", "m"))
    return Program("waits", Floor(1, 1, {"a": Patch(0, 0)}), ops)


def rate(program: Program, known: Channels = KNOWN) -> float:
    return failures(program, known, shots=SHOTS, seed=5).per_shot


def close(one: float, other: float) -> bool:
    """Within 7 standard deviations of two counted rates: a false alarm in 1e11."""
    return abs(one - other) < 7 * math.sqrt((one + other) / SHOTS)


def test_waiting_in_two_parts_is_waiting():
    assert close(rate(patch(6)), rate(patch(1, 2, 3)))
    assert rate(patch(12)) > 1.6 * rate(patch(6))


def joined(first: str, second: str, basis: Basis) -> Program:
    floor = Floor(2, 1, {first: Patch(0, 0), second: Patch(1, 0)})
    if basis == "X":
        floor = Floor(1, 2, {first: Patch(0, 0), second: Patch(0, 1)})
    ops = (
        Prepare(first, basis),
        Prepare(second, basis),
        Idle(first),
        Idle(second),
        Merge({first: basis, second: basis}, "p"),
        Measure(first, basis, "m1"),
        Measure(second, basis, "m2"),
    )
    return Program("joined", floor, ops)


def test_names_of_patches_say_nothing_and_x_mirrors_z():
    assert close(rate(joined("a", "b", "Z")), rate(joined("b", "a", "Z")))

    def swapped(rates: dict) -> dict:
        return {"X": rates["Z"], "Z": rates["X"]}

    mirrored = dataclasses.replace(
        KNOWN,
        **{name: swapped(getattr(KNOWN, name)) for name in ("cycle", "ends", "inject", "merge", "tile", "away")},
    )
    assert close(rate(joined("a", "b", "X"), mirrored), rate(joined("a", "b", "Z")))


def test_readout_errs_less_at_a_larger_distance():
    rates = [rate(patch(1), channels(TABLE, "surface", d, "p=1e-3")) for d in (3, 5)]
    assert rates[0] > 4 * rates[1] > 0


def test_no_certain_parity_no_failure_to_count():
    """Not zero failures: nothing could have shown one."""
    floor = Floor(1, 1, {"a": Patch(0, 0)})
    coin = Program("coin", floor, (Prepare("a", "Z"), Idle("a"), Measure("a", "X", "m")))
    with pytest.raises(QmkError, match="no parity of the outcomes of 'coin' is certain"):
        failures(coin, KNOWN, shots=100, seed=1)
    with pytest.raises(QmkError, match="0 shots"):
        failures(patch(1), KNOWN, shots=0, seed=1)


def test_any_seed_names_its_shots():
    for seed in (-1, 0, 2**64):
        one, again = (failures(patch(6), KNOWN, shots=20_000, seed=seed) for _ in "ab")
        assert one == again
    assert failures(patch(6), KNOWN, shots=20_000, seed=0) != failures(patch(6), KNOWN, shots=20_000, seed=1)


def test_seeds_a_batch_apart_share_no_shots(monkeypatch):
    """Batches of a run are streams of their own: none is the first batch of the run of a later seed."""
    drawn: list[int] = []
    monkeypatch.setattr(run, "BATCH", 100)
    monkeypatch.setattr(run, "sample", lambda _, shots, seed: drawn.append(seed) or np.zeros((shots, 1), np.uint8))
    for seed in (0, 100):
        failures(patch(1), KNOWN, shots=300, seed=seed)
    assert len(set(drawn)) == 6


def test_one_operation_used_twice_is_two():
    """An operation is its place in the program, not the object that stands there."""
    plus, wait = Prepare("a", "X"), Idle("a")
    ops = (
        plus,
        Prepare("b", "X"),
        wait,
        wait,
        Merge({"a": "Z", "b": "Z"}, "k"),
        Measure("a", "X", "m"),
        Idle("b", 2),
        plus,
        Merge({"a": "Z", "b": "Z"}, "l"),
        Measure("a", "Z", "n"),
        Measure("b", "Z", "o"),
    )
    shared = Program("shared", Floor(2, 1, {"a": Patch(0, 0), "b": Patch(1, 0)}), ops)
    assert lower(shared, KNOWN) == lower(Program.from_json(shared.to_json()), KNOWN)


def test_an_injected_t_is_refused():
    def injected(state: Literal["T", "+", "0"]) -> Program:
        return Program("injected", Floor(1, 1, {"a": Patch(0, 0)}), (Inject("a", state), Measure("a", "X", "m")))

    with pytest.raises(QmkError, match="injects T"):
        lower(injected("T"), KNOWN)
    assert failures(injected("+"), KNOWN, shots=1000, seed=1).failed > 0
    with pytest.raises(QmkError, match="no rows of them at distance 3"):
        lower(injected("+"), dataclasses.replace(KNOWN, inject=None))


def test_many_outcomes_are_drawn_in_smaller_batches(monkeypatch):
    monkeypatch.setattr(run, "BATCH_BYTES", 1000)
    sizes: list[int] = []
    monkeypatch.setattr(run, "sample", lambda _, shots, seed: sizes.append(shots) or np.zeros((shots, 5), np.uint8))
    failures(programs.ghz("Z"), KNOWN, shots=450, seed=1)
    assert sizes == [200, 200, 50]


def test_a_run_says_its_tier_table_and_error_bars():
    result = qmk.run(GHZ, qec="surface(d=3)", noise="p=1e-3", shots=20_000, seed=4)
    told = result.provenance.notes["logical"]
    low, high = told["interval_per_shot"]
    assert told["tier"] == "logical"
    assert told["table"] == TABLE.label
    assert low < told["logical_error_per_shot"] < high
    assert told["physical_qubits"] == 12 * 17
    assert told["rounds"] == 3 * told["cycles"]
    wrong = 1 - (result.counts["000"] + result.counts["111"]) / 20_000
    assert 0.2 < wrong / told["logical_error_per_shot"] < 1  # phase flips are not seen
    assert any("tier logical" in line for line in result.provenance.notes["qec"])


def test_errors_are_in_the_graph():
    plain = to_graph(GHZ)
    noisy, again = (build(GHZ, RunOptions(qec="surface(d=3)", noise="p=1e-3")).graph for _ in "ab")
    assert any(node.op.startswith("noise.") for node in noisy.nodes)
    assert noisy == again
    assert noisy != plain
    assert noisy.outputs == plain.outputs


def test_two_machines_give_two_digests():
    """A cached result tells the report of its own machine; here both have the same ops."""
    one, other = (on_machine(f"surface(d=3){more}", "p=1e-3", to_graph(GHZ))[0] for more in ("", ",factories=2"))
    assert [node.op for node in one.nodes] == [node.op for node in other.nodes]
    assert digest(one) != digest(other)


def test_draws_that_say_nothing_are_counted_and_widen_the_interval():
    """At 1.5e-2 and distance 7, 0.478 of the shots fail: with fewer shots, half of them may."""
    known = TABLE.of("p=1.5e-2", "surface", "matching").rows
    thin = tuple(msgspec.structs.replace(row, shots=500, errors={"1": 239}) for row in known)
    _, report = on_machine("surface(d=7)", "p=1.5e-2", to_graph(GHZ), Table(thin))
    assert 0 < report.interval_draws_left_out < report.interval_draws
    assert report.interval_per_shot[1] == 1.0
    assert f"{report.interval_draws_left_out} of {report.interval_draws} draws say nothing" in report.lines()[2]
    _, fine = on_machine("surface(d=11)", "p=1e-3", to_graph(GHZ))
    assert fine.interval_draws_left_out == 0
    assert "draws" not in fine.lines()[2]


def test_the_interval_says_what_it_holds() -> None:
    """A table that has the distance gives the interval of its counts, any other one that of the model too."""
    bell = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;'
    for code, held in (("surface(d=5)", "counting alone"), ("surface(d=9)", "counting and scaling")):
        notes = qmk.run(bell, shots=5, qec=code, noise="p=1e-3").provenance.notes["qec"]
        assert f"with 95 %, {held})" in notes[2]


def test_rates_have_their_units_in_their_names():
    """Trap 1 of the design note: per shot, round, cycle, patch, gate, state or operation."""
    kinds = (Report, Failures, Row, Point, magic.Measured, magic.Scheduled)
    named = [name for kind in kinds for name in inspect.get_annotations(kind)]
    rates = [name for name in named if re.search("error|rate|interval_|limit|_low|_high|rounds|cycles", name)]
    counts = r"errors|rounds|cycles|.*_(rounds|cycles)|interval_draws.*"
    assert len(rates) > 12
    assert [name for name in rates if "per_" not in name and not re.fullmatch(counts, name)] == []


def test_t_gates_take_states():
    program = HEAD + "h q[0]; t q[0]; rz(-pi/4) q[0]; h q[0]; c[0] = measure q[0];"
    _, raw = on_machine("surface(d=5),t=injected", "p=1e-3", to_graph(program))
    _, pure = on_machine("surface(d=5)", "p=1e-3", to_graph(program))
    assert raw.t_gates == pure.t_gates == 2
    assert raw.t_error_per_gate > 4 * pure.t_error_per_gate
    result = qmk.run(program, qec="surface(d=5)", noise="p=1e-3", shots=4000, seed=2)
    assert result.counts["000"] > 3700


def chain(count: int, machine: str) -> Report:
    """T gates one after another, the first asked for when an H is done."""
    return on_machine(machine, "p=1e-3", to_graph(HEAD + "h q[0];" + "t q[0];" * count + "c[0] = measure q[0];"))[1]


def test_the_error_of_a_t_state_is_that_of_magics_factory():
    """Exactly: nothing of it is written twice."""
    rates = channels(TABLE, "surface", 5, "p=1e-3")
    raw, clifford = (probability(at["X"] + at["Z"]) for at in (rates.inject, rates.cycle))
    assert chain(1, "surface(d=5)").t_error_per_gate == magic.factory("15-to-1").output_error(raw, clifford)
    assert chain(1, "surface(d=5),t=injected").t_error_per_gate == raw


def test_t_gates_wait_for_their_factories():
    """As predicted within 10 %, with the one seed there is; a chain, so that nothing hides a wait."""
    free, *bound = (chain(400, f"surface(d=5){more}") for more in ("", ",factories=1", ",factories=2"))
    assert (free.stalled_cycles, free.t_attempts, free.factory_qubits) == (0, 0, 0)
    for report in bound:
        states = Machine.parse(f"surface(d=5),factories={report.factories}").states(
            channels(TABLE, "surface", 5, "p=1e-3"), resolve("p=1e-3")
        )
        built = states.supply().plant
        expected = magic.expected_stall(built, 400, CYCLES["t"] * 5) / 5
        assert abs(report.stalled_cycles / expected - 1) < 0.1
        assert report.cycles == free.cycles + report.stalled_cycles
        assert report.physical_qubits == free.physical_qubits + report.factories * 550
        assert report.logical_error_per_shot > free.logical_error_per_shot
    assert chain(400, f"surface(d=5),factories={2 * free.factories_to_keep_up}").stalled_cycles < 40


def test_a_reaction_bounds_the_rate_of_t_gates():
    at_once, slow = (chain(10, f"surface(d=5),factories=90,reaction={rounds}") for rounds in (0, 12))
    assert slow.cycles == at_once.cycles + 10 * 3 - (at_once.stalled_cycles - slow.stalled_cycles)
    assert (at_once.t_limit_per_cycle, slow.t_limit_per_cycle) == (1.0, 1 / (1 + 12 / 5))


def test_a_graph_says_nothing_of_its_machine_that_is_not_short_and_printable():
    made, report = on_machine("surface(d=3)", "p=1e-3", to_graph(GHZ))
    assert labels(made) == {"qec": report.lines(), "logical": as_dict(report)}
    own = made.metadata["qec"]
    for wrong in ({"lines": ["\x1b[2J"]}, {"lines": "text"}, {"report": {"tier": {}}}, {"report": {"a": ["b", "c"]}}):
        assert labels(labelled(made, {**own, **wrong})) == {}


@pytest.mark.parametrize("name", ["x" * 5000, "two\nlines", "\x1b[2J", ""])
def test_no_name_of_a_noise_model_costs_a_result_its_report(name):
    model = msgspec.structs.replace(resolve("p=1e-3"), name=name)
    made, report = on_machine("surface(d=3)", model, to_graph(GHZ))
    assert labels(made) == {"qec": report.lines(), "logical": as_dict(report)}


def labelled(graph: Graph, label: dict) -> Graph:
    return msgspec.structs.replace(graph, metadata={"qec": label})


@pytest.mark.parametrize(
    ("code", "noise", "body", "why"),
    [
        ("surface(d=5)", "p=1e-3", "rx(0.3) q[0];", "neither Clifford nor T"),
        ("surface(d=5)", "uniform=1e-3", "h q[0];", "has no rows"),
        ("surface(d=5)", None, "h q[0];", "without the noise"),
        ("surface(d=5),t=magic", "p=1e-3", "h q[0];", "is not a machine of logical qubits"),
        ("surface(d=5),t=injected,factories=2", "p=1e-3", "h q[0];", "is not a machine of logical qubits"),
        ("surface(d=5),factories=2,factories=3", "p=1e-3", "h q[0];", "is not a machine of logical qubits"),
        ("surface(d=3),factories=1", "p=2e-3", "t q[0];", "rejects every attempt"),
        ("surface(d=25)", "p=1e-3", "h q[0];", "no extrapolation"),
        ("bicycle(l=12,m=6)", "p=1e-3", "h q[0];", "logical qubits in a block"),
        ("bacon_shor(d=3)", "p=1e-3", "t q[0];", "no rows of injected states"),
        ("bacon_shor(d=3),factories=4", "p=1e-3", "h q[0];", "which factories need"),
        ("surface(d=5)" + " " * 100_000, "p=1e-3", "h q[0];", "is not a machine of logical qubits"),
    ],
)
def test_what_the_machine_refuses(code, noise, body, why):
    with pytest.raises(QmkError, match=why):
        build(HEAD + body, RunOptions(qec=code, noise=noise))


@pytest.mark.parametrize(
    "wrong", [{"t": "magic"}, {"factories": -1}, {"reaction": -1}, {"t": "injected", "factories": 1}]
)
def test_a_machine_that_is_not_parsed_is_checked_too(wrong):
    with pytest.raises(QmkError, match="a machine of t="):
        dataclasses.replace(Machine.parse("surface(d=5)"), **wrong)


def test_other_codes_run_by_volume():
    _, report = on_machine("bacon_shor(d=3)", "p=1e-3", to_graph(GHZ))
    assert "by their volume" in report.source
    low, high = report.interval_per_shot
    assert math.log(high / low) > 2 * 1.96 * 0.1 * 0.8  # the model's error, beside that of the counts
    assert Machine.parse("surface(d=7)").spec == "surface(d=7),t=distilled"
    assert (
        Machine.parse("surface(d=7), factories = 4,reaction=9").spec
        == "surface(d=7),t=distilled,factories=4,reaction=9"
    )


def test_waiting_qubits_and_guards_are_charged():
    plain, waiting = (
        on_machine("surface(d=5)", "p=1e-3", to_graph(HEAD + body))[1]
        for body in ("h q[0]; cx q[0], q[1];", "h q[0]; cx q[0], q[1]; h q[0]; h q[0]; cx q[0], q[1];")
    )
    assert waiting.cycles == plain.cycles + 2 * CYCLES["h"] + CYCLES["cnot"]
    cnot, h = (gate(KNOWN, name, 0.0).total() for name in ("cnot", "h"))
    assert cnot > 0
    assert h > 0
    _, guarded = on_machine(
        "surface(d=5)", "p=1e-3", to_graph(HEAD + "h q[0]; c[0] = measure q[0]; if (c[0] == 1) { x q[1]; h q[1]; }")
    )
    assert guarded.cycles == 2 * CYCLES["h"]
