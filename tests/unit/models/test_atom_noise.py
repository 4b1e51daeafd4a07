"""Errors of devices for analog programs: what the presets mean, and what they make of a program."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.frontends import load
from qmk.models.atoms import AtomNoise, atom_noises, doppler_sigma, noisy
from qmk.qvm.families import analog
from qmk.qvm.graph import Graph, Node
from qmk.qvm.verify import verify

DATA = Path(__file__).resolve().parents[2] / "data" / "atoms"
SIGMAS = 5.2
"""some 40 comparisons fail together with 1e-5"""


def program(name: str = "vacancies_6sites") -> Graph:
    return load((DATA / f"{name}.braket.json").read_bytes()).graph


def test_doppler_shifts_are_those_of_thermal_rubidium() -> None:
    """At 50 uK 0.069 m/s, times 8.7 rad/um; it grows with the root of the temperature."""
    assert doppler_sigma(50.0) == pytest.approx(0.6017, abs=1e-3)
    assert doppler_sigma(200.0) == pytest.approx(2 * doppler_sigma(50.0))
    assert doppler_sigma(50.0, wave_number=1.0, mass_kg=1.380649e-23) == pytest.approx(math.sqrt(50e-6))


def test_presets_name_their_sources_and_known_numbers() -> None:
    assert set(atom_noises()) == {"aquila", "pasqal", "ytterbium"}
    for found in atom_noises().values():
        assert found.sources
        assert set(found.evolution) <= set(analog.noise_keys("analog.rydberg3"))
    for name in ("aquila", "pasqal"):
        found = atom_noises()[name]
        assert set(found.evolution) <= set(analog.NOISE)
        assert 0 < found.p01 < found.p10 < 0.2
    with pytest.raises(QmkError, match="aquila, pasqal"):
        noisy(program(), "fresnel")


def test_the_coherence_of_the_aquila_preset_is_1_over_e_after_5_us_and_8_us_with_an_echo() -> None:
    errors = atom_noises()["aquila"].evolution
    rate = errors["dephasing_per_us"] + 0.5 * errors["decay_per_us"]
    deviation = errors["detuning_atom_sigma_rad_per_us"]
    assert math.exp(-8.0 * rate) == pytest.approx(math.exp(-1))
    assert math.exp(-5.0 * rate - 0.5 * (5.0 * deviation) ** 2) == pytest.approx(math.exp(-1))


def test_the_coherence_of_the_ytterbium_preset_is_1_over_e_after_its_t2_star() -> None:
    rate, deviation = atom_noises()["ytterbium"].evolution.values()
    assert math.exp(-3.7e6 * rate - 0.5 * (3.7e6 * deviation) ** 2) == pytest.approx(math.exp(-1))
    assert rate * 7.9e6 == pytest.approx(1.0)
    with pytest.raises(QmkError, match="two levels have not"):
        noisy(program(), "ytterbium")


def test_empty_sites_show_before_and_lost_atoms_afterwards() -> None:
    """Without light nothing is excited: readings and losses are all there is."""
    args = {"positions": [[0.0, 0.0], [8.0, 0.0]], "c6": 5.42e6, "duration": 0.1, "drives": []}
    base = quiet(args)
    errors = AtomNoise(name="mine", empty=0.2, missing=0.3, p01=0.1, p10=0.4)
    made = noisy(base, errors)
    assert verify(made).ok, verify(made).findings
    shots = 4000
    seen = np.array(
        [[row[name] for name in ("pre0", "post0", "r0")] for row in qmk.run(made, shots=shots, seed=3).events()]
    )
    there, left = 0.8, 0.8 * 0.7
    for column, chance in ((0, there), (1, left * 0.9), (2, 0.1)):  # a lost atom reads g, and g reads r with 0.1
        deviation = math.sqrt(chance * (1 - chance) / shots)
        assert seen[:, column].mean() == pytest.approx(chance, abs=SIGMAS * deviation), column
    assert not (seen[:, 1] & (1 - seen[:, 0])).any()  # nothing appears


def quiet(args: dict[str, Any]) -> Graph:
    """Two atoms, named as ``to_graph`` does."""
    names = ("a0", "a1")
    nodes = [Node("load", "core.alloc", {"n": 2}, names), Node("evolve", "analog.rydberg", args, names)]
    nodes += [Node(f"read{k}", "core.mz", vqs=(f"a{k}",), produces=(f"r{k}",)) for k in range(2)]
    for k in range(2):
        nodes.append(Node(f"there{k}", "core.lut", {"table": 1}, produces=(f"pre{k}",)))
        nodes.append(Node(f"left{k}", "core.lut", {"table": 1}, inputs=(f"r{k}",), produces=(f"post{k}",)))
    events = tuple(event for node in nodes for event in node.produces)
    return Graph(nodes=tuple(nodes), vqs=names, events=events, caps=("CAP_ALLOC",))


@pytest.mark.parametrize("name", ["aquila", "pasqal"])
def test_a_program_of_a_front_end_runs_with_a_preset(name: str) -> None:
    made = noisy(program(), name)
    assert verify(made).ok, verify(made).findings
    result = qmk.run(made, shots=30, seed=1)
    assert result.provenance.engine == "rydberg"
    assert result.provenance.notes["trajectories"] == 30
    assert sum(result.counts.values()) == 30
    assert all(len(text) == 13 for text in result.counts)


def test_errors_are_not_put_on_errors() -> None:
    once = noisy(program(), "pasqal")
    with pytest.raises(QmkError, match="noise of its own"):
        noisy(once, "pasqal")
