"""Programs by name, and random ones: what the logical tier is compared with the physical one on.

Each starts and ends in states whose parities are certain, in both bases, so that every one of its errors is seen by
some program. The twenty of ``held_out`` are not part of any fit.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from qmk.models.qec.surgery.floor import Floor, Patch, wrong
from qmk.models.qec.surgery.program import Basis, Correct, Idle, Inject, Measure, Merge, Op, Phase, Prepare, Program

OTHER: dict[Basis, Basis] = {"X": "Z", "Z": "X"}
SEED = 2026
RANDOM_PROGRAMS = 6


def _build(name: str, rows: int, cols: int, patches: dict[str, Patch], *ops: Op) -> Program:
    return Program(name, Floor(rows, cols, patches), ops)


def _each(kind: Callable[[str], Op], names: str) -> tuple[Op, ...]:
    return tuple(kind(name) for name in names)


def _prepare(names: str, basis: Basis) -> tuple[Op, ...]:
    return _each(lambda name: Prepare(name, basis), names)


def _measure(names: str, basis: Basis) -> tuple[Op, ...]:
    return _each(lambda name: Measure(name, basis, f"m_{name}"), names)


def memory(basis: Basis = "Z", cycles: int = 1) -> Program:
    """One patch that waits."""
    ops = (Prepare("a", basis), Idle("a", cycles), Measure("a", basis, "m_a"))
    return _build(f"memory_{basis}_{cycles}", 1, 1, {"a": Patch(0, 0)}, *ops)


def cnot(control: Basis = "Z", target: Basis = "Z") -> Program:
    """CNOT over an ancilla patch in ``|+>``: MZZ with the control, MXX with the target, the ancilla measured in Z; the
    outcomes correct the frame (Horsman, Fowler, Devitt, Van Meter, New J. Phys. 14, 123011 (2012)). Ten blocks of one
    cycle, as in the gallery of tqec."""
    return _build(
        f"cnot_{control}{target}",
        2,
        2,
        {"c": Patch(0, 0), "a": Patch(1, 0), "t": Patch(1, 1)},
        Prepare("c", control),
        Prepare("t", target),
        *_each(Idle, "ct"),
        *_cnot("c", "a", "t"),
        Idle("c", 2),
        Idle("t"),
        Measure("c", control, "m_c"),
        Measure("t", target, "m_t"),
    )


def _cnot(control: str, ancilla: str, target: str, tag: str = "") -> tuple[Op, ...]:
    return (
        Prepare(ancilla, "X"),
        Merge({control: "Z", ancilla: "Z"}, f"zz{tag}"),
        Merge({ancilla: "X", target: "X"}, f"xx{tag}"),
        Measure(ancilla, "Z", f"m_{ancilla}{tag}"),
        Correct(target, "X", (f"zz{tag}", f"m_{ancilla}{tag}")),
        Correct(control, "Z", (f"xx{tag}",)),
    )


def bell(basis: Basis) -> Program:
    """A Bell pair by one MZZ of two ``|+>``, measured in one basis."""
    return _build(
        f"bell_{basis}",
        2,
        1,
        {"a": Patch(0, 0), "b": Patch(1, 0)},
        *_prepare("ab", "X"),
        Merge({"a": "Z", "b": "Z"}, "zz"),
        *_each(Idle, "ab"),
        *_measure("ab", basis),
    )


def ghz(basis: Basis) -> Program:
    """Three patches joined one after another by MZZ."""
    return _build(
        f"ghz_{basis}",
        3,
        1,
        {"a": Patch(0, 0), "b": Patch(1, 0), "c": Patch(2, 0)},
        *_prepare("abc", "X"),
        Merge({"a": "Z", "b": "Z"}, "ab"),
        Merge({"b": "Z", "c": "Z"}, "bc"),
        *_each(Idle, "abc"),
        *_measure("abc", basis),
    )


def cnot_chain(basis: Basis) -> Program:
    """CNOT from p to q, then from q to r, each over an ancilla of its own; the patches step down the floor."""
    floor = {"p": Patch(0, 0), "a": Patch(1, 0), "q": Patch(1, 1), "b": Patch(2, 1), "r": Patch(2, 2)}
    return _build(
        f"cnot_chain_{basis}",
        3,
        3,
        floor,
        *_prepare("pqr", basis),
        *_cnot("p", "a", "q", "1"),
        *_cnot("q", "b", "r", "2"),
        *_each(Idle, "pqr"),
        *_measure("pqr", basis),
    )


def teleportation(basis: Basis) -> Program:
    """A state goes from patch s over a Bell pair to patch r, corrected in the frame."""
    return _build(
        f"teleportation_{basis}",
        3,
        1,
        {"s": Patch(0, 0), "b": Patch(1, 0), "r": Patch(2, 0)},
        Prepare("s", basis),
        Idle("s"),
        *_prepare("br", "X"),
        Merge({"b": "Z", "r": "Z"}, "pair"),
        Merge({"s": "Z", "b": "Z"}, "zz"),
        *_each(lambda name: Measure(name, "X", f"m_{name}"), "sb"),
        Correct("r", "X", ("pair", "zz")),
        Correct("r", "Z", ("m_s", "m_b")),
        Idle("r"),
        Measure("r", basis, "m_r"),
    )


def move(basis: Basis) -> Program:
    """A patch moves to the tile below in one cycle: a fresh patch there is joined by MZZ, and the old one measured."""
    return _build(
        f"move_{basis}",
        2,
        1,
        {"s": Patch(0, 0), "t": Patch(1, 0)},
        Prepare("s", basis),
        Idle("s"),
        Prepare("t", "X"),
        Merge({"s": "Z", "t": "Z"}, "zz"),
        Measure("s", "X", "m_s"),
        Correct("t", "X", ("zz",)),
        Correct("t", "Z", ("m_s",)),
        Idle("t"),
        Measure("t", basis, "m_t"),
    )


def memory_beside_merges(basis: Basis) -> Program:
    """Two patches wait beside two merges of others."""
    return _build(
        f"memory_beside_merges_{basis}",
        2,
        3,
        {"a": Patch(0, 0), "b": Patch(1, 0), "u": Patch(0, 2), "v": Patch(1, 2)},
        *_prepare("abuv", basis),
        Merge({"a": "Z", "b": "Z"}, "zz1"),
        *_each(lambda name: Idle(name, 4), "uv"),
        *_each(lambda name: Idle(name, 2), "ab"),
        Merge({"a": "Z", "b": "Z"}, "zz2"),
        *_measure("abuv", basis),
    )


def product(count: int, basis: Basis) -> Program:
    """Z of ``count`` patches measured at once over a row of routing space below them."""
    names = "abcdef"[:count]
    return _build(
        f"product_{'Z' * count}_{basis}",
        2,
        2 * count - 1,
        {name: Patch(0, 2 * at) for at, name in enumerate(names)},
        *_prepare(names, basis),
        *_each(Idle, names),
        Merge(dict.fromkeys(names, "Z"), "product"),
        *_each(Idle, names),
        *_measure(names, basis),
    )


def wall(basis: Basis) -> Program:
    """X of one patch with Z of another, which is turned, over a domain wall, twice: the second agrees."""
    paulis: dict[str, Basis] = {"a": "X", "b": "Z"}
    return _build(
        f"domain_wall_{basis}",
        1,
        2,
        {"a": Patch(0, 0), "b": Patch(0, 1, turned=True)},
        Prepare("a", basis),
        Prepare("b", OTHER[basis]),
        Merge(paulis, "xz1"),
        *_each(Idle, "ab"),
        Merge(paulis, "xz2"),
        Measure("a", basis, "m_a"),
        Measure("b", OTHER[basis], "m_b"),
    )


def t_gates(count: int = 1, data: Basis = "X") -> Program:
    """T gates on patch q, one after another, each by teleportation: a T state in patch m is joined by MZZ and measured
    away; an odd product asks for an S (Litinski, Quantum 3, 128 (2019), fig. 7). Patch q waits for two cycles, the time
    of one gate, and its state is left as it is."""
    ops: list[Op] = [Prepare("q", data), Idle("q", 2)]
    for at in range(count):
        ops += [
            Inject("m"),
            Merge({"q": "Z", "m": "Z"}, f"zz{at}"),
            Measure("m", "X", f"m{at}"),
            Correct("q", "Z", (f"m{at}",)),
            Phase("q", (f"zz{at}",)),
        ]
    return _build(f"t_gates_{count}", 2, 1, {"q": Patch(0, 0), "m": Patch(1, 0)}, *ops)


def random_program(seed: int, patches: int, merges: int = 4) -> Program:
    """Patches in a grid of two columns, a chain of random merges of neighbours and waits, all in one random basis at
    the beginning and at the end. The same for the same numbers on every machine."""
    if not 2 <= patches <= 26:
        raise wrong(f"{patches} patches", "use 2 to 26")
    dice = random.Random(f"surgery:{seed}:{patches}:{merges}")
    names = "abcdefghijklmnopqrstuvwxyz"[:patches]
    floor = {name: Patch(at // 2, at % 2) for at, name in enumerate(names)}
    pairs: list[tuple[str, str, Basis]] = []
    for at, name in enumerate(names):
        if at % 2 == 0 and at + 1 < patches:
            pairs.append((name, names[at + 1], "X"))
        if at + 2 < patches:
            pairs.append((name, names[at + 2], "Z"))
    basis: Basis = dice.choice(("X", "Z"))
    ops: list[Op] = [*_prepare(names, basis)]
    for at in range(merges):
        a, b, pauli = dice.choice(pairs)
        ops.append(Merge({a: pauli, b: pauli}, f"k{at}"))
        if dice.random() < 0.5:
            ops.append(Idle(dice.choice(names), dice.randint(1, 2)))
    ops += [*_each(Idle, names), *_measure(names, basis)]
    return _build(f"random_{seed}_{patches}", (patches + 1) // 2, 2, floor, *ops)


def held_out(seed: int = SEED) -> tuple[Program, ...]:
    """Twenty programs of two to six patches, six of them random ones of this seed."""
    named = (
        bell("X"),
        bell("Z"),
        ghz("X"),
        ghz("Z"),
        cnot("Z", "Z"),
        cnot("X", "X"),
        cnot_chain("Z"),
        cnot_chain("X"),
        teleportation("Z"),
        teleportation("X"),
        memory_beside_merges("Z"),
        memory_beside_merges("X"),
        product(3, "Z"),
        wall("X"),
    )
    sizes = (2, 3, 4, 5, 6, 6)
    return named + tuple(random_program(seed + at, sizes[at]) for at in range(RANDOM_PROGRAMS))


def _read_memory(basis: Basis, cycles: str) -> Program:
    return memory(basis, int(cycles))


def _read_product(paulis: str, basis: Basis) -> Program:
    return product(len(paulis), basis)


def _read_t_gates(count: str) -> Program:
    return t_gates(int(count))


def _read_random(seed: str, patches: str) -> Program:
    return random_program(int(seed), int(patches))


NAMES: tuple[tuple[str, Callable[..., Program]], ...] = (
    (r"memory_([XZ])_(\d{1,3})", _read_memory),
    (r"bell_([XZ])", bell),
    (r"ghz_([XZ])", ghz),
    (r"cnot_([XZ])([XZ])", cnot),
    (r"cnot_chain_([XZ])", cnot_chain),
    (r"teleportation_([XZ])", teleportation),
    (r"move_([XZ])", move),
    (r"memory_beside_merges_([XZ])", memory_beside_merges),
    (r"product_(Z{2,6})_([XZ])", _read_product),
    (r"domain_wall_([XZ])", wall),
    (r"t_gates_(\d{1,4})", _read_t_gates),
    (r"random_(\d{1,9})_(\d{1,2})", _read_random),
)


def program_named(name: str) -> Program:
    """The program of this name, such as ``cnot_ZZ``. Raises INVALID_PARAMS with the patterns of names."""
    for pattern, build in NAMES:
        if found := re.fullmatch(pattern, name):
            return build(*found.groups())
    raise wrong(
        f"no program '{name}'",
        "such as cnot_ZZ, bell_X, ghz_X, cnot_chain_Z, teleportation_X, memory_Z_3, product_ZZZ_Z, domain_wall_X,"
        " t_gates_5, random_1_6",
    )
