"""Matrix product states of atoms, against state vectors and where no state vector fits."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest

import qmk
from qmk import router
from qmk.base.errors import QmkError
from qmk.engines import tenpy
from qmk.engines.tenpy import engine as tenpy_engine
from qmk.engines.tenpy.evolution import chain
from qmk.engines.tenpy.interactions import compress
from qmk.engines.tenpy.state import State
from qmk.exact.rng import Rng
from qmk.ir.lower import lower
from qmk.ir.program import Gate, Program, Reset
from qmk.qvm.graph import Graph, Node
from qmk.router.features import features
from qmk.sdk.engine import Plan, Unsupported

C6, PI_US = 5_420_000.0, 0.02
"""of the tests, and how long a pulse of amplitude 50 pi takes that turns g into r"""


def flat(value: float, duration: float) -> dict[str, list[float]]:
    return {"times": [0.0, duration], "values": [value, value]}


def graph(points: list[list[float]], *parts: tuple[float, list[dict[str, Any]]]) -> Graph:
    """Evolutions of all atoms in a row, each a duration and its drives; then all are read."""
    names = tuple(f"a{k}" for k in range(len(points)))
    nodes = [Node("load", "core.alloc", vqs=names)]
    for k, (duration, drives) in enumerate(parts):
        args = {"positions": points, "c6": C6, "duration": duration, "drives": drives}
        nodes.append(Node(f"evolve{k}", "analog.rydberg", args, names))
    nodes += [Node(f"read{k}", "core.mz", vqs=(name,), produces=(f"e{k}",)) for k, name in enumerate(names)]
    return Graph(nodes=tuple(nodes), vqs=names, events=tuple(f"e{k}" for k in range(len(names))), caps=("CAP_ALLOC",))


def prepared(made: Graph) -> tenpy_engine.TenpyPlan:
    lowered = lower(made, tenpy.DECLARATION.methods["tdvp"].gates)
    return tenpy_engine.TenpyEngine().prepare(lowered, "tdvp")


def ladder(duration: float, atoms: int = 8) -> Graph:
    """Two rows, numbered at random; amplitude and detuning ramp, the phase jumps, one drive has a pattern."""
    order = np.random.Generator(np.random.PCG64(2)).permutation(atoms).tolist()
    points = [[6.5 * (k % (atoms // 2)), 7.5 * (k // (atoms // 2))] for k in order]
    half = duration / 2
    light = {
        "amplitude": {"times": [0.0, half, duration], "values": [5.0, 15.0, 8.0]},
        "detuning": {"times": [0.0, duration], "values": [-10.0, 20.0]},
        "phase": {"times": [0.0, half, duration], "values": [0.0, 0.8, 0.8]},
    }
    local = {"detuning": flat(4.0, duration), "pattern": [0.2 * (k % 3) for k in range(atoms)]}
    return graph(points, (duration, [light, local]))


def test_densities_and_states_are_those_of_the_exact_engine() -> None:
    """Densities within 1e-4, at 8 atoms out of order, in two rows."""
    made = ladder(0.06)
    plan = prepared(made)
    state, notes = plan.state()
    strings = [f"Z{k}" for k in range(8)] + ["X0", "Y1", "X0 Y4", "Z1 Z6", "Y2 X3 Z7"]
    exact = qmk.expectation(made, strings, engine="rydberg")
    padded = ["".join({int(p[1:]): p[0] for p in text.split()}.get(k, "I") for k in range(8)) for text in strings]
    found = state.expectation(padded)
    off = [abs(a - b.value) for a, b in zip(found, exact, strict=True)]
    assert max(off[:8]) / 2 < 1e-4
    assert max(off) <= 2 * notes["state_error"] <= 2 * tenpy.ACCURACY["tdvp"].distance
    wanted = qmk.state(made, engine="rydberg")
    amplitudes = np.array(state.amplitudes([format(k, "08b") for k in range(256)]))
    assert math.sqrt(max(0.0, 2 - 2 * abs(np.vdot(wanted, amplitudes)))) <= notes["state_error"]
    chances = (abs(np.asarray(wanted).reshape((2,) * 8)) ** 2).sum(axis=(1, 2, 3, 4, 6, 7)).T
    assert state.probabilities([5, 0]) == pytest.approx(chances.reshape(-1), abs=2 * notes["state_error"])
    assert notes["discarded_weight"] < 1e-8
    assert notes["interaction_error"] <= tenpy.ACCURACY["tdvp"].interaction
    assert sorted(state.site) == list(range(8)) != list(state.site)
    shots = 4000
    drawn = state.sample(shots, Rng(5, "test")).mean(axis=0)
    assert drawn == pytest.approx([(1 - value) / 2 for value in found[:8]], abs=5.7 * 0.5 / shots**0.5)  # 1e-8 each
    bits = plan.run(50, 3).bits
    assert (pickle.loads(pickle.dumps(plan)).n_qubits, bits.shape) == (8, (50, 8))
    assert (plan.run(50, 3).bits == bits).all()
    assert (plan.run(50, 4).bits != bits).any()


def test_atoms_interact_across_one_that_stands_still() -> None:
    """Two-site updates alone leave such atoms in a product: nothing that they see entangles neighbours."""
    light = {"amplitude": flat(15.0, 0.2), "pattern": [1.0, 0.0, 1.0]}
    made = graph([[0.0, 0.0], [5.0, 0.0], [10.0, 0.0]], (0.2, [light]))
    state, notes = prepared(made).state()
    exact = qmk.expectation(made, ["Z0 Z2", "Z0", "X0 Y2"], engine="rydberg")
    found = state.expectation(["ZIZ", "ZII", "XIY"])
    assert abs(exact[0].value - exact[1].value ** 2) > 0.02, "they are correlated"
    assert found == pytest.approx([row.value for row in exact], abs=2 * notes["state_error"] + 1e-4)


def test_two_dozen_atoms_in_far_blocks_are_blocks() -> None:
    """Eight blocks of three, 300 um apart, numbered across the blocks, of which one alone is a state vector of 8."""
    light = {"amplitude": flat(50.0, 0.03), "detuning": {"times": [0.0, 0.03], "values": [0.0, 10.0]}}
    block = [[0.0, 0.0], [7.0, 0.0], [14.0, 1.0]]
    points = [[block[k // 8][0] + 300.0 * (k % 8), block[k // 8][1]] for k in range(24)]
    result = prepared(graph(points, (0.03, [light])))
    state, notes = result.state()
    alone = qmk.expectation(graph(block, (0.03, [light])), ["Z0", "Z1", "Z2", "Z0 Z1"], engine="rydberg")
    strings = ["I" * k + "Z" + "I" * (23 - k) for k in range(24)]
    found = state.expectation([*strings, "Z" + "I" * 7 + "Z" + "I" * 15])
    assert found[:24] == pytest.approx([alone[k // 8].value for k in range(24)], abs=2e-4)
    assert found[24] == pytest.approx(alone[3].value, abs=2e-4)
    assert notes["bond_dimension"] <= 16


def test_bits_come_in_the_order_of_the_atoms() -> None:
    """A pi pulse on some of nine atoms, numbered at random on a square array: each shot is their pattern."""
    rng = np.random.Generator(np.random.PCG64(3))
    order = rng.permutation(9).tolist()
    points = [[40.0 * (k % 3), 40.0 * (k // 3)] for k in order]
    pattern = [float(k) for k in rng.integers(2, size=9)]
    made = graph(points, (PI_US, [{"amplitude": flat(50 * math.pi, PI_US), "pattern": pattern}]))
    result = qmk.run(made, shots=40, seed=1, engine="tenpy:tdvp")
    assert result.counts == {"".join(str(int(weight)) for weight in pattern): 40}
    assert result.provenance.notes["solver"] == "tdvp"
    assert {"state_error", "discarded_weight", "interaction_error"} <= result.provenance.notes.keys()


def test_a_chain_is_found_again_whatever_its_numbers() -> None:
    order = [3, 0, 4, 1, 5, 2]
    args = {"positions": [[6.0 * k, 0.5 * k] for k in order], "c6": C6}
    gate = Gate("analog.rydberg", (0, 1, 2, 3, 4, 5), args=args)
    assert chain([gate], 6) in (order, [5 - k for k in order])


def test_long_range_tails_are_left_out_only_as_far_as_is_said() -> None:
    pairs = np.array([[0.0 if i == j else C6 / (6.1 * abs(i - j)) ** 6 for j in range(30)] for i in range(30)])
    tails = compress(pairs, 1e-5)
    assert tails.left_out <= 1e-5
    assert tails.bond <= 10
    assert compress(pairs, 1e-2).bond < tails.bond
    carried, missing = tails.sites[3][1], []
    for j in range(4, 30):
        missing.append(abs(carried @ tails.sites[j][2] - pairs[3, j]))
        carried = carried @ tails.sites[j][0]
    assert sum(missing) <= tails.left_out


def test_amplitudes_and_marginals_of_a_state_by_hand() -> None:
    """(|00> + i|11>) / sqrt(2), its qubits in the other order."""
    first = np.eye(2, dtype=complex).reshape(1, 2, 2) / math.sqrt(2)
    second = np.zeros((2, 2, 1), dtype=complex)
    second[0, 0], second[1, 1] = 1, 1j
    state = State((first, second), (1, 0))  # pyright: ignore[reportArgumentType]
    assert state.amplitudes(["00", "11", "01"]) == pytest.approx([0.5**0.5, 0.5**0.5 * 1j, 0])
    assert state.expectation(["ZZ", "XY", "YX", "XX", "IZ"]) == pytest.approx([1, 1, 1, 0, 0])
    assert state.probabilities([1, 0]) == pytest.approx([0.5, 0, 0, 0.5])
    assert state.probabilities([]) == pytest.approx([1.0])


def test_a_state_that_outgrows_its_bond_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenpy_engine, "bond_cap", lambda _: 1)
    with pytest.raises(QmkError, match="more entangled than bond dimension 1") as failed:
        prepared(ladder(0.05, 4)).state()
    assert failed.value.kind.name == "RESOURCE_EXHAUSTED"


def test_an_accuracy_that_is_not_reached_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenpy_engine, "MOST_STEPS", 1.0)
    monkeypatch.setitem(tenpy.ACCURACY, "tdvp", tenpy.Accuracy(1e-12, 1e-6, 1e-5))
    with pytest.raises(QmkError, match=r"the state's error is .* after"):
        prepared(ladder(0.01, 4)).state()


def test_it_is_never_chosen_unasked_and_the_refusal_of_wide_arrays_names_it() -> None:
    made = features(ladder(0.1, 40))
    with pytest.raises(QmkError, match="tenpy:tdvp"):
        router.choose(made, 10, memory_bytes=8 << 30)
    chosen = router.choose(made, 10, engine="tenpy:tdvp", memory_bytes=8 << 30)
    assert (chosen.engine, chosen.method) == ("tenpy", "tdvp")
    assert router.choose(features(ladder(0.1)), 10, memory_bytes=8 << 30).engine == "rydberg"
    with pytest.raises(QmkError, match="are available"):
        router.choose(made, 10, engine="tenpy:tdvp", memory_bytes=1 << 20)


def test_a_state_vector_is_refused() -> None:
    with pytest.raises(QmkError, match="gives no state"):
        qmk.state(ladder(0.1), engine="tenpy:tdvp")


def test_what_it_would_get_wrong_it_refuses() -> None:
    made = ladder(0.1)
    node = made.nodes[1]
    noisy = Node(node.id, node.op, {**node.args, "noise": {"decay_per_us": 0.1}}, node.vqs)
    nodes = (made.nodes[0], noisy, *made.nodes[2:])
    with pytest.raises(QmkError, match="noise"):
        qmk.run(Graph(nodes=nodes, vqs=made.vqs, events=made.events, caps=made.caps), shots=1, engine="tenpy:tdvp")

    def refused(*items: Any, method: str = "tdvp", n: int = 2) -> str:
        with pytest.raises(Unsupported) as why:
            tenpy_engine.TenpyEngine().prepare(Program(n, 0, items, (), {}), method)
        return str(why.value)

    assert "has no method 'other'" in refused(method="other")
    assert "at most 256" in refused(n=257)
    assert "gate h" in refused(Gate("h", (0,)))
    assert "reset" in refused(Reset(0))


def test_a_plan_runs_without_evolutions() -> None:
    plan: Plan = tenpy_engine.TenpyEngine().prepare(Program(1, 0, (), (), {}), "fine")
    assert plan.run(3, 1).bits.shape == (3, 0)


def test_predicted_memory_grows_to_the_cap_and_no_further() -> None:
    made = features(ladder(0.1, 40))
    sizes = [tenpy.cost("tdvp", made, 0).memory_bytes, (128 << 20) + tenpy.STATE_BYTES]
    assert sizes == sorted(sizes)
    assert tenpy.bond_cap(40) ** 2 * tenpy._bytes(40) <= tenpy.STATE_BYTES
    assert tenpy.bond_cap(6) == 8
