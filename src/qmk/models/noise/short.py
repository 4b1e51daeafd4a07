"""Models as people write them: ``depolarizing=1e-3``, ``si1000=1e-3,readout=0.02``, ``thermal=50us:70us``, a file.

One preset or file at most, then single terms, which add to it or take the place of its errors of their kind: commas
between them, numbers after ``=``. ``FILE@2h`` is a calibration file (``calibration``) at a moment. Terms after the
errors of a device of atoms are in ``models.atoms.short``.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import msgspec

from qmk.models.arguments import show
from qmk.models.noise.calibration import Calibration
from qmk.models.noise.errors import SIMPLE, AnyError, Depolarize, Leak, Loss, Pauli, wrong
from qmk.models.noise.model import GateRule, NoiseLike, NoiseModel, Readout

TIMES_S = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "h": 3600.0}
DEFAULT_DURATIONS = {"1q": 35e-9, "2q": 60e-9, "measure": 500e-9, "reset": 500e-9}
"""Durations typical of superconducting qubits, unless a file says otherwise."""

_NUMBERS = {name: made.__struct_fields__ for name, made in SIMPLE.items()}
FORMS = (
    "depolarizing=P", "uniform=P", "si1000=P", "biased=P:ETA", "thermal=T1:T2", "twirled=T1:T2", "readout=P",
    "readout=P01:P10", "reset=P", "idle=P",
    *(f"{name}={':'.join(field[0].upper() for field in fields)}" for name, fields in _NUMBERS.items()),
    "circuit=P", "p=P", "phenomenological=P", "phenomenological=P:Q", "erasure=P", "loss=P", "loss=P1:P2",
    "loss_rate=R", "leak=P0:P1",
)  # fmt: skip
"""Every form that a term of noise may have."""

OF_DEVICE = "device"
"""The first term that stands for the device's own errors."""


def _phenomenological(p: float, q: float | None = None) -> NoiseModel:
    return NoiseModel.phenomenological(p, p if q is None else q)


def _thermal(t1: float, t2: float) -> NoiseModel:
    return NoiseModel.thermal(t1, t2, DEFAULT_DURATIONS)


def _twirl(t1: float, t2: float) -> NoiseModel:
    return NoiseModel.thermal(t1, t2, DEFAULT_DURATIONS, twirl=True)


_PRESETS: dict[str, Callable[..., NoiseModel]] = {
    "depolarizing": NoiseModel.depolarizing,
    "uniform": NoiseModel.uniform,
    "si1000": NoiseModel.si1000,
    "circuit": NoiseModel.circuit,
    "p": NoiseModel.circuit,
    "phenomenological": _phenomenological,
    "biased": NoiseModel.with_bias,
    "thermal": _thermal,
    "twirled": _twirl,
}
_TIMED = ("thermal", "twirled")
_PAIRS = ("biased", "thermal", "twirled", "leak")
_COUNTS = {
    **{name: (len(fields),) for name, fields in _NUMBERS.items()},
    **dict.fromkeys(_PAIRS, (2,)),
    **dict.fromkeys(("phenomenological", "readout", "loss"), (1, 2)),
}


def resolve(noise: NoiseLike | object) -> NoiseModel:
    """The model that is meant. Raises INVALID_PARAMS saying what can be written, also for what is not a
    ``NoiseLike``."""
    if isinstance(noise, NoiseModel):
        return noise
    if not isinstance(noise, (str, os.PathLike)):
        fix = "give a NoiseModel, the path of its file, or text such as 'depolarizing=1e-3'"
        raise wrong(f"{show(noise)} ({type(noise).__name__}) is not one", fix)
    text = os.fspath(cast("str | os.PathLike[str]", noise))
    path, at, moment = text.rpartition("@")
    if at and "," not in moment and not os.path.exists(text) and (os.path.exists(path) or path.endswith(".json")):
        return Calibration.load(path).at(number(moment, text, True))
    if base_of(text)[0] == OF_DEVICE:
        raise wrong("the noise of a device, and no device", "name the device, or a model")
    if "=" in text and not os.path.exists(text):
        return parse(text)
    if text and text.isprintable() and not os.path.exists(text) and not set(text) & set("/\\."):
        raise wrong(f"'{text[:80]}' is not a term of noise, and there is no such file", _near(text))
    return NoiseModel.load(text)


def _near(term: str) -> str:
    """The forms that were meant, else all of them."""
    word = term.partition("=")[0].strip()
    found = difflib.get_close_matches(word[:40], sorted({form.partition("=")[0] for form in FORMS}), 1)
    forms = [form for form in FORMS if found and form.partition("=")[0] == found[0]]
    return (
        f"write {' or '.join(forms)}"
        if forms
        else f"write a JSON file, or terms of {', '.join(FORMS)}; aquila, pasqal and device are of programs for atoms"
    )


def parse(text: str) -> NoiseModel:
    """A short form, or a file with terms after it, as a model of that name."""
    base, terms = base_of(text)
    if base and terms and _is_file(base):
        return adjust(resolve(base), terms, text)
    first, *rest = text.split(",")
    word, numbers = term(first, text)
    if word in _PRESETS:
        return adjust(_PRESETS[word](*numbers), rest, text)
    return adjust(NoiseModel(), [first, *rest], text)


def base_of(text: str) -> tuple[str, list[str]]:
    """The base of a short form, "" where it begins with a term, and its terms."""
    first, *rest = text.split(",")
    return ("", [first, *rest]) if "=" in first else (first.strip(), rest)


def _is_file(text: str) -> bool:
    path, at, _ = text.rpartition("@")
    return text.endswith(".json") or os.path.exists(text) or bool(at and path.endswith(".json"))


def term(text: str, whole: str) -> tuple[str, list[float]]:
    """One term of the short form ``whole``: its word and its numbers. Raises INVALID_PARAMS naming the forms."""
    word, equals, rest = (part.strip() for part in text.partition("="))
    numbers = [number(part, whole, word in _TIMED) for part in rest.split(":")] if equals else []
    if word not in {form.partition("=")[0] for form in FORMS} or len(numbers) not in _COUNTS.get(word, (1,)):
        raise wrong(f"'{text.strip()[:80]}' is not a term of noise", _near(text))
    return word, numbers


def adjust(model: NoiseModel, terms: Sequence[str], whole: str) -> NoiseModel:
    """``model`` with single terms, which take the place of errors of their kind, under the name ``whole``. Raises
    INVALID_PARAMS for a preset, and for a term that comes twice."""
    seen: set[str] = set()
    for text in terms:
        word, numbers = term(text, whole)
        if word in _PRESETS:
            raise wrong(f"'{text.strip()[:80]}' comes after another term", "name one preset, and name it first")
        refuse_second(word, seen)
        model = _with(model, word, numbers)
    return msgspec.structs.replace(model, name=whole)


def refuse_second(word: str, seen: set[str]) -> None:
    if word in seen:
        raise wrong(f"'{word}' comes twice", "give each term once")
    seen.add(word)


def _with(model: NoiseModel, word: str, numbers: list[float]) -> NoiseModel:
    replace = msgspec.structs.replace
    p = numbers[0]
    if word == "readout":
        return replace(model, readout=(Readout(p, numbers[-1]),))
    if word == "reset":
        return replace(model, reset=(Pauli(px=p),))
    if word == "idle":
        return replace(model, idle=(Depolarize(p, each=True),))
    if word == "erasure":
        return replace(model, erasure=p)
    if word == "loss_rate":
        return replace(model, loss_rate=p)
    makers: dict[str, type[Any]] = {**SIMPLE, "loss": Loss, "leak": Leak}
    rules = tuple(_drop_kind(rule, makers[word]) for rule in model.gates) or (GateRule(()),)
    if word == "loss":
        return replace(model, gates=tuple(_losing(rules, p, numbers[-1])))
    error: AnyError = makers[word](*numbers)
    return replace(model, gates=tuple(replace(rule, errors=(*rule.errors, error)) for rule in rules))


def _drop_kind(rule: GateRule, kind: type[AnyError]) -> GateRule:
    return msgspec.structs.replace(rule, errors=tuple(error for error in rule.errors if not isinstance(error, kind)))


def _losing(rules: tuple[GateRule, ...], one: float, more: float) -> Iterator[GateRule]:
    """``rules`` with losses of each atom, of gates on one qubit and on more."""
    for rule in rules:
        arities = (rule.arity,) if rule.arity or one == more else (1, 0)
        for arity in arities:
            loss = Loss(one if arity == 1 else more)
            yield msgspec.structs.replace(rule, arity=arity, errors=(*rule.errors, loss))


def number(text: str, whole: str, timed: bool = False) -> float:
    """``timed``: it may have a unit of time."""
    text = text.strip()
    unit = next((name for name in TIMES_S if text.endswith(name)), "") if timed else ""
    try:
        return float(text.removesuffix(unit)) * TIMES_S.get(unit, 1.0)
    except ValueError:
        times = " or, for times, 50us" if timed else ""
        raise wrong(f"'{text}' in '{whole}' is not a number", f"write such as 0.01 or 1e-3{times}") from None
