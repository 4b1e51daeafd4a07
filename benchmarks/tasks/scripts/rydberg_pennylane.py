import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml

jax.config.update("jax_enable_x64", True)
n, low, high, ramp, total, c6 = 9, -30.0, 40.0, 0.3, 4.0, 5.42e6  # rad/us, us, rad um^6/us
times, turn = jnp.array([0, ramp, total - ramp, total]), 2 * np.pi


def amplitude(p, t):
    return jnp.interp(t, times, p * jnp.array([0, 1, 1, 0])) / turn


def detuning(p, t):
    return jnp.interp(t, times, p) / turn


atoms = qml.pulse.rydberg_interaction([(6.1 * k, 0) for k in range(n)], interaction_coeff=c6 / turn)
light = qml.pulse.rydberg_drive(amplitude, 0, detuning, range(n))
detunings = np.array([0, 10, 20, 30, 40])
stops = ramp + (detunings - low) / (high - low) * (total - 2 * ramp)


@qml.qnode(qml.device("default.qubit", wires=n))
def sweep():
    qml.evolve(atoms + light, return_intermediate=True, atol=1e-6)([15.0, [low, low, high, high]], t=[0.0, *stops])
    return [qml.expval(qml.Z(k)) for k in range(n)]


for value, z in zip(detunings, np.array(sweep()).T[1:], strict=True):
    print(value, ((1 - z) / 2).round(4).tolist())
