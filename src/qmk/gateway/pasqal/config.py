"""What a configuration of Pasqal's emulators may ask for. Only what says *what* to compute matters: bitstrings at the
end of the sequence, from all atoms in the ground state, without noise. What says how (precision, bond dimension, GPUs)
is not needed. Sources: ``config-schema.json`` of pulser-core 1.9, ``EmuFreeConfig`` and ``EmuTNConfig`` of
pasqal-cloud 0.24."""

from __future__ import annotations

from typing import Any

import msgspec

from qmk.base.limits import LIMITS
from qmk.gateway.http import Refusal

USUAL_SHOTS = 1000
"""Shots of a job without ``runs``, as in Pulser."""
_OLD = ("with_noise", "extra_config")


class _Observable(msgspec.Struct):
    observable: str
    evaluation_times: list[float] | None = None
    num_shots: int | None = None
    one_state: str | None = None


class _Noise(msgspec.Struct):
    noise_types: list[str] = []


class Configuration(msgspec.Struct):
    """``EmulationConfig`` as far as it says what is computed."""

    callbacks: list[Any] = []
    observables: list[_Observable] = []
    default_evaluation_times: list[float] | str = msgspec.field(default_factory=lambda: [1.0])
    initial_state: Any = None
    with_modulation: bool = False
    interaction_matrix: Any = None
    prefer_device_noise_model: bool = False
    noise_model: _Noise | None = None
    default_num_shots: int = USUAL_SHOTS


def _read(text: str | None) -> Configuration:
    if text is None:
        return Configuration()
    try:
        return msgspec.json.decode(text, type=Configuration)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refusal(400, f"backend_configuration does not fit: {error}") from None


def shots_of(text: str | None) -> int:
    """Shots of a job that does not say how many."""
    found = _read(text)
    wanted = next((row.num_shots for row in found.observables if row.num_shots), found.default_num_shots)
    if not 1 <= wanted <= LIMITS.shots:
        raise Refusal(400, f"num_shots is {wanted}; it is from 1 to {LIMITS.shots}")
    return wanted


def refuse_unserved(text: str | None, old: dict[str, Any] | None) -> None:
    """Raises ``Refusal`` for what would be computed otherwise than asked; ``old`` is a configuration's older form."""
    found = _read(text)
    shots_of(text)
    reasons = [
        ("callbacks are not called", bool(found.callbacks)),
        ("with_modulation is not modelled", found.with_modulation),
        ("another initial state is not taken", found.initial_state is not None),
        ("another interaction matrix is not taken", found.interaction_matrix is not None),
        ("the device's noise model is not modelled", found.prefer_device_noise_model),
        ("noise is not modelled here", found.noise_model is not None and bool(found.noise_model.noise_types)),
    ]
    for row in found.observables:
        times = found.default_evaluation_times if row.evaluation_times is None else row.evaluation_times
        reasons += [
            (f"the observable '{row.observable[:40]}' is not served, bitstrings are", row.observable != "bitstrings"),
            ("bitstrings are given at the end only, evaluation_times [1.0]", times != [1.0]),
            ("bitstrings have the usual state as 1", row.one_state is not None),
        ]
    reasons += [(f"configuration.{name} is not served", bool((old or {}).get(name))) for name in _OLD]
    for reason, holds in reasons:
        if holds:
            raise Refusal(400, reason)
