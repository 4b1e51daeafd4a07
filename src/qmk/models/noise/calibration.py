"""Noise that drifts: error rates as a device's calibration gave them at several times.

Every number is interpolated linearly between the points that give it, whatever lies between; before the first of these
and after the last it keeps its value. ``at`` gives the noise model of a moment, so that a run says which moment it is
of, and its hash changes with the drift. Who acts on a calibration as time goes by knows no later point: ``in_force``.
"""

from __future__ import annotations

import bisect
import math
import os
from pathlib import Path

import msgspec

from qmk.models import files
from qmk.models.noise.errors import Depolarize, Pauli, wrong
from qmk.models.noise.model import GateRule, NoiseModel, Readout, Relaxation

FIELDS = ("gate_1q", "gate_2q", "readout", "reset", "idle", "before_round", "t1_s", "t2_s", "circuit")


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One calibration: probabilities of errors by kind, T1 and T2 in seconds, at ``time_s`` seconds. ``circuit`` is the
    one parameter of ``NoiseModel.circuit``, and stands alone."""

    time_s: float
    gate_1q: float | None = None
    gate_2q: float | None = None
    readout: float | None = None
    reset: float | None = None
    idle: float | None = None
    before_round: float | None = None
    t1_s: float | None = None
    t2_s: float | None = None
    circuit: float | None = None


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Points in the order of their times, and the ``durations`` of a noise model, which relaxation needs."""

    points: tuple[Point, ...]
    name: str = ""
    durations: dict[str, float] = {}

    def __post_init__(self) -> None:
        times = [point.time_s for point in self.points]
        if not times or times != sorted(set(times)):
            raise wrong("the times of a calibration do not rise", "give one or more points, each later than the last")
        if not self.durations and any(point.t1_s or point.t2_s for point in self.points):
            raise wrong("a calibration has T1 or T2 and no durations", 'give "durations", such as {"2q": 6e-8}')
        given = {name for point in self.points for name in FIELDS if getattr(point, name) is not None}
        if "circuit" in given and len(given) > 1:
            raise wrong("a calibration has 'circuit' and other rates", "give 'circuit' alone: it is all of them")
        for point in self.points:
            self.at(point.time_s)

    def at(self, time_s: float) -> NoiseModel:
        """The noise model of this moment. Raises INVALID_PARAMS for a time that is not finite."""
        if not math.isfinite(time_s):
            raise wrong(f"a calibration at {time_s} s", "name a moment such as FILE@0s or FILE@1.5h")
        value = {name: self._value(name, time_s) for name in FIELDS}
        name = f"{self.name or 'calibration'}@{time_s:g}s"
        if value["circuit"] is not None:
            return msgspec.structs.replace(NoiseModel.circuit(value["circuit"]), name=name)
        one, two, readout = (value[name] or 0.0 for name in FIELDS[:3])
        t1, t2 = value["t1_s"], value["t2_s"]
        rules = (GateRule((Depolarize(one),), arity=1), GateRule((Depolarize(two),)))
        return NoiseModel(
            name=name,
            gates=rules if one or two else (),
            readout=(Readout(readout, readout),) if readout else (),
            reset=(Pauli(px=value["reset"]),) if value["reset"] else (),
            idle=(Depolarize(value["idle"], each=True),) if value["idle"] else (),
            before_round=(Depolarize(value["before_round"], each=True),) if value["before_round"] else (),
            relaxation=(Relaxation(t1, t2, twirl=True),) if t1 or t2 else (),
            durations=self.durations,
        )

    def in_force(self, time_s: float) -> float:
        """The time of the last point that is not after this moment; of the first, before it."""
        times = [point.time_s for point in self.points]
        return times[max(0, bisect.bisect_right(times, time_s) - 1)]

    def _value(self, name: str, time_s: float) -> float | None:
        known = [(point.time_s, getattr(point, name)) for point in self.points if getattr(point, name) is not None]
        if not known:
            return None
        place = bisect.bisect_right([time for time, _ in known], time_s)
        if place == 0 or place == len(known):
            return known[max(0, place - 1)][1]
        (start, low), (end, high) = known[place - 1], known[place]
        return low + (high - low) * (time_s - start) / (end - start)

    @classmethod
    def from_json(cls, data: bytes | str, path: str = "") -> Calibration:
        """Raises INVALID_PARAMS naming the place of what does not fit, in the file ``path`` where it is from one."""
        try:
            return msgspec.json.decode(data, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            place = f"'{path}': " if path else ""
            raise wrong(f"{place}{error}", "the fields are in docs/howto/codes.md") from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Calibration:
        """From a JSON file, whose name it takes where it has none."""
        found = cls.from_json(files.read(path), str(path))
        return found if found.name else msgspec.structs.replace(found, name=Path(path).stem)
