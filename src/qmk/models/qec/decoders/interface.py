"""What a decoder is.

Detection events and observables are uint8 arrays, bit-packed little-endian (bit k of byte j is detector 8j + k), one
row a shot: shapes (shots, ceil(D / 8)) and (shots, ceil(O / 8)), as Stim's samplers give them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import stim

from qmk.base.errors import QmkError
from qmk.sdk.references import require

Bits = npt.NDArray[np.uint8]


class Compiled(Protocol):
    """A decoder prepared for one detector error model."""

    def decode(self, dets: Bits) -> Bits:
        """The observables that the decoder holds for flipped, given the detection events of each shot."""
        ...


@dataclass(frozen=True)
class Decoder:
    """One way to decode. ``graphlike``: it needs errors of at most two detectors, decomposed where they have more.
    ``by_parts``: it treats the parts of an error on their own, so that X and Z errors do not know of each other.
    ``batch_shots``: shots that take about a second of a middling circuit; the sampling loop deals in such batches.
    ``one_basis``: it is better and faster without the detectors of the other basis. ``likely``: it weighs errors
    likelier than not. ``windows``: it decodes sliding windows. ``least``: lowest values of options that are not 0."""

    name: str
    doc: str
    build: Callable[..., Compiled]
    graphlike: bool
    batch_shots: int
    by_parts: bool = False
    check: Callable[[stim.DetectorErrorModel], None] | None = None
    one_basis: bool = False
    likely: bool = False
    windows: bool = True
    options: Mapping[str, float] = field(default_factory=dict[str, float])
    least: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def spec(self) -> str:
        """Canonical text, which ``decoders.get`` reads."""
        inside = ",".join(f"{key}={value:g}" for key, value in self.options.items())
        return f"{self.name}({inside})" if inside else self.name

    def model(self, circuit: stim.Circuit) -> stim.DetectorErrorModel:
        """The detector error model that this decoder is to be given for ``circuit``.

        Raises UNSUPPORTED where the decoder matches pairs and an error of the circuit does not fall into pairs, or
        where it treats parts on their own and the circuit has heralds, which say something of other parts.
        """
        if self.by_parts and _heralds(circuit):
            raise unfit(
                self.name,
                "the circuit has heralds of lost qubits, of which it makes no use",
                "use correlated, or bp_osd, bp_lsd or tesseract",
            )
        try:
            return circuit.detector_error_model(decompose_errors=self.graphlike, approximate_disjoint_errors=True)
        except ValueError as error:
            if self.graphlike and ("decompose" in str(error) or "symptoms" in str(error)):
                raise unfit(self.name, "an error flips three detectors or more and does not fall into pairs") from error
            if "over-mixing" in str(error):
                raise QmkError(
                    "INVALID_PARAMS",
                    "circuit: a depolarizing error is likelier than that of a fully mixed state, 3/4 on one qubit and "
                    "15/16 on two, and no decoder can weigh it",
                    field="circuit",
                    help="give the noise a smaller probability",
                ) from error
            raise QmkError("INVALID_PARAMS", f"circuit: {str(error).strip()}", field="circuit") from error

    def compile(self, dem: stim.DetectorErrorModel) -> Compiled:
        """Prepare for ``dem``. Raises UNSUPPORTED where the decoder cannot take this model as it is."""
        if not self.likely and _has_likely(dem):
            raise unfit(
                self.name,
                "an error is likelier than not, so that a shot without detection events is not a shot without errors",
                "use matching, or give the noise a smaller probability",
            )
        if self.check is not None:
            self.check(dem)
        return self.build(dem, **self.options)


def _heralds(circuit: stim.Circuit) -> bool:
    return any(
        _heralds(item.body_copy()) if isinstance(item, stim.CircuitRepeatBlock) else item.name.startswith("HERALDED_")
        for item in circuit
    )


def _has_likely(dem: stim.DetectorErrorModel) -> bool:
    return any(
        _has_likely(item.body_copy())
        if isinstance(item, stim.DemRepeatBlock)
        else item.type == "error" and item.args_copy()[0] > 0.5
        for item in dem
    )


def unfit(decoder: str, why: str, fix: str = "use bp_osd, bp_lsd or tesseract, which take any model") -> QmkError:
    return QmkError("UNSUPPORTED", f"decoder {decoder}: {why}; {fix}", decoder=decoder)


def library(module: str, decoder: str) -> ModuleType:
    """The library behind a decoder. Raises UNSUPPORTED where it is not installed."""
    return require(module, f"decoder {decoder}", "quantum-microkernel[qec]", decoder=decoder)


def packed_width(bits: int) -> int:
    return (bits + 7) // 8


def check_shape(dets: Bits, detectors: int) -> None:
    """Raise INVALID_PARAMS where ``dets`` are not bit-packed rows of this many detectors."""
    shape: Any = getattr(dets, "shape", None)
    if getattr(dets, "dtype", None) != np.uint8 or shape is None or len(shape) != 2:
        raise QmkError("INVALID_PARAMS", "dets: a uint8 array of shape (shots, bytes) is needed", field="dets")
    if shape[1] != packed_width(detectors):
        raise QmkError(
            "INVALID_PARAMS",
            f"dets: rows of {shape[1]} bytes, but {detectors} detectors take {packed_width(detectors)}; "
            "pack bits little-endian (bit_packed=True)",
            field="dets",
        )
