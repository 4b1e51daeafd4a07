"""``SamplerV2``: shots of circuits at many values of their parameters."""

# Qiskit has no types that a checker may rely on.
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false, reportUnnecessaryIsInstance=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from qiskit.primitives import (
    BaseSamplerV2,
    BitArray,
    DataBin,
    PrimitiveResult,
    SamplerPubResult,
)
from qiskit.primitives.containers import SamplerPubLike
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qmk.adapters.qiskit.read import read
from qmk.base.seeds import substream
from qmk.integrations.qiskit.backend import SHOTS, Backend
from qmk.integrations.qiskit.results import pack_register
from qmk.integrations.qiskit.session import Primitive, PubJob, Session, points_of
from qmk.integrations.together import Steps, Together, draw

if TYPE_CHECKING:
    from numpy.typing import NDArray


class SamplerV2(Primitive, BaseSamplerV2):
    """Qiskit's sampler on QMK. ``mode``: a ``Backend`` or a ``Session`` of one; without one, keywords are those of
    ``Backend``, such as ``server`` or ``noise``. ``options``: as a mapping ``default_shots`` and ``seed_simulator``.

    A pub is one job, with all of its parameter sets. Pub k of a run with ``seed`` is run with the seed
    ``substream(seed, "pub", k)``; without, each has a seed of its own, which its metadata say."""

    def __init__(
        self,
        mode: Backend | Session | None = None,
        *,
        default_shots: int = SHOTS,
        seed: int | None = None,
        options: Mapping[str, Any] | None = None,
        **backend: Any,
    ) -> None:
        known = {"default_shots": default_shots, "seed_simulator": seed}
        super().__init__(mode, options, known, backend)

    @property
    def default_shots(self) -> int:
        """Shots of a pub that names none."""
        return self.options.default_shots

    def run(self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None) -> PubJob:
        """Starts a job. Raises ``ValueError`` and ``TypeError`` for what is not a pub, as Qiskit does."""
        self.backend.require_open()
        coerced = self._coerce(pubs, shots)
        for at, pub in enumerate(coerced):
            if not pub.circuit.cregs:
                warnings.warn(
                    f"The {at}-th pub's circuit has no output classical registers and so the result will be empty. "
                    "Did you mean to add measurement instructions?",
                    UserWarning,
                    stacklevel=2,
                )
        return PubJob(self, coerced)

    def past_result(
        self, job_id: str, pubs: Iterable[SamplerPubLike], *, shots: int | None = None
    ) -> PrimitiveResult[SamplerPubResult]:
        """The result of a job on a daemon by its id, from any process; ``pubs`` and ``shots`` as they were run. Raises
        INVALID_PARAMS for others, and as ``Provider.job``."""
        return self._past(job_id, self._coerce(pubs, shots))

    def _coerce(self, pubs: Iterable[SamplerPubLike], shots: int | None) -> list[SamplerPub]:
        return [SamplerPub.coerce(pub, self.default_shots if shots is None else shots) for pub in pubs]

    def _steps(self, pub: SamplerPub, at: int) -> Steps[SamplerPubResult]:
        circuit, shape = pub.circuit, pub.shape
        shots = pub.shots or self.default_shots
        seed = self.seed_of_pub(at)
        places = {register.name: [circuit.find_bit(bit).index for bit in register] for register in circuit.cregs}
        packed = {name: np.zeros((pub.size, shots, (len(bits) + 7) // 8), np.uint8) for name, bits in places.items()}
        if places:
            yield from self._fill(packed, places, pub, shots, seed)
        bits = {
            name: BitArray(array.reshape(*shape, *array.shape[1:]), len(places[name])) for name, array in packed.items()
        }
        metadata = {"shots": shots, **self._metadata(pub, seed)}
        return SamplerPubResult(DataBin(**bits, shape=shape), metadata=metadata)

    def _fill(
        self,
        packed: dict[str, NDArray[np.uint8]],
        places: dict[str, list[int]],
        pub: SamplerPub,
        shots: int,
        seed: int,
    ) -> Steps[None]:
        """Runs all parameter sets of a pub and writes the packed bits of its registers."""
        target, program = self.backend.qmk_target, read(pub.circuit)
        points = points_of(pub.circuit, pub.parameter_values)
        # parameter sets of a circuit without parameters are drawn anew each
        repeats = min(pub.size, 1) if points is not None else pub.size
        seeds = [seed if at == 0 else substream(seed, "repeat", at) for at in range(repeats)]
        together = Together(draw(target, program, points, shots=shots, seed=there) for there in seeds)
        found = (yield together.asked) if together.asked else []
        start = 0
        for part in chain.from_iterable(together.make(found)):
            for name, bits in places.items():
                packed[name][start : start + len(part)] = pack_register(part, bits)
            start += len(part)
