"""What type checkers take for a program of another framework: by what such objects have, so that none is imported."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias


class _NumQubits(Protocol):
    """Circuits of Qiskit and Stim."""

    @property
    def num_qubits(self) -> int: ...


class _QubitCount(Protocol):
    """Circuits of Braket."""

    @property
    def qubit_count(self) -> int: ...


class _NQubits(Protocol):
    """Circuits of pytket."""

    @property
    def n_qubits(self) -> int: ...


class _AllQubits(Protocol):
    """Circuits of Cirq."""

    def all_qubits(self) -> Any: ...


class _GetQubits(Protocol):
    """Programs of pyQuil."""

    def get_qubits(self) -> Any: ...


class _Wires(Protocol):
    """Tapes of PennyLane."""

    @property
    def wires(self) -> Any: ...


class _Function(Protocol):
    """QNodes of PennyLane."""

    @property
    def func(self) -> Any: ...


class _Channels(Protocol):
    """Sequences of Pulser."""

    @property
    def declared_channels(self) -> Any: ...


class _Kernel(Protocol):
    """Kernels of Bloqade."""

    @property
    def dialects(self) -> Any: ...


class _Convertible(Protocol):
    """Any object that says itself what it is to QMK, such as ``qmk.integrations.qutip.Model``."""

    def to_qmk(self) -> Any: ...


FrameworkObject: TypeAlias = (
    _NumQubits
    | _QubitCount
    | _NQubits
    | _AllQubits
    | _GetQubits
    | _Wires
    | _Function
    | _Channels
    | _Kernel
    | _Convertible
)
"""A program of another framework that QMK has an adapter for (``sdk.adapter``), such as a ``qiskit.QuantumCircuit``."""


class _PauliRep(Protocol):
    """Operators of PennyLane."""

    @property
    def pauli_rep(self) -> Any: ...


class _Paulis(Protocol):
    """Sums of Qiskit."""

    @property
    def paulis(self) -> Any: ...


class _Qubits(Protocol):
    """Strings and sums of Cirq."""

    @property
    def qubits(self) -> Any: ...


class _Targets(Protocol):
    """Observables of Braket."""

    @property
    def targets(self) -> Any: ...


class _ToList(Protocol):
    """Strings and sums of pytket."""

    def to_list(self) -> Any: ...


FrameworkObservable: TypeAlias = _PauliRep | _Paulis | _Qubits | _Targets | _ToList | _GetQubits
"""An observable of another framework that QMK has an adapter for, such as a ``qiskit.quantum_info.SparsePauliOp``."""
