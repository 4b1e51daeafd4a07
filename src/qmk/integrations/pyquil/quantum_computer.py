"""``get_qc``: a ``pyquil.api.QuantumComputer`` whose machine is QMK, without quilc and qvm."""

from __future__ import annotations

import re
from typing import Any

import networkx
import pyquil.quantum_processor as processors
from pyquil import api as pyquil_api

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.integrations.pyquil.qam import QMKQAM
from qmk.models.arguments import show

api: Any = pyquil_api
lib: Any = processors
graphs: Any = networkx
_NAME = re.compile(r"(\d{1,5})q(?:-[a-z-]+)?")


class QMKCompiler(api.AbstractCompiler):
    """A compiler that leaves programs as they are: QMK runs all of Quil's gates on all pairs of qubits."""

    def __init__(self, quantum_processor: Any) -> None:
        self.quantum_processor = quantum_processor

    def get_version_info(self) -> dict[str, Any]:
        import qmk

        return {"qmk": qmk.__version__}

    def quil_to_native_quil(self, program: Any, *, protoquil: bool | None = None) -> Any:
        return program.copy()

    def native_quil_to_executable(self, nq_program: Any, **kwargs: Any) -> Any:
        return nq_program.copy()

    def reset(self) -> None:
        """There is nothing to reset."""


def get_qc(name: str | int, **options: Any) -> Any:
    """A quantum computer of so many qubits: a number, or pyQuil's name of one, such as "9q-square-qvm", of which only
    the number counts. ``options``: those of ``QMKQAM``. Raises INVALID_PARAMS for another name."""
    match = _NAME.fullmatch(str(name)) if not isinstance(name, int) else None
    count = int(match[1]) if match else name
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= LIMITS.qubits:
        raise QmkError(
            "INVALID_PARAMS",
            f"{show(name, 60)} does not say how many qubits",
            field="name",
            help="give a number, or a name such as '9q-qvm'",
        )
    processor = lib.NxQuantumProcessor(graphs.complete_graph(count))
    return api.QuantumComputer(name=f"{count}q-qmk", qam=QMKQAM(**options), compiler=QMKCompiler(processor))
