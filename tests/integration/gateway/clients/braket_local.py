"""What a user of the Braket SDK's LocalSimulator writes, with no network; JSON out."""

from __future__ import annotations

# runs in the clients' own environment
# pyright: reportMissingImports=false
import json
import sys

from braket.circuits import Circuit
from braket.devices import LocalSimulator
from braket_remote import chain


def main() -> None:
    device = LocalSimulator("qmk")
    analog = device.run(chain(3), shots=50, steps=100, rydberg_interaction_coef=5.42e-24).result()
    gates = device.run(Circuit().x(0).iswap(0, 1), shots=10).result()
    json.dump({"analog": analog.get_counts(), "gates": dict(gates.measurement_counts)}, sys.stdout)


if __name__ == "__main__":
    main()
