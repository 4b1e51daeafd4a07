"""Gates of qoqo that are gates of QMK with the same parameters: what its circuits are read, written and run by.

Bodies in qoqo's JSON name each qubit and each parameter; both lists are in the order of QMK's gate.
"""

from __future__ import annotations

from typing import NamedTuple


class QoqoGate(NamedTuple):
    """``name``: qoqo's; ``qubits`` and ``params``: the keys of its body."""

    name: str
    qubits: tuple[str, ...]
    params: tuple[str, ...] = ()


_ONE, _TWO, _THREE = ("qubit",), ("control", "target"), ("control_0", "control_1", "target")
_THETA = ("theta",)

QOQO: dict[str, QoqoGate] = {
    "id": QoqoGate("Identity", _ONE),
    "h": QoqoGate("Hadamard", _ONE),
    "x": QoqoGate("PauliX", _ONE),
    "y": QoqoGate("PauliY", _ONE),
    "z": QoqoGate("PauliZ", _ONE),
    "s": QoqoGate("SGate", _ONE),
    "sdg": QoqoGate("InvSGate", _ONE),
    "t": QoqoGate("TGate", _ONE),
    "tdg": QoqoGate("InvTGate", _ONE),
    "sx": QoqoGate("SXGate", _ONE),
    "sxdg": QoqoGate("InvSXGate", _ONE),
    "rx": QoqoGate("RotateX", _ONE, _THETA),
    "ry": QoqoGate("RotateY", _ONE, _THETA),
    "rz": QoqoGate("RotateZ", _ONE, _THETA),
    "p": QoqoGate("PhaseShiftState1", _ONE, _THETA),
    "cnot": QoqoGate("CNOT", _TWO),
    "cy": QoqoGate("ControlledPauliY", _TWO),
    "cz": QoqoGate("ControlledPauliZ", _TWO),
    "cp": QoqoGate("ControlledPhaseShift", _TWO, _THETA),
    "crx": QoqoGate("ControlledRotateX", _TWO, _THETA),
    "swap": QoqoGate("SWAP", _TWO),
    "iswap": QoqoGate("ISwap", _TWO),
    "siswap": QoqoGate("SqrtISwap", _TWO),
    "siswapdg": QoqoGate("InvSqrtISwap", _TWO),
    "rxx": QoqoGate("VariableMSXX", _TWO, _THETA),
    "toffoli": QoqoGate("Toffoli", _THREE),
    "ccz": QoqoGate("ControlledControlledPauliZ", _THREE),
    "cswap": QoqoGate("ControlledSWAP", ("control", "target_0", "target_1")),
}
"""By QMK's short name."""

OTHER_PHASE = frozenset({"sxdg"})
"""Gates of ``QOQO`` whose matrix in qoqo has another global phase."""
