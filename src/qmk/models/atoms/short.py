"""Errors of atoms as people write them: a base, then terms that take the place of its numbers.

``aquila,readout=0.02:0.1,decay_per_us=0`` for evolutions; the base is a preset, or that of a device, or left out where
a term is of evolutions only. ``device,readout=0.02,idle_dephasing=1`` for gates on a device: terms of
``models.noise.short``, and of what the device does wrong besides.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence

import msgspec

from qmk.models.atoms.machine import Idle
from qmk.models.atoms.noisy import AtomNoise, atom_noises
from qmk.models.atoms.profile import Profile
from qmk.models.noise import NoiseModel, short
from qmk.models.noise.errors import SIMPLE, wrong
from qmk.qvm.families import analog

RATES = analog.noise_keys("analog.rydberg3")
"""Terms of evolutions, which are the keys of their ``noise``."""
CHANCES = ("empty", "missing")
LARGEST = 1e4
"""Largest rate or deviation in units of us, rad/us, um or the amplitude: beyond it noise is all that is left."""
LOSSES = ("load_loss", "gate_loss", "move_loss")
IDLE = tuple(f"idle_{name}" for name in Idle.__struct_fields__)
_OF_GATES = ("readout", "reset", "loss", *SIMPLE, "leak")


def atom_noise(text: str) -> AtomNoise | None:
    """Errors of evolutions, None for a form of something else. Raises INVALID_PARAMS for a term that is none."""
    base, terms = short.base_of(text)
    if base:
        found = atom_noises().get(base)
    else:
        words = {one.partition("=")[0].strip() for one in terms}
        found = AtomNoise(name="") if words & {*RATES, *CHANCES} else None
    return found if found is None or not terms else adjust(found, terms, text)


def adjust(errors: AtomNoise, terms: Sequence[str], whole: str) -> AtomNoise:
    """``errors`` of evolutions with other numbers, under the name ``whole``. Raises INVALID_PARAMS."""
    evolution, changed = dict(errors.evolution), dict[str, float]()
    seen: set[str] = set()
    for text in terms:
        word, numbers = _read(text, whole, (*RATES, *CHANCES, "readout"), "readout")
        short.refuse_second(word, seen)
        is_share = word not in RATES or word == "decay_to_0"
        for value in numbers:
            _require(word, value, 1.0 if is_share else LARGEST)
        if word in RATES:
            evolution[word] = numbers[0]
        elif word == "readout":
            changed |= {"p01": numbers[0], "p10": numbers[-1]}
        else:
            changed[word] = numbers[0]
    return msgspec.structs.replace(errors, name=whole, evolution=evolution, **changed)


def adjusted_device(profile: Profile, terms: Sequence[str], whole: str) -> Profile:
    """A device of gates with other numbers of what goes wrong. Raises INVALID_PARAMS."""
    mishaps = profile.mishaps
    model, idle = mishaps.model or NoiseModel(), mishaps.idle
    of_model: list[str] = []
    chances: dict[str, float] = {}
    seen: set[str] = set()
    for text in terms:
        word, numbers = _read(text, whole, (*_OF_GATES, *LOSSES, *IDLE), *_OF_GATES)
        short.refuse_second(word, seen)
        if word in _OF_GATES:
            of_model.append(text)
        elif word in LOSSES:
            chances[word] = _require(word, numbers[0], 1.0)
        else:
            idle = msgspec.structs.replace(idle, **{word.removeprefix("idle_"): _require(word, numbers[0], math.inf)})
    made = short.adjust(model, of_model, whole) if of_model else mishaps.model
    changed = msgspec.structs.replace(mishaps, model=made, idle=idle, **chances)
    return msgspec.structs.replace(profile, mishaps=changed)


def _read(text: str, whole: str, words: Sequence[str], *paired: str) -> tuple[str, list[float]]:
    """A term's word, one of ``words``, and its number, or two where it is one of ``paired``."""
    word, equals, rest = (part.strip() for part in text.partition("="))
    if word not in words or not equals:
        near = difflib.get_close_matches(word[:40], words, 1)
        raise wrong(
            f"'{text.strip()[:80]}' is not a term that '{whole[:80]}' may have",
            f"did you mean {near[0]}={'P' if near[0] in paired else 'NUMBER'}?"
            if near
            else f"terms are {', '.join(words)}",
        )
    numbers = [short.number(part, whole) for part in rest.split(":")]
    if len(numbers) > (2 if word in paired else 1):
        raise wrong(
            f"'{text.strip()[:80]}' has {len(numbers)} numbers",
            f"write {word}=P or {word}=P:Q" if word in paired else f"write {word}=NUMBER",
        )
    return word, numbers


def _require(word: str, value: float, most: float) -> float:
    if not 0 <= value <= most or not math.isfinite(value):
        raise wrong(f"{word} is {value:g}", "give a number from 0" + (f" to {most:g}" if most < math.inf else ""))
    return value
