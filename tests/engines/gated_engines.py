"""The real engines, held at their fences: a run goes past fence N only once the file ``pace`` beside this module holds
a number of at least N. So a test decides how far a job is."""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from typing import Any

import msgspec

from qmk.sdk import discovery
from qmk.sdk.engine import Capabilities, Declaration, Execution, Progress, Samples

PACE = Path(__file__).parent / "pace"


class _GatedExecution:
    def __init__(self, inner: Execution) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def advance(self) -> bool:
        while int(PACE.read_text() or 0) <= self._inner.epoch:
            time.sleep(0.002)
        return self._inner.advance()


class _GatedPlan:
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        return self._inner.run(shots, seed, progress)

    def start(self, shots: int, seed: int) -> _GatedExecution:
        return _GatedExecution(self._inner.start(shots, seed))

    def resume(self, state: bytes) -> _GatedExecution:
        return _GatedExecution(self._inner.resume(state))


class _Gated:
    """An engine of this module: ``INNER`` names the real one."""

    INNER = ""
    METHODS: tuple[str, ...] = ()
    """Those of the real engine that it has; none named: all."""

    def __init__(self) -> None:
        module, _, name = discovery.engine(self.INNER).load.partition(":")
        self._inner: Any = getattr(importlib.import_module(module), name)()
        self.version: str = self._inner.version

    def prepare(self, program: Any, method: str) -> _GatedPlan:
        return _GatedPlan(self._inner.prepare(program, method))


class GatedReference(_Gated):
    INNER = "reference"


class GatedStabilizer(_Gated):
    INNER = "stabilizer"


class GatedAer(_Gated):
    INNER = "aer"


class GatedSegments(_Gated):
    INNER = "segments"
    METHODS = ("",)


def _declare(engine: type[_Gated]) -> Declaration:
    inner = discovery.engine(engine.INNER)
    methods: dict[str, Capabilities] = {
        name: msgspec.structs.replace(can)
        for name, can in inner.methods.items()
        if name in (engine.METHODS or inner.methods)
    }
    return Declaration(
        name=f"gated_{engine.INNER}",
        doc=f"{engine.INNER}, held at its fences",
        load=f"gated_engines:{engine.__name__}",
        methods=methods,
        cost=inner.cost,
        requires=inner.requires,
    )


GATED_REFERENCE = _declare(GatedReference)
GATED_STABILIZER = _declare(GatedStabilizer)
GATED_AER = _declare(GatedAer)
GATED_SEGMENTS = _declare(GatedSegments)
