"""The registers and the items of a circuit, and how its operands are read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self, cast

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS, check
from qmk.circuit.building import BitRegister, QubitRegister
from qmk.circuit.items import Item
from qmk.circuit.methods import OpMethods
from qmk.circuit.operands import Bit, BitLike, Bits, Qubit, QubitLike, Qubits, numbers_of, whole_number, wrong
from qmk.ir.parameters import Angle, Expression, Parameter
from qmk.models.arguments import show
from qmk.qvm.graph import Graph

Sizes = int | Mapping[str, int | None]
"""A number of qubits or bits, or a size for each register's name; None: one by itself."""


class Store(OpMethods):
    """``_items`` in program order; qubits and bits are numbered in the order in which they were added."""

    def __init__(self, qubits: Sizes = 0, bits: Sizes = 0) -> None:
        self._items: list[Item] = []
        self._size = 0
        self._qubit_registers: list[QubitRegister] = []
        self._bit_registers: list[BitRegister] = []
        self._qubit_names: list[str] = []
        self._bit_names: list[str] = []
        self._channels: set[str] = set()
        self._written: set[int] = set()
        self._free = 0
        self._open: list[object] = []
        self._ended = -1
        self._metadata: dict[str, Any] = {}
        self._shots: int | None = None
        self._known: tuple[Any, Graph] | None = None
        self._text: tuple[Any, bytes | None] | None = None
        self._parameters: tuple[Any, dict[str, int | None]] | None = None
        self._digest: tuple[Any, str] | None = None
        for name, size in _sizes("qubits", qubits, "q").items():
            self.add_qubits(size, name)
        for name, size in _sizes("bits", bits, "c").items():
            self.add_bits(size, name)

    # -- registers ---------------------------------------------------------------------------------------------------

    def add_qubits(self, size: int | None, name: str = "") -> Qubits:
        """Adds a register of ``size`` qubits in |0>; None: one qubit by itself. Its name, if not given: q, q1, q2, ...

        Raises INVALID_PARAMS for a name that is taken, QUOTA_EXCEEDED beyond the limit ``qubits``."""
        name = self._new_name(name, "q")
        count = _size_of("qubits", size)
        check("qubits", self._size + count)
        first = self._size
        self._qubit_registers.append(QubitRegister(name, None if size is None else count))
        self._qubit_names += [name] if size is None else [f"{name}[{k}]" for k in range(count)]
        self._size += count
        return Qubits(name, [Qubit(k, self._qubit_names[k]) for k in range(first, self._size)])

    def add_qubit(self, name: str = "") -> Qubit:
        """Adds one qubit by itself; see ``add_qubits``."""
        return self.add_qubits(None, name)[0]

    def add_bits(self, size: int | None, name: str = "") -> Bits:
        """Adds a register of ``size`` classical bits; None: one bit by itself. Its name, if not given: c, c1, c2, ...
        All are 0 until something writes them. Results print the register that was added last leftmost, and of each
        register the highest bit leftmost, as OpenQASM does.

        Raises INVALID_PARAMS for a name that is taken, QUOTA_EXCEEDED beyond the limit ``events``."""
        name = self._new_name(name, "c")
        count = _size_of("bits", size)
        check("events", len(self._bit_names) + count)
        first = len(self._bit_names)
        self._bit_names += [name] if size is None else [f"{name}[{k}]" for k in range(count)]
        numbers = tuple(range(first, first + count))
        self._bit_registers.append(BitRegister(name, numbers, size is None))
        return Bits(name, [Bit(k, self._bit_names[k]) for k in numbers])

    def add_bit(self, name: str = "") -> Bit:
        """Adds one classical bit by itself; see ``add_bits``."""
        return self.add_bits(None, name)[0]

    @property
    def qubits(self) -> Qubits:
        """All qubits in order."""
        return Qubits("qubits", [Qubit(k, name) for k, name in enumerate(self._qubit_names)])

    @property
    def bits(self) -> Bits:
        """All classical bits in order."""
        return Bits("bits", [Bit(k, name) for k, name in enumerate(self._bit_names)])

    @property
    def n_qubits(self) -> int:
        return self._size

    @property
    def n_bits(self) -> int:
        return len(self._bit_names)

    def _new_name(self, name: str, default: str) -> str:
        taken = {register.name for register in (*self._qubit_registers, *self._bit_registers)}
        long = isinstance(cast("object", name), str) and len(name) > LIMITS.name_chars // 2
        if not isinstance(cast("object", name), str) or long or (name and not name.isidentifier()):
            raise wrong(f"a register cannot be named {show(name)}", "take a few letters, digits and _", "name")
        if name in taken:
            raise wrong(f"there is a register '{name}' already", "take another name", "name")
        number = 0
        while not name or name in taken:
            name = f"{default}{number or ''}"
            number += 1
        return name

    # -- operands ----------------------------------------------------------------------------------------------------

    def _qubits(self, given: QubitLike) -> int | list[int]:
        return numbers_of("qubit", given, self._size, self._qubits_named, self._qubit_names.__getitem__)

    def _qubits_named(self, name: str) -> int | list[int] | None:
        at = 0
        for register, size in self._qubit_registers:
            if register == name:
                return at if size is None else list(range(at, at + size))
            at += 1 if size is None else size
        return None

    def _flat_qubits(self, given: Iterable[QubitLike]) -> tuple[int, ...]:
        """Qubits of one op: registers and lists with all of theirs, each qubit once."""
        found = tuple(qubit for each in given for qubit in as_list(self._qubits(each)))
        require_distinct("the op", found, self._qubit_names)
        return found

    def _bits(self, given: BitLike) -> int | list[int]:
        return numbers_of("bit", given, self.n_bits, self._bits_named, self._bit_names.__getitem__)

    def _bits_named(self, name: str) -> int | list[int] | None:
        for register in self._bit_registers:
            if register.name == name:
                return register.bits[0] if register.single else list(register.bits)
        return None

    def _bits_for(self, count: int, given: BitLike | None, single: bool = False) -> list[int]:
        """So many bits to write: those that are given, a new register where its name is, else the first that nothing
        has written, for which register c grows."""
        if given is None:
            found = [self._free_bit() for _ in range(count)]
        elif isinstance(given, str) and "[" not in given and self._bits_named(given) is None:
            found = [bit.index for bit in self.add_bits(None if single else count, given)]
        else:
            found = as_list(self._bits(given))
        if len(found) != count:
            raise wrong(f"{count} bit(s) are measured into {len(found)}", f"give {count} bit(s)", "bits")
        if len(set(found)) < count:
            raise wrong("a bit is written twice by one op", "name each bit once", "bits")
        self._written.update(found)
        return found

    def _free_bit(self) -> int:
        while self._free in self._written:
            self._free += 1
        if self._free == self.n_bits:
            self._grow()
        self._free += 1
        return self._free - 1

    def _grow(self) -> None:
        """Adds a bit to register c, which is made where there is none."""
        check("events", self.n_bits + 1)
        for at, register in enumerate(self._bit_registers):
            if register.name == "c" and not register.single:
                self._bit_registers[at] = register._replace(bits=(*register.bits, self.n_bits))
                self._bit_names.append(f"c[{len(register.bits)}]")
                return
        self.add_bits(1, "c" if self._qubits_named("c") is None and self._bits_named("c") is None else "")

    def _allocated_later(self) -> frozenset[int]:
        """The qubits that are not there from the start."""
        return frozenset()

    def _version(self) -> tuple[int, int, int]:
        """A key for the content: all that is added changes it, and nothing is taken away."""
        return len(self._items), self._size, len(self._bit_names)

    # -- copies ------------------------------------------------------------------------------------------------------

    def copy(self) -> Self:
        """A circuit of its own with the same content."""
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        for name, value in self.__dict__.items():
            if isinstance(value, (list, set)):
                made.__dict__[name] = cast("list[Any]", value).copy()
        made._metadata = dict(self._metadata)
        return made

    def _with_items(self, items: list[Item]) -> Self:
        """A circuit with the same registers and other items."""
        made = self.copy()
        made._items = items
        made._known = made._text = made._parameters = made._digest = None
        return made

    def __copy__(self) -> Self:
        return self.copy()

    def __deepcopy__(self, memo: object) -> Self:
        return self.copy()  # items never change

    def __getstate__(self) -> dict[str, Any]:
        return self._with_items(self._items).__dict__


_LARGEST = 1 << 63
"""Sizes from here are not asked of the limits."""


def as_list(found: int | list[int]) -> list[int]:
    return [found] if isinstance(found, int) else found


def require_distinct(what: str, qubits: Sequence[int], names: Sequence[str]) -> None:
    """Raises INVALID_PARAMS if a qubit is given twice."""
    if len(set(qubits)) < len(qubits):
        twice = next(qubit for qubit in qubits if list(qubits).count(qubit) > 1)
        raise wrong(f"{what}: qubit {twice} ({names[twice]}) is given twice", "give different qubits")


def angles_of(name: str, given: object) -> Angle | list[Angle]:
    """An angle or another number, or several where a list, an array or a vector of parameters is given."""
    if isinstance(given, Parameter) and given.size is not None:
        return list(given)
    if isinstance(given, Expression):
        return given
    if not isinstance(given, (bool, str, bytes)):
        if hasattr(given, "tolist"):
            given = cast("Any", given).tolist()
        if isinstance(given, (list, tuple, range)):
            check("operands", len(cast("Sequence[object]", given)))
            return [_angle(name, each) for each in cast("Sequence[object]", given)]
    return _angle(name, given)


def _angle(name: str, given: object) -> Angle:
    if isinstance(given, Expression):
        return given.at({}) if isinstance(given, Parameter) else given
    try:
        if isinstance(given, (bool, str, bytes)):
            raise TypeError
        found = float(cast("Any", given))
    except Exception:  # a caller's own class may raise anything
        fix = "give a number, such as 0.5 or math.pi/2, or a qmk.Parameter"
        raise wrong(f"{name}: {show(given)} ({type(given).__name__}) is not a number", fix) from None
    if not math.isfinite(found):
        raise wrong(f"{name}: {found} is not a finite number", "give a finite number")
    return found


def _sizes(what: str, given: Sizes, default: str) -> Mapping[str, int | None]:
    if isinstance(given, Mapping):
        return given
    size = _size_of(what, given)
    return {default: size} if size else {}


def _size_of(what: str, given: object) -> int:
    if given is None:
        return 1
    found = whole_number(given)
    if found is None or not 0 <= found < _LARGEST:
        raise QmkError(
            "INVALID_PARAMS",
            f"{what} must be a number, or a size for each name; got {show(given)}",
            field=what,
            help="give such as 3, or {'data': 3, 'anc': 1}",
        )
    return found
