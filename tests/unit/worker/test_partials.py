"""What a run gave so far: when it is shown, and that it is of the very shots that the result has."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from qmk.engines.stabilizer import engine as stabilizer
from qmk.frontends import load
from qmk.qvm.graph import Graph
from qmk.qvm.outputs import Outputs, Slot, Sweep
from qmk.request.physical import physical
from qmk.sdk.kit.builder import Builder
from qmk.worker.messages import Done, Partial
from qmk.worker.partials import EVERY_S, MOST_OUTCOMES, SHARE, Reports, Turns
from qmk.worker.runner import Runner


class Always(list[Partial]):
    """Wants everything, and keeps it."""

    def wants(self) -> bool:
        return True

    def __call__(self, partial: Partial, /) -> None:
        self.append(partial)


def noisy(graph: Graph) -> Graph:
    return physical(graph, "uniform=0.05")[0]


def bits(done: Done) -> list[str]:
    """The outcomes in the order of the shots."""
    row = (len(done.event_names) + 7) // 8
    packed = (done.event_bits[at : at + row] for at in range(0, len(done.event_bits), row))
    columns = [done.event_names.index(name) for register in done.registers for name in register.bits if name]
    return ["".join(f"{int.from_bytes(each):0{8 * row}b}"[at] for at in columns) for each in packed]


def test_it_is_shown_now_and_then_and_takes_its_share_of_the_time() -> None:
    now, sent = [0.0], []
    turns = Turns(sent.append, lambda: now[0])
    assert not turns.wants()
    now[0] = EVERY_S
    assert turns.wants()
    now[0] += 1.0  # making it takes long
    assert turns.wants()
    turns(Partial(1))
    now[0] += 1 / SHARE - 0.01
    assert not turns.wants()
    now[0] += 0.02
    assert turns.wants()
    assert sent == [Partial(1)]


def test_chunks_of_samples_are_the_first_shots_of_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stabilizer, "CHUNK_BYTES", 1)
    shown = Always()
    b = Builder(3).op("h", 0).op("cnot", 0, 1).op("h", 2)
    done = Runner("stabilizer").execute(noisy(b.measure_all().graph()), "", 1000, 5, show=shown)
    assert [part.shots for part in shown] == [256, 512, 768, 1000]
    for part in shown:
        assert part.counts == dict(sorted(Counter(bits(done)[: part.shots]).items()))
        assert part.registers == done.registers


def test_trajectories_of_atoms_are_shown_one_by_one() -> None:
    graph = noisy_atoms()
    shown = Always()
    done = Runner("rydberg").execute(graph, "", 20, 5, show=shown)
    assert [part.shots for part in shown[:-1]] == list(range(1, 20))
    assert shown[-1].counts == done.counts
    for part in shown:
        assert sum(part.counts.values()) == part.shots
        assert Counter(part.counts) <= Counter(done.counts)


def noisy_atoms() -> Graph:
    path = Path(__file__).parents[2] / "data" / "atoms" / "rabi_pi_1atom.braket.json"
    return physical(load(path.read_bytes(), format="ahs").graph, "loss_per_us=0.5")[0]


def long_run(qubits: int, layers: int) -> Graph:
    b = Builder(qubits)
    for layer in range(layers):
        for qubit in range(qubits):
            b.op("h", qubit)
            b.op("t", qubit)
        for qubit in range(layer % 2, qubits - 1, 2):
            b.op("cnot", qubit, qubit + 1)
    return noisy(b.measure_all().graph())


@pytest.mark.parametrize(("method", "qubits", "shots"), [("frame", 13, 24_000), ("dense", 10, 3000)])
def test_a_long_run_of_our_simulators_is_taken_in_parts(method: str, qubits: int, shots: int) -> None:
    graph = long_run(qubits, 12)
    shown = Always()
    runner = Runner("native")
    done = runner.execute(graph, method, shots, 5, show=shown)
    assert len(shown) >= (15 if method == "frame" else 3)
    assert [part.shots for part in shown] == sorted(part.shots for part in shown)
    for part in shown:
        assert sum(part.counts.values()) == part.shots < shots
        assert Counter(part.counts) <= Counter(done.counts)
    assert runner.execute(graph, method, shots, 5).counts == done.counts


def test_a_run_of_one_state_has_nothing_to_show_before_its_end() -> None:
    shown = Always()
    Runner("native").execute(Builder(2).op("h", 0).op("cnot", 0, 1).measure_all().graph(), "dense", 5000, 1, show=shown)
    assert shown == []


def test_too_many_outcomes_are_left_out_and_said_to_be() -> None:
    shown = Always()

    class Samples:
        def counts(self) -> dict[str, int]:
            return {f"{k:020b}": 1 for k in range(MOST_OUTCOMES + 1)}

    samples: Any = Samples()
    Reports(None, shown, None, [], 0).of_core(MOST_OUTCOMES + 1, samples)
    assert (shown[0].counts, shown[0].shots) == ({}, MOST_OUTCOMES + 1)
    assert "10001 outcomes" in shown[0].notes["partial"]


def test_points_of_a_sweep_are_shown_as_they_are_done() -> None:
    graph = Builder(1).op("ry", 0, theta=0.0).graph()
    (node,) = (node.id for node in graph.nodes if node.op == "core.ry")
    points = tuple((0.5 * k,) for k in range(4))
    sweep = Sweep(names=("a",), slots=(Slot(node=node, arg="theta", terms=((0, 1.0),)),), points=points)
    outputs = Outputs(expectations=((("Z", 1.0),),), sweep=sweep, counts=False, sampled=True)
    shown = Always()
    done = Runner("native").execute(graph, "auto", 400, 1, outputs=outputs, show=shown)
    assert done.values is not None
    told = [part for part in shown if part.values is not None]
    assert [part.shots for part in told] == [100, 200, 300, 400]
    assert [part.values.points for part in told if part.values] == [done.values.points[: k + 1] for k in range(4)]


def test_a_running_mean_has_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stabilizer, "CHUNK_BYTES", 1)
    outputs = Outputs(expectations=((("Z", 1.0),),), counts=False, sampled=True)
    shown = Always()
    done = Runner("stabilizer").execute(Builder(1).op("h", 0).graph(), "", 1024, 1, outputs=outputs, show=shown)
    means = [part.values.points[0].expectations[0] for part in shown if part.values is not None]
    assert done.values is not None
    assert means[-1] == done.values.points[0].expectations[0]
    assert [mean.error for mean in means[:4]] == pytest.approx([1 / 16, 1 / 512**0.5, 1 / 768**0.5, 1 / 32], rel=0.02)
    assert all(abs(mean.value) < 6 * mean.error for mean in means)
