"""A machine's profile as a file: which code, which error budget, which decoder. JSON or TOML.

``qec_scheme``: ``code`` (text of a code), ``distance`` in place of the code's own, ``noise`` (short form or file) and
``physical_qubit_count``, which must be what the code needs. ``error_budget``: a number, or its parts. ``decoder``: its
name, and what a scheduler reckons with: time, window, cores.
"""

from __future__ import annotations

import math
import os
import tomllib
from typing import Any, cast

import msgspec

from qmk.base.errors import QmkError
from qmk.models import files
from qmk.models.noise import NoiseModel, resolve
from qmk.models.qec import codes, decoders
from qmk.models.qec.code import Code


def _wrong(message: str, help: str) -> QmkError:
    return QmkError("INVALID_PARAMS", f"profile: {message}", field="profile", help=help)


class Scheme(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    code: str
    distance: int | None = None
    noise: str = ""
    physical_qubit_count: int | None = None

    def build_code(self) -> Code:
        """Raises INVALID_PARAMS where the count of qubits is not the code's."""
        code = codes.parse(self.code)
        if self.distance is not None:
            code = code.with_distance(self.distance)
        asked = self.physical_qubit_count
        if asked is not None and asked != code.physical_qubits:
            why = f"{code.n} data qubits and {code.ancillas} ancillas"
            hint = "; 2 d^2 is what Azure's first estimator reckons" if asked == 2 * code.n else ""
            raise _wrong(
                f"physical_qubit_count is {asked}, and {code.spec} has {code.physical_qubits} ({why}{hint})",
                f"write {code.physical_qubits}, or leave it out",
            )
        return code


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Chances that a program fails, by cause."""

    logical: float
    t_states: float
    rotations: float

    @property
    def total(self) -> float:
        return self.logical + self.t_states + self.rotations


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rounds that a sliding window decodes for good, and rounds that it looks ahead."""

    commit_rounds: int
    buffer_rounds: int

    def __post_init__(self) -> None:
        if self.commit_rounds < 1 or self.buffer_rounds < 0:
            raise _wrong("a window commits at least 1 round and looks 0 or more ahead", "write such as 9 and 9")


class DecoderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """``cycle_time_us``: time of one round of the code; ``us_per_round``: the decoder's mean time for a round of one
    patch; ``latency_us`` from the last outcome to the answer, in the median and at the 99th percentile; ``weights``:
    the noise that the decoder reckons with, "model" for the machine's, else a short form or a file."""

    name: str = "matching"
    cycle_time_us: float | None = None
    us_per_round: float | None = None
    latency_us: tuple[float, float] | None = None
    window: Window | None = None
    cores: int = 1
    weights: str = "model"

    def __post_init__(self) -> None:
        times = [self.cycle_time_us, self.us_per_round, *(self.latency_us or ())]
        if self.latency_us is not None and self.latency_us[0] > self.latency_us[1]:
            raise _wrong("the latency in the median is above that at the 99th percentile", "write [median, 99th]")
        if self.weights != "model":
            resolve(self.weights)
        if self.cores < 1 or any(time is not None and not 0 < time < math.inf for time in times):
            raise _wrong("a time or a number of cores is not above 0", "give times in microseconds")
        decoders.get(self.name)

    def load(self, patches: int) -> float | None:
        """Work over capacity with so many patches (rho): above 1 the backlog grows without bound (Terhal, Rev. Mod.
        Phys. 87, 307 (2015)). None where the times are not given."""
        if self.cycle_time_us is None or self.us_per_round is None:
            return None
        return patches * self.us_per_round / (self.cores * self.cycle_time_us)


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    qec_scheme: Scheme
    error_budget: float | Budget = 1e-3
    decoder: DecoderSettings = DecoderSettings()

    def __post_init__(self) -> None:
        self.qec_scheme.build_code()
        parts = self.error_budget
        shares = (parts.logical, parts.t_states, parts.rotations) if isinstance(parts, Budget) else (parts,)
        if not 0 < sum(shares) < 1 or min(shares) < 0:
            raise _wrong(f"the error budget is {sum(shares):g}", "give chances that add up to more than 0, less than 1")
        if self.qec_scheme.noise:
            resolve(self.qec_scheme.noise)

    @property
    def code(self) -> Code:
        return self.qec_scheme.build_code()

    @property
    def noise(self) -> NoiseModel | None:
        return resolve(self.qec_scheme.noise) if self.qec_scheme.noise else None

    @classmethod
    def parse(cls, data: bytes, *, toml: bool = False, path: str = "") -> Profile:
        """Raises INVALID_PARAMS naming the field that does not fit, in the file ``path`` where it is from one."""
        try:
            raw = tomllib.loads(data.decode()) if toml else msgspec.json.decode(data)
            settings = cast("dict[str, Any]", raw).get("decoder") if isinstance(raw, dict) else None
            if isinstance(settings, dict) and "max_syndrome_weight" in settings:
                raise _wrong(
                    "decoder.max_syndrome_weight is a parameter of no decoder",
                    "bound its work with 'window' (commit_rounds, buffer_rounds) and 'latency_us'",
                )
            return msgspec.convert(raw, cls)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            if isinstance(error.__cause__, QmkError):
                raise error.__cause__ from error
            place = f"'{path}': " if path else ""
            raise _wrong(f"{place}{error}", "the fields are in docs/howto/codes.md") from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Profile:
        """A file ending in .toml is TOML, any other JSON."""
        return cls.parse(files.read(path), toml=str(path).endswith(".toml"), path=str(path))
