import numpy as np
from qiskit.quantum_info import SparsePauliOp
from scipy.integrate import solve_ivp

n, low, high, ramp, total, c6 = 9, -30.0, 40.0, 0.3, 4.0, 5.42e6  # rad/us, us, rad um^6/us
bits = np.arange(2**n)[:, None] >> np.arange(n) & 1
pairs = [(a, b) for a in range(n) for b in range(a)]
interaction = sum(c6 / (6.1 * (a - b)) ** 6 * bits[:, a] * bits[:, b] for a, b in pairs)
excited = bits.sum(axis=1)
flip = SparsePauliOp.from_sparse_list([("X", [k], 0.5) for k in range(n)], n).to_matrix(sparse=True).real
times = [0, ramp, total - ramp, total]


def slope(t, state):
    amplitude = np.interp(t, times, [0, 15, 15, 0])
    detuning = np.interp(t, times, [low, low, high, high])
    return -1j * (amplitude * (flip @ state) + (interaction - detuning * excited) * state)


detunings = np.array([0, 10, 20, 30, 40])
stops = ramp + (detunings - low) / (high - low) * (total - 2 * ramp)
start = np.eye(2**n, 1)[:, 0].astype(complex)
found = solve_ivp(slope, (0, stops[-1]), start, "DOP853", stops, rtol=1e-6, atol=1e-8)
for detuning, state in zip(detunings, found.y.T, strict=True):
    print(detuning, (abs(state) ** 2 @ bits).round(4).tolist())
