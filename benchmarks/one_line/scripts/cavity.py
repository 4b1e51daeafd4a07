"""An atom in a lossy cavity: the Jaynes-Cummings model (after QuTiP's tutorial on vacuum Rabi oscillations)."""

import matplotlib.pyplot as plt
import numpy as np
import qutip

# QMK: from qmk.integrations.qutip import mesolve
from qutip import mesolve

g, kappa, gamma, levels = 0.05 * 2 * np.pi, 0.005, 0.05, 15
a = qutip.tensor(qutip.destroy(levels), qutip.qeye(2))
sm = qutip.tensor(qutip.qeye(levels), qutip.sigmam().dag())
H = 2 * np.pi * (a.dag() * a + sm.dag() * sm) + g * (a.dag() * sm + a * sm.dag())
psi0 = qutip.tensor(qutip.basis(levels, 0), qutip.basis(2, 1))
losses = [np.sqrt(kappa * 1.75) * a, np.sqrt(kappa * 0.75) * a.dag(), np.sqrt(gamma) * sm]
watched = {"cavity": a.dag() * a, "atom": sm.dag() * sm}
times = np.linspace(0, 25, 101)

found = mesolve(H, psi0, times, losses, e_ops=watched).e_data
print(f"cavity {found['cavity'][-1]:.5f}, atom {found['atom'][-1]:.5f}")

plt.plot(times, found["cavity"], label="photons")
plt.plot(times, found["atom"], label="atom excited")
plt.xlabel("time")
plt.ylabel("occupation")
plt.legend()
plt.savefig("picture.svg")
