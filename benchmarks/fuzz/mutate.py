"""Mutations of documents: of their bytes, of their lines and words, and of the tree of a JSON document."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from typing import Any

LARGEST = 1 << 15
"""Most bytes of a mutated document."""
ODD = (
    "0", "-1", "1", "2", "7", "63", "64", "65", "255", "65536", "2147483648", "4294967295", "9223372036854775807",
    "9223372036854775808", "18446744073709551616", "1" * 400, "1e400", "-1e-400", "0.1", "1e308", "nan", "inf", "0x7f",
    "1_000", "٣", "\x00", "\ufeff", "é", "{", "}", "(", ")", "[", "]", ";", ",", ":", "..", "->", "=", '"', "'", "\\",
    "/*", "//", "#", "@", "**", "%", "!", "~", "<<", "\n", "\r", "\t", "rec[-1]", "pi", "q", "true", "null",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 1 << 31, 1 << 63, -(1 << 63), 1 << 64, 10**400, 0.5, -0.0, 1e308, 1e-320,
    float("nan"), float("inf"), "", "0", "x", "nan", "q0", "\x00", "\ud800", "é" * 40, "a" * 300, [], {}, [[]], [None],
    [0, 0], {"": 0}, {"a": {"a": {}}},
)  # fmt: skip
WORD = re.compile(r"\w+|\s+|[^\w\s]")


def mutate(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """``data`` after one to four mutations; ``others`` are documents of which pieces may be taken."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        data = rng.choice(WAYS)(rng, data, others)[:LARGEST]
    return data


def _place(rng: random.Random, data: bytes) -> tuple[int, int]:
    """A piece of the document, mostly a short one."""
    at = rng.randrange(len(data) + 1)
    return at, min(len(data), at + int(rng.expovariate(1 / 12)) + 1)


def _flip(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def _cut(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    at, end = _place(rng, data)
    return data[:at] + data[end:]


def _repeat(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    at, end = _place(rng, data)
    return data[:at] + data[at:end] * rng.choice((2, 2, 3, 70, 1200)) + data[end:]


def _insert(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    at, end = _place(rng, data)
    return data[:at] + rng.choice(ODD).encode() + data[rng.choice((at, end)) :]


def _splice(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    other = rng.choice(others)
    start, stop = sorted((rng.randrange(len(other) + 1), rng.randrange(len(other) + 1)))
    at, end = _place(rng, data)
    return data[:at] + other[start:stop] + data[end:]


def _lines(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    lines, more = data.splitlines(keepends=True), rng.choice(others).splitlines(keepends=True)
    if not lines:
        return data
    at = rng.randrange(len(lines))
    lines[at : at + rng.choice((0, 1))] = [rng.choice(rng.choice((lines, more or lines)))] * rng.choice((0, 1, 1, 3))
    if rng.random() < 0.3:
        rng.shuffle(lines)
    return b"".join(lines)


def _words(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    words = WORD.findall(data.decode("utf-8", "replace"))
    more = WORD.findall(rng.choice(others).decode("utf-8", "replace"))
    if not words:
        return data
    at = rng.randrange(len(words))
    words[at] = rng.choice((rng.choice(words), rng.choice(more or words), rng.choice(ODD), words[at] * 2))
    return "".join(words).encode("utf-8", "replace")


def _tree(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change, remove, copy or nest one value of a JSON document."""
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError):
        return _words(rng, data, others)
    spots: list[tuple[Any, Any]] = []
    _spots(whole, spots)
    if not spots:
        return json.dumps(rng.choice(VALUES)).encode("utf-8", "replace")
    parent, key = rng.choice(spots)
    old, way = parent[key], rng.randrange(6)
    if way == 0:
        del parent[key]
    elif way == 1:
        parent[key] = rng.choice(spots)[0]
        return _dump(parent if parent[key] is parent else whole, data)
    elif way == 2 and isinstance(old, str):
        parent[key] = _words(rng, old.encode("utf-8", "replace"), others).decode("utf-8", "replace")
    elif way == 3:
        parent[key] = [old]
    elif way == 4 and isinstance(parent, list):
        parent.insert(key, json.loads(json.dumps(old)))
    else:
        parent[key] = rng.choice(VALUES)
    return _dump(whole, data)


def _spots(value: Any, spots: list[tuple[Any, Any]]) -> None:
    pairs: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in pairs:
        spots.append((value, key))
        _spots(each, spots)


def _dump(value: Any, otherwise: bytes) -> bytes:
    try:
        return json.dumps(value).encode("utf-8", "replace")
    except (ValueError, RecursionError):  # a value inside of itself
        return otherwise


WAYS: tuple[Callable[[random.Random, bytes, Sequence[bytes]], bytes], ...] = (
    _flip, _cut, _repeat, _insert, _splice, _lines, _lines, _words, _words, _tree, _tree, _tree,
)  # fmt: skip
