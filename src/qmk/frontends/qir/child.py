"""Reads QIR with LLVM, and says what is in it as plain data; compiles Q# to QIR; makes envelopes of HUGR plain JSON.

LLVM ends the process that it runs in where bitcode is broken in some ways, so that this file is run as a process of its
own (``apart``), by its path: it imports nothing of QMK. The program comes on standard input; the answer, a MessagePack
list that begins with its kind, goes to standard output.

In the answer a number says which value is meant: from 0 on a constant of the list ``constants``, below 0 what an
instruction gives or a function is given. A type is the bits of an integer, or one of the numbers below.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import re
import resource
import sys
from typing import Any

import msgspec

VOID, DOUBLE, POINTER, OTHER = 0, -1, -2, -3
WIDEST = 64
"""Bits of the widest integer."""

ATTRIBUTES = (
    *("entry_point", "EntryPoint", "required_num_qubits", "num_required_qubits", "requiredQubits"),
    *("required_num_results", "num_required_results", "requiredResults"),
)
"""Attributes of functions that mean something, also as older versions of QIR spell them."""

_STATIC = re.compile(r"ptr inttoptr \(i\d+ (\d{1,18}) to ptr\)\Z")
_INSIDE = re.compile(
    r"ptr getelementptr (?:inbounds |nuw |nusw )*\((.*), ptr (@[^,]+)((?:, i\d+ -?\d{1,18})+)\)\Z", re.S
)
_CASTS = frozenset(
    ("zext", "sext", "trunc", "si_to_fp", "ui_to_fp", "fp_to_si", "fp_to_ui", "ptr_to_int", "int_to_ptr")
)
_LEFT_OUT = frozenset(("invoke", "call_br", "landing_pad", "indirect_br"))
"""Instructions whose operands are not values only; what reads the answer refuses them by their names."""


def _name(variable: Any) -> str:
    """A variable as LLVM's text names it."""
    return f"@{variable.name}" if variable.name else str(variable).partition(" ")[0]


class _TooLarge(Exception):
    pass


class _Walk:
    """One module, made into lists. ``most``: instructions and values that it may have."""

    def __init__(self, pyqir: Any, module: Any, most: int) -> None:
        self.left = most
        self.q = pyqir
        self.module = module
        self.numbers: dict[Any, int] = {}
        self.constants: list[list[Any]] = []
        self.results = 0
        self.opcodes: dict[Any, str] = {}
        self.returned: dict[int, int] = {}
        self.places = {each: k for k, each in enumerate(module.global_variables)}
        self.named = {_name(each): k for each, k in self.places.items()}

    def module_rows(self) -> list[Any]:
        functions = [self.function(each) for each in self.module.functions if each.basic_blocks]
        variables = [self.variable(each) for each in self.module.global_variables]
        return [functions, variables, self.constants]

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise _TooLarge

    # -- values ------------------------------------------------------------------------------------------------------

    def type_of(self, value: Any) -> int:
        found, q = value.type, self.q
        if isinstance(found, q.IntType):
            return found.width if found.width <= WIDEST else OTHER
        if isinstance(found, q.PointerType):
            return POINTER
        return VOID if found.is_void else DOUBLE if found.is_double else OTHER

    def number(self, value: Any) -> int:
        found = self.numbers.get(value)
        if found is None:
            if isinstance(value, self.q.Constant):
                found = len(self.constants)
                self.constants.append([])
                self.constants[found] = self.constant(value)
            else:
                self.results -= 1
                found = self.results
            self.numbers[value] = found
        return found

    def constant(self, value: Any) -> list[Any]:
        q = self.q
        if isinstance(value, q.Function):
            return ["function", value.name]
        if isinstance(value, q.GlobalVariable):
            return ["variable", self.places[value], "", []]
        kind = self.type_of(value)
        if isinstance(value, q.IntConstant) and kind != OTHER:
            return ["int", kind, value.value]
        if isinstance(value, q.FloatConstant) and kind == DOUBLE:
            return ["double", value.value]
        if value.is_null and kind != OTHER:
            return ["static", 0] if kind == POINTER else ["double", 0.0] if kind == DOUBLE else ["int", kind, 0]
        text = str(value)
        if match := _STATIC.match(text):
            return ["static", int(match[1])]
        if match := _INSIDE.match(text):
            found = self.named.get(match[2])
            if found is not None:
                return ["variable", found, match[1], [int(k.split()[1]) for k in match[3].split(",")[1:]]]
        return ["other", text[:80]]

    def variable(self, each: Any) -> list[Any]:
        """Name, whether it is constant, its text where it is one, and the values in it, in order."""
        held = each.initializer
        if held is None:
            return [each.name, each.is_constant, None, None]
        if isinstance(held.type, self.q.ArrayType):
            inner = held.type.element
            if isinstance(inner, self.q.IntType) and inner.width == 8:
                text = self.q.extract_byte_string(each) if isinstance(held, self.q.ArrayConstant) else b""
                return [each.name, each.is_constant, (text or b"").decode("utf-8", "replace").rstrip("\0"), None]
        values: list[int] = []
        return [each.name, each.is_constant, None, values if self.flatten(held, values) else None]

    def flatten(self, held: Any, values: list[int]) -> bool:
        if isinstance(held, self.q.ArrayConstant):
            return all(self.flatten(each, values) for each in held.elements)
        if isinstance(held.type, self.q.ArrayType) and held.is_null:
            inner = held.type.element
            if isinstance(inner, (self.q.ArrayType, self.q.StructType)):
                return False
            self.take(held.type.count)
            values += [self.number(self.q.Constant.null(inner))] * held.type.count
            return True
        self.take(1)
        values.append(self.number(held))
        return True

    # -- code --------------------------------------------------------------------------------------------------------

    def function(self, function: Any) -> list[Any]:
        """Name, what it is given, its blocks, and its attributes."""
        given = [self.number(each) for each in function.params]
        blocks = function.basic_blocks
        order = {block: k for k, block in enumerate(blocks)}
        rows = [[block.name, self.block(block, order)] for block in blocks]
        found = function.attributes.func  # pyqir cannot list those that LLVM has no text for
        attributes = {name: found[name].string_value or "" for name in ATTRIBUTES if name in found}
        return [function.name, given, rows, attributes]

    def block(self, block: Any, order: dict[Any, int]) -> list[Any]:
        call, number, numbers, returned = self.q.Call, self.number, self.numbers, self.returned
        rows: list[Any] = []
        instructions = block.instructions
        self.take(1 + len(instructions))
        for each in instructions:
            if type(each) is not call:
                rows.append(self.instruction(each, order))
                continue
            args = [numbers[value] if value in numbers else number(value) for value in each.operands]
            kind = returned.get(args[-1])
            if kind is None:
                kind = returned[args[-1]] = self.type_of(each)
            rows.append(("call", number(each) if kind else 0, kind, args, None))
        return rows

    def name_of(self, opcode: Any) -> str:
        if opcode not in self.opcodes:
            self.opcodes[opcode] = str(opcode).partition(".")[2].lower()
        return self.opcodes[opcode]

    def instruction(self, each: Any, order: dict[Any, int]) -> Any:
        """Opcode, the number of what it gives (0: nothing), its type, its operands, and what else belongs to it."""
        op, kind = self.name_of(each.opcode), self.type_of(each)
        result = self.number(each) if kind else 0
        if op == "phi":
            return op, result, kind, [], [[self.number(value), order[block]] for value, block in each.incoming]
        if op == "br":
            operands: Any = each.operands
            if len(operands) > 1:
                return op, 0, 0, [self.number(operands[0])], [order[operands[2]], order[operands[1]]]
            return op, 0, 0, [], [order[operands[0]]]
        if op == "switch":
            cases = [[self.number(value), order[block]] for value, block in each.cases]
            return op, 0, 0, [self.number(each.cond)], [order[each.default], *cases]
        if op in ("icmp", "fcmp"):
            operands = each.operands
            extra: Any = [str(each.predicate).partition(".")[2].lower(), self.type_of(operands[0])]
        elif op in _CASTS:
            extra, operands = self.type_of(each.operands[0]), each.operands
        elif op in ("alloca", "get_element_ptr"):
            extra, operands = str(each).partition("alloca " if op == "alloca" else "getelementptr ")[2], each.operands
        elif op in _LEFT_OUT or op.startswith(("catch", "cleanup")):
            extra, operands = None, []
        else:
            extra, operands = None, each.operands
        return op, result, kind, [self.number(value) for value in operands], extra


def flags_of(pyqir: Any, module: Any) -> list[Any]:
    return [pyqir.qir_major_version(module), pyqir.qir_minor_version(module)]


def read(data: bytes, text: bool, most: int) -> list[Any]:
    """What a program says: ["module", functions, variables, constants, version], or ["refused", why], or ["large"] for
    more than ``most`` instructions and values, or ["missing"] where there is no LLVM."""
    try:
        pyqir: Any = importlib.import_module("pyqir")
    except ImportError:
        return ["missing"]
    try:
        context = pyqir.Context()
        if text:
            module = pyqir.Module.from_ir(context, data.decode())
        else:
            module = pyqir.Module.from_bitcode(context, data)
        wrong = module.verify()
    except (ValueError, UnicodeDecodeError) as error:
        return ["refused", str(error).strip()[:500]]
    if wrong:
        return ["refused", wrong.strip()[:500]]
    try:
        return ["module", *_Walk(pyqir, module, most).module_rows(), flags_of(pyqir, module)]
    except _TooLarge:
        return ["large"]


def to_bitcode(data: bytes) -> list[Any]:
    """["bitcode", the bytes] of a text, or as ``read``."""
    try:
        pyqir: Any = importlib.import_module("pyqir")
    except ImportError:
        return ["missing"]
    try:
        return ["bitcode", pyqir.Module.from_ir(pyqir.Context(), data.decode()).bitcode]
    except ValueError as error:
        return ["refused", str(error).strip()[:500]]


PROFILES = ("Adaptive_RIF", "Adaptive")
"""Profiles of QIR that are tried in turn for Q#: loops that known values end are written out by the first."""


def compile_qsharp(source: str, entry: str) -> list[Any]:
    """["text", QIR] of what ``entry`` calls, or as ``read``. The kit is told to report nothing to its makers."""
    os.environ["QDK_PYTHON_TELEMETRY"] = os.environ["QSHARP_PYTHON_TELEMETRY"] = "none"
    try:
        kit: Any = importlib.import_module("qdk.qsharp")
    except ImportError:
        return ["missing"]
    why = ""
    for profile in PROFILES:
        try:
            kit.init(target_profile=getattr(kit.TargetProfile, profile))
            kit.eval(source)
            return ["text", str(kit.compile(entry))]
        except kit.QSharpError as error:
            why = str(error)
    return ["refused", why[:4000]]


def read_hugr(data: bytes, most: int) -> list[Any]:
    """["json", the package] of an envelope of HUGR, or as ``read``. ``most``: bytes of JSON."""
    try:
        envelope: Any = importlib.import_module("hugr.envelope")
    except ImportError:
        return ["missing"]
    try:
        package = envelope.read_envelope(data)
        for module in package.modules:
            for _, node in module.nodes():  # hugr 0.18 puts the arguments of a generic function for its parameters
                if hasattr(node.op, "instantiation"):
                    node.op.signature = dataclasses.replace(node.op.signature, params=[])
        config = envelope.EnvelopeConfig(format=envelope.EnvelopeFormat.JSON)
        found = package.to_bytes(config)[len(envelope.MAGIC_NUMBERS) + 2 :]
    except Exception as error:  # what a broken file makes it raise is not limited
        return ["refused", f"{type(error).__name__} {error!s:.300}"]
    return ["json", found] if len(found) <= most else ["large"]


def main() -> None:
    """Arguments: what to do (text, bitcode, write, qsharp, hugr), seconds of processor time, bytes of address space,
    the most instructions, and for Q# what to call, for HUGR the most bytes. What a source prints as it is compiled goes
    nowhere."""
    what, seconds, memory, most = sys.argv[1], *map(int, sys.argv[2:5])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for which, bound in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, memory)):
        bound = min([bound, *(old for old in resource.getrlimit(which) if old != resource.RLIM_INFINITY)])
        resource.setrlimit(which, (bound, bound))
    data = sys.stdin.buffer.read()
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if what == "qsharp":
            answer = compile_qsharp(data.decode("utf-8", "replace"), sys.argv[5])
        elif what == "hugr":
            answer = read_hugr(data, int(sys.argv[5]))
        else:
            answer = to_bitcode(data) if what == "write" else read(data, what == "text", most)
        out.write(msgspec.msgpack.encode(answer))


if __name__ == "__main__":
    main()
