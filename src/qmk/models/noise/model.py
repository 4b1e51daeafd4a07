"""A noise model as data, with its presets.

JSON: the fields below by name, errors as objects with their ``kind``; unknown fields are refused. ``hash`` covers
everything but the name, so that two results under the same hash suffered the same noise.
"""

from __future__ import annotations

import hashlib
import math
import os
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import force_setattr

from qmk.models import files
from qmk.models.arguments import convert_fields, show, to_plain
from qmk.models.noise.errors import (
    AmplitudeDamping,
    AnyError,
    Depolarize,
    Kraus,
    Leak,
    Loss,
    Pauli,
    Pauli2,
    PhaseDamping,
    check_args,
    wrong,
)
from qmk.qvm.families import OPS, OTHER_NAMES

DURATIONS = ("1q", "2q", "measure", "reset")
"""What durations may be given for, beside single gates."""


def _name_here(name: str) -> str:
    """A gate's name here, where other languages have another, such as cx for cnot; any other name as it is."""
    is_ours = name in DURATIONS or f"core.{name}" in OPS
    return name if is_ours else OTHER_NAMES.get(name, name).removeprefix("core.")


def _check_duration(name: str, seconds: float) -> None:
    if name not in DURATIONS and f"core.{name}" not in OPS:
        raise wrong(f"a duration of '{name}'", f"name a gate, or one of {', '.join(DURATIONS)}")
    if not 0 <= seconds < 1e9:
        raise wrong(f"the duration of '{name}' is {seconds} s", "give seconds, such as 35e-9")


class GateRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Errors after gates. ``gates``: names such as "cnot" or "cx", () for every gate; ``arity``: number of qubits, 0
    for any; ``qubits``: handles, all of the gate's must be among them, () for any; ``operands``: the gate's handles in
    their order, () for any."""

    errors: tuple[AnyError, ...]
    gates: tuple[str, ...] = ()
    arity: int = 0
    qubits: tuple[str, ...] = ()
    operands: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        convert_fields(self, wrong)
        force_setattr(self, "gates", tuple(map(_name_here, self.gates)))
        if self.arity < 0:
            raise wrong(f"a rule for gates on {self.arity} qubits", "give 'arity' from 1, or leave it out")
        for name in self.gates:
            op = OPS.get(name if "." in name else f"core.{name}")
            if op is None or op.op_class not in ("unitary", "composite", "feedforward"):
                raise wrong(f"there is no gate '{name}'", "name gates as in docs/reference/ops.md, such as 'cnot'")


class Readout(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Outcomes that are read wrongly: a 0 as 1 with ``p01``, a 1 as 0 with ``p10``; the qubit is not touched."""

    p01: float
    p10: float
    qubits: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        convert_fields(self, wrong)
        check_args("noise.readout", {"p01": self.p01, "p10": self.p10}, 0)


class Time(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How long the op ``name`` takes on these ``operands`` (handles in their order): ``name`` and ``seconds`` as in
    ``NoiseModel.durations``, before which this counts."""

    name: str
    operands: tuple[str, ...]
    seconds: float

    def __post_init__(self) -> None:
        convert_fields(self, wrong)
        force_setattr(self, "name", _name_here(self.name))
        _check_duration(self.name, self.seconds)


class Relaxation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Decay with T1 and loss of coherence with T2 (seconds), during gates and while a qubit waits. ``twirl`` True: as
    the nearest Pauli errors (the channel twirled over the Pauli group), which Clifford simulators run."""

    t1: float | None = None
    t2: float | None = None
    twirl: bool = False
    qubits: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        convert_fields(self, wrong)
        check_args("noise.thermal", {"t1": self.t1, "t2": self.t2, "duration": 0.0}, 1)


class NoiseModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What goes wrong. Of ``gates``, ``readout`` and ``relaxation`` the first rule that fits is taken, no other.

    ``before_measure`` strikes a qubit right before it is measured; ``reset`` after every reset and allocation. ``idle``
    strikes a qubit for each layer in which it waits between two of its ops, ``idle_measure`` instead where other qubits
    are measured or reset in that layer. ``durations`` are seconds by gate name, or "1q", "2q", "measure", "reset".
    ``loss_rate`` is how often an atom is lost per second (1/s), while it waits and during gates and measurements of
    these durations. ``before_round`` strikes the data qubits of a code before every round of syndrome extraction,
    ``erasure`` is the chance that a qubit is lost in a gate, which is noticed, and replaced by a random one: both on
    circuits of codes.
    """

    name: str = ""
    gates: tuple[GateRule, ...] = ()
    readout: tuple[Readout, ...] = ()
    before_measure: tuple[AnyError, ...] = ()
    reset: tuple[AnyError, ...] = ()
    idle: tuple[AnyError, ...] = ()
    idle_measure: tuple[AnyError, ...] | None = None
    relaxation: tuple[Relaxation, ...] = ()
    durations: dict[str, float] = {}
    times: tuple[Time, ...] = ()
    before_round: tuple[AnyError, ...] = ()
    erasure: float = 0.0
    loss_rate: float = 0.0

    def __post_init__(self) -> None:
        convert_fields(self, wrong)
        alone = (*self.before_measure, *self.reset, *self.idle, *(self.idle_measure or ()), *self.before_round)
        for error in alone:
            if isinstance(error, Pauli2) or (isinstance(error, Kraus | Loss) and error.pair):
                raise wrong("an error on two qubits outside of 'gates'", "put it into a rule of 'gates'")
        for error in (*self.idle, *(self.idle_measure or ())):
            error.repeat(1)
        force_setattr(self, "durations", {_name_here(name): seconds for name, seconds in self.durations.items()})
        if self.relaxation and not any((*self.durations.values(), *(time.seconds for time in self.times))):
            raise wrong("relaxation without durations does nothing", "give 'durations', such as {'1q': 35e-9}")
        if not 0 <= self.loss_rate < 1e9:
            raise wrong(f"the loss rate is {self.loss_rate} per second", "give a number from 0, such as 0.1")
        for name, seconds in self.durations.items():
            _check_duration(name, seconds)
        if not 0 <= self.erasure <= 1:
            raise wrong(f"erasure is {self.erasure}", "give a number from 0 to 1")

    @property
    def loses_atoms(self) -> bool:
        """Whether a measurement may find no atom."""
        rules = (error for rule in self.gates for error in rule.errors)
        alone = (*self.before_measure, *self.reset, *self.idle, *(self.idle_measure or ()))
        return self.loss_rate > 0 or any(isinstance(error, Loss | Leak) for error in (*rules, *alone))

    @property
    def hash(self) -> str:
        """SHA-256 of the model without its name, in hexadecimal."""
        return hashlib.sha256(_SORTED.encode(msgspec.structs.replace(self, name=""))).hexdigest()

    @property
    def label(self) -> str:
        """Name and the beginning of the hash, for results."""
        return f"{self.name or 'noise'} [{self.hash[:12]}]"

    def to_json(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    @classmethod
    def from_json(cls, data: bytes | str, path: str = "") -> NoiseModel:
        """Raises INVALID_PARAMS naming the place of what does not fit, in the file ``path`` where it is from one."""
        try:
            return msgspec.json.decode(data, type=cls)
        except (msgspec.DecodeError, UnicodeError, TypeError) as error:
            place = f"'{path}': " if path else ""
            if "unknown field `points`" in str(error):
                raise wrong(f"{place}a calibration, without a moment", "name one: FILE@0s, FILE@1.5h") from error
            raise wrong(f"{place}{error}", "the fields are in docs/howto/noise.md") from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> NoiseModel:
        """From a JSON file, whose name it takes where it has none."""
        model = cls.from_json(files.read(path), str(path))
        return model if model.name else msgspec.structs.replace(model, name=Path(path).stem)

    @classmethod
    def depolarizing(cls, p: float) -> NoiseModel:
        """Depolarizing errors of probability ``p`` after every gate: on both qubits of a two-qubit gate together."""
        p = _number("p", p)
        return cls(name=f"depolarizing={p:g}", gates=(GateRule((Depolarize(p),)),))

    @classmethod
    def uniform(cls, p: float) -> NoiseModel:
        """``p`` everywhere: depolarizing after gates and in every layer of waiting, bit flips after resets, outcomes
        read wrongly."""
        p = _number("p", p)
        return cls(
            name=f"uniform={p:g}",
            gates=(GateRule((Depolarize(p),)),),
            readout=(Readout(p, p),),
            reset=(Pauli(px=p),),
            idle=(Depolarize(p, each=True),),
        )

    @classmethod
    def circuit(cls, p: float) -> NoiseModel:
        """The noise that Stim's generator puts on circuits of codes, every parameter ``p``: depolarizing after gates
        and on data qubits before every round, flips after resets and before measurements."""
        p = _number("p", p)
        return cls(
            name=f"circuit={p:g}",
            gates=(GateRule((Depolarize(p),)),),
            before_measure=(Pauli(px=p),),
            reset=(Pauli(px=p),),
            before_round=(Depolarize(p, each=True),),
        )

    @classmethod
    def phenomenological(cls, p: float, q: float) -> NoiseModel:
        """Depolarizing ``p`` on data qubits before every round, outcomes read wrongly with ``q``; gates are perfect."""
        p, q = _number("p", p), _number("q", q)
        return cls(
            name=f"phenomenological={p:g}:{q:g}",
            before_round=(Depolarize(p, each=True),),
            readout=(Readout(q, q),),
        )

    @classmethod
    def si1000(cls, p: float) -> NoiseModel:
        """Superconducting qubits with a cycle of 1000 ns (Gidney, Newman, Fowler, Broughton, Quantum 5, 605 (2021)):
        two-qubit gates p, one-qubit gates and waiting p/10, resets 2p, outcomes 5p, waiting for others' read-out 2p."""
        p = _number("p", p)
        return cls(
            name=f"si1000={p:g}",
            gates=(GateRule((Depolarize(p / 10),), arity=1), GateRule((Depolarize(p),))),
            readout=(Readout(5 * p, 5 * p),),
            reset=(Pauli(px=2 * p),),
            idle=(Depolarize(p / 10, each=True),),
            idle_measure=(Depolarize(2 * p, each=True),),
        )

    @classmethod
    def with_bias(cls, p: float, eta: float) -> NoiseModel:
        """Pauli errors ``p`` in all on each qubit of every gate, Z ``eta`` times as likely as X and Y together."""
        p, eta = _number("p", p), _number("eta", eta)
        if not 0 <= eta < math.inf:
            raise wrong(
                f"the bias is {eta}", "give how many times as likely Z is, a number from 0; or name pauli errors"
            )
        other = p / (2 * (eta + 1))
        return cls(name=f"biased={p:g}:{eta:g}", gates=(GateRule((Pauli(other, other, p * eta / (eta + 1)),)),))

    @classmethod
    def thermal(cls, t1: float, t2: float, durations: dict[str, float], twirl: bool = False) -> NoiseModel:
        """Relaxation of all qubits during gates of these ``durations`` and between them; all times in seconds."""
        t1, t2 = _number("t1", t1), _number("t2", t2)
        return cls(name=f"thermal={t1:g}:{t2:g}", relaxation=(Relaxation(t1, t2, twirl),), durations=durations)


def _number(name: str, value: Any) -> float:
    """A number of any type. Raises INVALID_PARAMS for what is none."""
    try:
        return float(msgspec.convert(to_plain(value), float))
    except Exception:  # of any class that the caller has written
        raise wrong(f"{name} is {show(value)} ({type(value).__name__})", "give a number such as 1e-3") from None


_SORTED = msgspec.json.Encoder(order="sorted")

NoiseLike = NoiseModel | os.PathLike[str] | str
"""A model, the path of its JSON file, or its short form such as ``depolarizing=1e-3``."""

__all__ = [
    "AmplitudeDamping", "AnyError", "Depolarize", "GateRule", "Kraus", "Leak", "Loss", "NoiseLike", "NoiseModel",
    "Pauli", "Pauli2", "PhaseDamping", "Readout", "Relaxation",
]  # fmt: skip


def as_dict(model: NoiseModel) -> dict[str, Any]:
    """JSON-compatible data."""
    return msgspec.to_builtins(model)
