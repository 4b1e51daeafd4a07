"""What the JAX engine has beside the kit: gradients and sweeps of larger programs, and our names for its gates."""

from __future__ import annotations

import numpy as np
import pytest

import qmk
from qmk.engines import jax
from qmk.engines.jax import engine
from qmk.qvm.families.gates import FIXED_SIZE


def layers(n: int, depth: int) -> qmk.Circuit:
    dice = np.random.default_rng(3)
    angles = qmk.Parameter("angles", n * depth)
    made = qmk.Circuit(n)
    for layer in range(depth):
        made.ry(angles[layer * n : (layer + 1) * n], range(n)).rzz(float(dice.random()), 0, n - 1)
        made.cp(2 * angles[layer], 1, 0).cx(range(n - 1), range(1, n))
    return made


def test_gradients_and_sweeps_are_those_of_the_native_core() -> None:
    made, dice = layers(5, 3), np.random.default_rng(1)
    point, observable = {"angles": dice.random(15)}, "0.5*ZZIII + XIYIZ - 0.3*IYYII"
    found = qmk.gradient(made, observable, params=point, engine="jax")
    wanted = qmk.gradient(made, observable, params=point)
    assert found.engine.startswith("jax")
    assert list(found.by.values()) == pytest.approx(list(wanted.by.values()), abs=1e-12)
    points = {"angles": dice.random((70, 15))}  # more than are computed at once
    swept = qmk.sweep(made, points, [observable, "ZIIIZ"], engine="jax")
    assert swept.engine.startswith("jax")
    assert np.allclose(swept.values, qmk.sweep(made, points, [observable, "ZIIIZ"]).values, atol=1e-12)


def test_double_precision_stays_within_the_engine() -> None:
    import jax.numpy as jnp

    qmk.expectation(layers(3, 1), "ZII", params={"angles": [0.1] * 3}, engine="jax")
    assert jnp.zeros(1).dtype == np.float32


def test_each_gate_of_one_angle_is_named_as_such() -> None:
    for name in jax.TURNED:
        assert len(FIXED_SIZE[name].params) == 1
        parts = engine._parts(name)
        for angle in (0.3, -2.0):
            turned = angle * engine.FREQUENCY[name]
            made = parts[0] + np.cos(turned) * parts[1] + np.sin(turned) * parts[2]
            assert np.allclose(made, engine._wide(name, (angle,)))
    assert all(not FIXED_SIZE[name].params for name in jax.FIXED)
