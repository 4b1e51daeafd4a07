"""An adiabatic sweep into an antiferromagnet of atoms (after Pulser's "Adiabatic preparation of an AF state")."""

from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
from pulser import Pulse, Register, Sequence
from pulser.devices import AnalogDevice
from pulser.waveforms import ConstantWaveform, RampWaveform
from pulser_simulation import QutipEmulator

OMEGA, LOW, HIGH = 2 * np.pi * 1.2, -2 * np.pi * 3.0, 2 * np.pi * 2.0
sequence = Sequence(Register.rectangle(1, 7, spacing=AnalogDevice.rydberg_blockade_radius(OMEGA) * 0.9), AnalogDevice)
sequence.declare_channel("light", "rydberg_global")
sequence.add(Pulse.ConstantDetuning(RampWaveform(300, 0, OMEGA), LOW, 0), "light")
sequence.add(Pulse(ConstantWaveform(2600, OMEGA), RampWaveform(2600, LOW, HIGH), 0), "light")
sequence.add(Pulse.ConstantDetuning(RampWaveform(300, OMEGA, 0), HIGH, 0), "light")

np.random.seed(1)
# QMK: import qmk; counts = Counter(qmk.run(sequence, shots=2000, seed=1).counts)
counts = QutipEmulator.from_sequence(sequence).run().sample_final_state(2000)
best, times = Counter(counts).most_common(1)[0]
print(f"{best}: {times / 2000:.2f}")

shown = Counter(counts).most_common(12)
plt.bar([key for key, _ in shown], [times / 2000 for _, times in shown])
plt.xticks(rotation=60)
plt.ylabel("probability")
plt.tight_layout()
plt.savefig("picture.svg")
