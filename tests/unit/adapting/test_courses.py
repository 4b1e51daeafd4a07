"""Profiles against the logical machine, and courses of scenarios."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

import qmk
from qmk.adapting import Module, Policy, ProfileCache, Scenario, Variant, World, replay
from qmk.adapting.course import run_course
from qmk.adapting.profiles import Past, write
from qmk.adapting.programs import Mirror
from qmk.adapting.report import compare
from qmk.base.errors import QmkError
from qmk.models.qec.logical import on_machine
from qmk.models.qec.logical.patches import end_of_epoch
from qmk.qvm.graph import Graph
from qmk.qvm.verify import verify
from qmk.request.build import build_remote
from qmk.request.logical import Drift
from qmk.request.options import RunOptions

SCENARIOS = Path(__file__).resolve().parents[3] / "benchmarks" / "scenarios"
CALM = World({"A": Module("p=1e-3")})


def load(name: str, **more: object) -> Scenario:
    return msgspec.structs.replace(Scenario.load(SCENARIOS / f"{name}.json"), **more)


def count_zeros(graph: Graph, shots: int, seed: int) -> int:
    counts = qmk.sample(graph, shots=shots, seed=seed).counts
    return sum(count for bits, count in counts.items() if "1" not in bits)


@pytest.mark.parametrize("seed", range(3))
def test_a_mirror_program_is_valid_and_gives_zeros(seed: int) -> None:
    graph = Mirror(4, 3, 2).graph(seed)
    assert not verify(graph).errors
    assert sum(node.op == "core.fence" for node in graph.nodes) == 5
    assert count_zeros(graph, 100, seed) == 100


@pytest.mark.parametrize(
    "variant",
    [
        Variant("surface", 5, place="A"),
        Variant("surface", 7, "cultivated3", 2, place="A"),
        Variant("surface", 5, "injected", place="A"),
    ],
)
def test_a_profile_is_what_the_machine_reports(variant: Variant) -> None:
    graph = Mirror(3, 2, 1).graph(1)
    written, report = on_machine(variant.machine, "p=1e-3", graph)
    found = write(graph, variant, CALM, Past())
    profile = found.profile(Past())
    assert profile.success == pytest.approx(1 - report.logical_error_per_shot, rel=1e-12)
    assert (profile.rounds, profile.qubits) == (report.rounds, report.physical_qubits)
    assert (profile.t_gates, profile.stalled) == (report.t_gates, report.stalled_cycles)
    assert [(node.op, node.args) for node in found.graph.nodes] == [(node.op, node.args) for node in written.nodes]


def test_profiles_are_kept_within_a_bound() -> None:
    graph, cache = Mirror(2, 1).graph(1), ProfileCache(size=2)
    variants = [Variant("surface", d, "injected", place="A") for d in (3, 5, 7)]
    first = [cache.profile(graph, variant, CALM, Past()) for variant in variants]
    assert (len(cache), cache.hits, cache.misses) == (2, 0, 3)
    assert cache.profile(graph, variants[2], CALM, Past()) == first[2]
    assert (cache.hits, cache.misses) == (1, 3)
    assert cache.profile(graph, variants[0], CALM, Past()) == first[0]
    assert (cache.hits, cache.misses) == (1, 4)
    other = World({"A": Module("p=3e-3")})
    assert cache.profile(graph, variants[0], other, Past()) != first[0]


def test_cultivated_states_need_a_noise_at_which_they_were_simulated() -> None:
    graph = Mirror(2, 1, 1).graph(1)
    assert write(graph, Variant("surface", 5, "cultivated3", place="A"), CALM, Past()).used.t_gates == 2
    with pytest.raises(QmkError, match=r"cultivation\(3\) is not known"):
        write(graph, Variant("surface", 5, "cultivated3", place="A"), World({"A": Module("p=2e-3")}), Past())


def test_rounds_that_take_longer_err_more_and_load_the_decoder_less() -> None:
    graph = Mirror(3, 2).graph(1)
    world = World({"A": Module("p=1e-3")}, decoder="event=1e-7")
    one, two = (
        write(graph, Variant("surface", 5, "injected", place="A", stretch=n), world, Past()).profile(Past())
        for n in (1, 2)
    )
    assert (two.rounds, two.load) == (2 * one.rounds, pytest.approx(one.load / 2))
    assert two.success == pytest.approx(one.success**2, rel=1e-9)


def test_a_course_without_events_is_the_program_on_its_machine() -> None:
    scenario = load("calm", courses=2)
    alone, adaptive = (run_course(scenario, 0, adapt) for adapt in (False, True))
    assert (alone.graph, alone.rounds) == (adaptive.graph, adaptive.rounds)
    assert len(adaptive.decisions) == 1


def test_what_lies_before_an_event_stays_as_it_is() -> None:
    scenario = load("drift", jitter=0.0)
    alone, adaptive = (run_course(scenario, 0, adapt) for adapt in (False, True))
    event = adaptive.decisions[1]
    assert event.events == ("drift",)
    assert event.chosen.distance > alone.variants[0].distance
    kept = end_of_epoch(adaptive.graph, event.epoch)
    assert adaptive.graph.nodes[:kept] == alone.graph.nodes[:kept]
    assert not verify(adaptive.graph).errors


@pytest.mark.parametrize("name", ["drift", "hot", "link", "overload", "factory"])
def test_adaptation_wins_where_something_happens(name: str) -> None:
    """By the chance that nothing flips and by time together; counted successes are in ``benchmarks.scenarios``."""
    scenario, cache = load(name, courses=2), ProfileCache()
    for number in range(2):
        alone, adaptive = (run_course(scenario, number, adapt, cache) for adapt in (False, True))
        assert adaptive.expected_success > alone.expected_success
        ratio = (adaptive.rounds / adaptive.expected_success) / (alone.rounds / alone.expected_success)
        assert ratio < 0.9
        for decision in adaptive.decisions:
            replay(decision, scenario.policy)


def test_a_program_moves_from_a_hot_module_and_waits_a_cycle_for_each_patch() -> None:
    scenario = load("hot", jitter=0.0)
    alone, adaptive = (run_course(scenario, 0, adapt) for adapt in (False, True))
    assert [variant.place for variant in adaptive.variants] == ["A", "B"]
    assert adaptive.rounds == alone.rounds + scenario.program.qubits * adaptive.variants[1].distance


def test_a_comparison_repeats_and_counts_what_the_model_expects() -> None:
    scenario = load("hot", courses=2, shots=4000)
    found = compare(scenario, count_zeros)
    assert found == compare(scenario, count_zeros)
    assert found.ratio.high < 1
    assert found.without.success.value < found.adaptive.success.low
    assert found.adaptive.success.high > found.adaptive.expected_success  # some flips do not show, none shows twice


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"events": [{"at_round": 1, "kind": "drift", "module": "C", "noise": "p=1e-3"}]}, "changes nothing"),
        ({"events": [{"at_round": 1, "kind": "factory", "unit": "distilled", "working": 1}]}, "changes nothing"),
        ({"events": [{"at_round": 1, "kind": "link"}]}, "changes nothing"),
        ({"machine": {"modules": {"A": {"noise": "p=1e-3"}}, "others": 1}}, "without a decoder"),
        ({"machine": {"modules": {}}}, "modules"),
        ({"program": {"qubits": 0, "layers": 1}}, "qubits"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_scenario_that_cannot_be_read_is_refused(change: dict[str, object], said: str) -> None:
    whole = {"name": "x", "program": {"qubits": 2, "layers": 1}, "machine": {"modules": {"A": {"noise": "p=1e-3"}}}}
    Scenario.from_json(msgspec.json.encode(whole))
    with pytest.raises(QmkError, match=said):
        Scenario.from_json(msgspec.json.encode({**whole, **change}))


def test_a_program_is_run_on_what_a_policy_chooses() -> None:
    text = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; t q[0]; cx q[0], q[1]; c = measure q;'
    policy = Policy(objective="qubits", target_error=1e-3)
    result = qmk.run(text, noise="p=1e-3", adapt=policy, shots=100, seed=1)
    told = result.provenance.notes["adapted"]
    assert told["chosen"] == {"code": "surface", "distance": 7, "t": "cultivated3"}
    assert result.provenance.notes["logical"]["code"] == "surface(d=7)"
    kept = qmk.run(text, noise="p=1e-3", adapt=policy, qec="surface(d=9),t=cultivated3", shots=100, seed=1)
    assert kept.provenance.notes["adapted"]["now"]["distance"] == 9
    assert kept.provenance.notes["logical"]["code"] == "surface(d=7)"
    remote = build_remote(text, RunOptions(noise="p=1e-3", adapt=policy))
    assert remote.qec is not None
    assert remote.qec.machine == "surface(d=7),t=cultivated3"
    with pytest.raises(QmkError, match="noise that drifts"):
        build_remote(text, RunOptions(noise=Drift("lab.json", 1e-5), adapt=policy))
    with pytest.raises(QmkError, match="without the noise"):
        qmk.run(text, adapt=policy, shots=10)
    with pytest.raises(QmkError, match="reaction"):
        qmk.run(text, noise="p=1e-3", adapt=policy, qec="surface(d=5),reaction=3", shots=10)


def test_a_variant_whose_makers_are_not_there_cannot_run() -> None:
    world = World({"A": Module("p=1e-3")}, units={"distilled": 2})
    with pytest.raises(QmkError, match="no maker of cultivated3 states works"):
        write(Mirror(2, 1, 1).graph(1), Variant("surface", 5, "cultivated3", 2, place="A"), world, Past())
    small = World({"A": Module("p=1e-3", 100)})
    with pytest.raises(QmkError, match="which has 100"):
        write(Mirror(2, 1).graph(1), Variant("surface", 5, "injected", place="A"), small, Past())
