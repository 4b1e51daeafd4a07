"""Documents of blocks of Yao for tests, and what Yao's documentation says they do, computed densely from them alone."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Block = dict[str, Any]
Matrix = npt.NDArray[Any]
PLAIN: dict[str, Matrix] = {
    "I2": np.eye(2), "X": np.array([[0, 1], [1, 0]]), "Y": np.array([[0, -1j], [1j, 0]]), "Z": np.diag([1, -1]),
    "H": np.array([[1, 1], [1, -1]]) / math.sqrt(2), "S": np.diag([1, 1j]), "Sdag": np.diag([1, -1j]),
    "T": np.diag([1, np.exp(1j * math.pi / 4)]), "Tdag": np.diag([1, np.exp(-1j * math.pi / 4)]),
    "SWAP": np.eye(4)[[0, 2, 1, 3]],
}  # fmt: skip


def embed(matrix: Matrix, at: list[int], n: int) -> Matrix:
    """A matrix on these positions among ``n``: position 1 is the lowest bit, of the matrix and of the whole."""
    made = np.zeros((1 << n, 1 << n), complex)
    for column in range(1 << n):
        inside = sum((column >> (k - 1) & 1) << j for j, k in enumerate(at))
        rest = column & ~sum(1 << (k - 1) for k in at)
        for row in range(len(matrix)):
            made[rest | sum((row >> j & 1) << (k - 1) for j, k in enumerate(at)), column] = matrix[row, inside]
    return made


def mat(block: Block, n: int) -> Matrix:
    """What Yao's ``mat`` gives, from its documentation."""
    match block["block"]:
        case "gate":
            return PLAIN[block["gate"]]
        case "rot":
            generator = mat(block["of"], n)
            return math.cos(block["angle"] / 2) * np.eye(1 << n) - 1j * math.sin(block["angle"] / 2) * generator
        case "shift":
            return np.diag([1, np.exp(1j * block["angle"])])
        case "phase":
            return np.exp(1j * block["angle"]) * np.eye(1 << n)
        case "matblock":
            return np.array(block["matrix"]) @ np.array([1, 1j])
        case "put":
            return embed(mat(block["of"], len(block["at"])), block["at"], n)
        case "control":
            config = block.get("config", [1] * len(block["controls"]))
            inside = embed(mat(block["of"], len(block["at"])), block["at"], n)
            fires = [
                all((k >> (c - 1) & 1) == value for c, value in zip(block["controls"], config, strict=True))
                for k in range(1 << n)
            ]
            return np.where(np.array(fires)[None, :], inside, np.eye(1 << n))
        case "chain":
            made = np.eye(1 << n, dtype=complex)
            for part in block["blocks"]:
                made = mat(part, n) @ made
            return made
        case "kron":
            return mat({"block": "chain", "blocks": block["blocks"]}, n)
        case "repeat":
            parts = [{"block": "put", "at": [k], "of": block["of"]} for k in block["at"]]
            return mat({"block": "chain", "blocks": parts}, n)
        case "cache":
            return mat(block["of"], n)
        case "dagger":
            return mat(block["of"], n).conj().T
        case "scale":
            return complex(*block["factor"]) * mat(block["of"], n)
        case other:
            raise AssertionError(other)


def document(block: Block, n: int, **more: Any) -> str:
    return json.dumps({"format": "yao-json", "version": 1, "n": n, "block": block, **more})


def gate(name: str) -> Block:
    return {"block": "gate", "gate": name}


def put(at: list[int], of: Block) -> Block:
    return {"block": "put", "at": at, "of": of}


def a_unitary(n: int, rng: random.Random) -> list[list[list[float]]]:
    dice = np.random.default_rng(rng.randrange(1 << 30))
    matrix = np.linalg.qr(dice.normal(size=(1 << n, 1 << n)) + 1j * dice.normal(size=(1 << n, 1 << n)))[0]
    return [[[x.real, x.imag] for x in row] for row in matrix.tolist()]


def a_block(n: int, rng: random.Random, depth: int = 2) -> Block:
    """A random block on ``n`` qubits, of every kind that is a gate."""
    angle = rng.uniform(-7, 7)
    plain: list[Block] = [{"block": "phase", "angle": angle}]
    if n == 1:
        plain += [gate(rng.choice([name for name in PLAIN if name != "SWAP"])), {"block": "shift", "angle": angle}]
        plain += [{"block": "rot", "angle": angle, "of": gate(rng.choice("XYZH"))}]
    if n == 2:
        plain += [gate("SWAP"), {"block": "rot", "angle": angle, "of": gate("SWAP")}]
    if n >= 2:
        letters = [put([k], gate(rng.choice("XYZ"))) for k in rng.sample(range(1, n + 1), rng.randint(1, n))]
        plain += [{"block": "rot", "angle": angle, "of": {"block": "kron", "blocks": letters}}]
    if n <= 3:
        plain += [{"block": "matblock", "matrix": a_unitary(n, rng)}]
    if not depth or (n == 1 and rng.random() < 0.6):
        return rng.choice(plain)
    at = rng.sample(range(1, n + 1), rng.randint(1, n))
    few = at[: rng.randint(1, len(at))]
    rest = at[len(few) :]
    inner: list[Block] = [
        {"block": "chain", "blocks": [a_block(n, rng, depth - 1) for _ in range(rng.randint(0, 3))]},
        put(few, a_block(len(few), rng, depth - 1)),
        {"block": "repeat", "at": at, "of": a_block(1, rng, 0)},
        {"block": "cache", "of": a_block(n, rng, depth - 1)},
        {"block": "dagger", "of": a_block(n, rng, depth - 1)},
        {"block": "scale", "factor": [math.cos(angle), math.sin(angle)], "of": a_block(n, rng, depth - 1)},
    ]
    if rest:
        parts = [put(few, a_block(len(few), rng, depth - 1)), put(rest, a_block(len(rest), rng, depth - 1))]
        config = [rng.randrange(2) for _ in rest]
        inner += [{"block": "kron", "blocks": parts}]
        inner += [{"block": "control", "controls": rest, "config": config, "at": few, "of": parts[0]["of"]}] * 3
    return rng.choice([*inner, rng.choice(plain)])


# -- programs with measurements ----------------------------------------------------------------------------------------


def a_program(n: int, rng: random.Random) -> tuple[Block, list[Block] | None]:
    """A random block with measurements at its top, in subroutines, krons and repeats, the last of all qubits. With it
    the registers that they name, or None: each has one of its own."""
    parts: list[Block] = []
    for _ in range(rng.randint(3, 6)):
        at = rng.sample(range(1, n + 1), rng.randint(1, n))
        few, rest = at[: len(at) // 2], at[len(at) // 2 :]
        kind = rng.choice(["gate", "gate", "measure", "put", "repeat", "kron"])
        if kind == "gate":
            parts.append(a_block(n, rng))
        elif kind == "measure":
            parts.append({**a_measurement(len(at), rng), "at": at})
        elif kind == "put":
            inner = [a_block(len(at), rng, 1), a_measurement(len(at), rng), a_block(len(at), rng, 1)]
            parts.append(put(at, {"block": "cache", "of": {"block": "chain", "blocks": inner}}))
        elif kind == "repeat":
            inner = [a_block(1, rng, 0), a_measurement(1, rng)]
            parts.append({"block": "repeat", "at": at, "of": {"block": "chain", "blocks": inner}})
        elif few:
            blocks = [put(few, a_measurement(len(few), rng)), put(rest, a_block(len(rest), rng, 1))]
            parts.append({"block": "kron", "blocks": blocks})
    whole = {"block": "chain", "blocks": [*parts, {"block": "measure"}]}
    has_repeat = any(part["block"] == "repeat" for part in parts)  # its measurements would all have the same bit
    return whole, None if has_repeat or rng.random() < 0.5 else _registers(whole, n, rng)


def with_parameter(given: Any, rng: random.Random) -> Any:
    """The block with about half of its angles as texts, which are these angles where t is 0.3."""
    if isinstance(given, list):
        return [with_parameter(each, rng) for each in given]
    if not isinstance(given, dict):
        return given
    made = {key: with_parameter(value, rng) for key, value in given.items()}
    if "angle" in made and rng.random() < 0.5:
        made["angle"] = f"2*t + {made['angle'] - 0.6!r}".replace("+ -", "- ")
    return made


def a_measurement(size: int, rng: random.Random) -> Block:
    return {"block": "measure", **({"reset": rng.randrange(1 << size)} if rng.random() < 0.4 else {})}


def _registers(block: Block, n: int, rng: random.Random) -> list[Block]:
    """Two registers, whose bits the measurements in a block are given; some bits are not kept."""
    measurements = [(fields, at) for fields, at in walk(block, list(range(1, n + 1))) if fields["block"] == "measure"]
    places = [(fields, k) for fields, at in measurements for k in range(len(at))]
    rng.shuffle(places)
    for fields, at in measurements:
        fields["bits"] = [None] * len(at)
    cuts = sorted(rng.randint(1, len(places)) for _ in range(2))
    registers: list[Block] = []
    for name, part in (("a", places[: cuts[0]]), ("b", places[cuts[0] : cuts[1]])):
        registers += [{"name": name, "size": len(part), "descending": rng.random() < 0.5}] if part else []
        for index, (fields, k) in enumerate(part):
            fields["bits"][k] = [name, index]
    return registers


def walk(block: Block, at: list[int]) -> Iterator[tuple[Block, list[int]]]:
    """The measurements in a block on the positions ``at``, and the gates between them, in order, each with its own."""
    match block["block"]:
        case "chain":
            for part in block["blocks"]:
                yield from walk(part, at)
        case "kron":
            for part in block["blocks"]:
                yield from walk(part, at)
        case "put":
            yield from walk(block["of"], [at[k - 1] for k in block["at"]])
        case "repeat":
            for k in block["at"]:
                yield from walk(block["of"], [at[k - 1]])
        case "cache":
            yield from walk(block["of"], at)
        case "measure":
            yield block, [at[k - 1] for k in block["at"]] if "at" in block else at
        case _:
            yield block, at


def distribution(block: Block, n: int, registers: list[Block] | None) -> dict[str, float]:
    """The chance of each outcome as it is printed: registers as declared, or the last measurement's first; in each the
    highest bit leftmost, unless it is not ``descending``."""
    start = np.zeros(1 << n, complex)
    start[0] = 1
    branches: list[tuple[Matrix, list[str], dict[tuple[str, int], str]]] = [(start, [], {})]
    for fields, at in walk(block, list(range(1, n + 1))):
        if fields["block"] != "measure":
            matrix = embed(mat(fields, len(at)), at, n)
            branches = [(matrix @ state, own, bits) for state, own, bits in branches]
            continue
        found: list[tuple[Matrix, list[str], dict[tuple[str, int], str]]] = []
        values = np.array([sum((k >> (q - 1) & 1) << j for j, q in enumerate(at)) for k in range(1 << n)])
        for state, own, bits in branches:
            for value in range(1 << len(at)):
                part = np.where(values == value, state, 0)
                if np.vdot(part, part).real < 1e-14:
                    continue
                if "reset" in fields:
                    flips = sum(1 << (q - 1) for j, q in enumerate(at) if (value ^ fields["reset"]) >> j & 1)
                    part = part[np.arange(1 << n) ^ flips]
                digits = format(value, f"0{len(at)}b")
                kept = zip(fields.get("bits", ()), reversed(digits), strict=False)
                found.append((part, [digits, *own], {**bits, **{tuple(bit): x for bit, x in kept if bit}}))
        branches = found
    out: dict[str, float] = {}
    for state, own, bits in branches:
        rows = [[bits[each["name"], k] for k in range(each["size"])] for each in registers or ()]
        texts = [
            "".join(reversed(row) if each["descending"] else row)
            for row, each in zip(rows, registers or (), strict=True)
        ]
        key = " ".join(own if registers is None else texts)
        out[key] = out.get(key, 0.0) + np.vdot(state, state).real
    return out
