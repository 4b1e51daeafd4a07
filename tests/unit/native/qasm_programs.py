"""Random OpenQASM programs of both dialects, most of them right: gates and definitions, modifiers, classical logic,
branches, loops and subroutines; or flat ones, with gates, measurements and simple conditions only. A seed names a
program."""

from __future__ import annotations

import re
from random import Random

ANGLES = (
    "0",
    "pi",
    "-pi/2",
    "0.3",
    "3*pi/4",
    "1e-3",
    "pi/8*3",
    "2.5/1.5",
    "-(pi/3)",
    "sin(0.4)",
    "sqrt(2.0)*0.1",
    "2+3",
)
PLAIN = {
    1: ("x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "id"),
    2: ("cx", "cy", "cz", "ch", "swap"),
    3: ("ccx", "cswap"),
}
TURNED = {1: ("rx", "ry", "rz", "p", "u1"), 2: ("cp", "crx", "cry", "crz")}
OLD = {1: (("u0", 1), ("u2", 2), ("u3", 3), ("u", 3), ("sxdg", 0), ("U", 3)), 2: (
    ("cu1", 1), ("cu3", 3), ("cu", 4), ("rzz", 1), ("rxx", 1), ("ryy", 1), ("csx", 0), ("CX", 0)),
    3: (("rccx", 0),), 4: (("c3x", 0), ("rc3x", 0), ("c3sqrtx", 0)), 5: (("c4x", 0),)}  # fmt: skip
NEW = {1: (("u2", 2), ("u3", 3), ("U", 3), ("phase", 1)), 2: (("cphase", 1), ("cu", 4), ("CX", 0))}


class Writer:
    """One program being written."""

    def __init__(self, seed: int, flat: bool = False) -> None:
        self.flat = flat
        self.dice = Random(seed)
        self.two = self.dice.random() < 0.4
        self.lines: list[str] = []
        self.qubits: dict[str, int | None] = {}
        self.bits: dict[str, int | None] = {}
        self.ints: dict[str, str] = {}
        self.gates: dict[str, tuple[int, int]] = {}
        self.loops: list[str] = []
        self.subroutines: list[tuple[str, int, bool]] = []
        self.depth = 0
        self.aliased = ""

    def pick(self, *choices):
        return self.dice.choice(choices)

    def chance(self, p: float) -> bool:
        return self.dice.random() < p

    def angle(self) -> str:
        if self.flat and self.chance(0.1):
            return "-(pi - 2 * 0.4) / (1.5 + cos(-0.2))"
        if not self.flat and not self.two and self.chance(0.15):
            return self.pick("tau/3", "θ", "float(2)/k", "π/4", "1/2", "7/2*pi", "2**3*0.1", "mod(7, 4)*0.5", "k*pi/4")
        return (
            self.dice.choice(ANGLES)
            if self.chance(0.8)
            else f"{self.dice.uniform(-7, 7):.{self.dice.randrange(1, 17)}f}"
        )

    def qubit(self) -> str:
        return self.element()[0]

    def element(self) -> tuple[str, tuple[str, int]]:
        """A qubit as text, and which one it is."""
        name, size = self.dice.choice(list(self.qubits.items()))
        own = self.aliased if name == "part" else name
        if size is None:
            return name, (own, 0)
        k = self.dice.randrange(size)
        if self.two or self.flat or self.chance(0.8):
            return f"{name}[{k}]", (own, k)
        return self.pick(f"{name}[{k - size}]", f"{name}[{k} + 0]"), (own, k)

    def room(self) -> int:
        """Qubits in sight."""
        return sum(size or 1 for name, size in self.qubits.items() if name != "part")

    def register(self) -> tuple[str, int]:
        found = [(name, size) for name, size in self.qubits.items() if size]
        return self.dice.choice(found) if found else (next(iter(self.qubits)), 1)

    def operands(self, count: int) -> list[str]:
        """Distinct qubits, mostly."""
        found: dict[tuple[str, int], str] = {}
        for _ in range(60):
            text, which = self.element()
            found.setdefault(which, text)
            if len(found) == count or self.chance(0.001):
                break
        return list(found.values())

    def gate(self) -> tuple[str, int]:
        """A gate with its parameters, and its number of qubits: mostly no more than there are."""
        for _ in range(20):
            found = self.any_gate()
            if found[1] <= self.room():
                return found
        return "h", 1

    def any_gate(self) -> tuple[str, int]:
        if self.gates and self.chance(0.25):
            name, (params, qubits) = self.dice.choice(list(self.gates.items()))
        elif self.chance(0.3):
            table = OLD if self.two else NEW
            qubits = self.dice.choice(list(table))
            name, params = self.dice.choice(table[qubits])
        elif self.chance(0.5):
            qubits = self.dice.choice(list(TURNED))
            name, params = self.dice.choice(TURNED[qubits]), 1
        else:
            qubits = self.pick(1, 1, 2, 2, 3)
            name, params = self.dice.choice(PLAIN[qubits]), 0
        return (f"{name}({', '.join(self.angle() for _ in range(params))})" if params else name), qubits

    def call(self) -> str:
        name, qubits = self.gate()
        if not self.two and not self.flat and self.chance(0.25):
            for _ in range(self.pick(1, 1, 2)):
                modifier = self.pick(
                    "inv @", "ctrl @", "negctrl @", "ctrl(2) @", "pow(2) @", "pow(-3) @", "pow(0.5) @", "pow(1/3) @"
                )
                more = 2 if modifier == "ctrl(2) @" else "ctrl" in modifier
                if qubits + more <= self.room():
                    qubits, name = qubits + more, f"{modifier} {name}"
        if self.chance(0.12):
            register, _ = self.register()
            rest = [q for q in self.operands(qubits) if register not in q and "part" not in q][: qubits - 1]
            if len(rest) == qubits - 1:
                return f"{name} {', '.join([register, *rest])};"
        return f"{name} {', '.join(self.operands(qubits))};"

    # -- classical ---------------------------------------------------------------------------------------------------

    def bit(self) -> str:
        name, size = self.dice.choice(list(self.bits.items()))
        return name if size is None else f"{name}[{self.dice.randrange(size)}]"

    def condition(self) -> str:
        if self.two:
            name, size = self.dice.choice(list(self.bits.items()))
            return f"{name}=={self.dice.randrange(1 << min(size or 1, 5)) if self.chance(0.9) else 99}"
        kind = self.dice.randrange(9)
        name, size = self.dice.choice(list(self.bits.items()))
        if self.flat:
            if kind < 4 and size:
                return f"{name} == {self.dice.randrange(1 << size)}"
            return self.pick(self.bit(), f"!{self.bit()}", f"{self.bit()} == {self.pick(0, 1)}")
        if kind == 0 and size:
            return f"{name} {self.pick('==', '!=', '<', '>=', '>', '<=')} {self.dice.randrange(1 << min(size, 5))}"
        if kind == 1 and size:
            return f"int[{size}]({name}) == {self.dice.randrange(1 << size)}"
        if kind == 2 and size:
            return f"uint[{size}]({name}) {self.pick('<', '>', '==')} {self.dice.randrange(1 << size)}"
        if kind == 3:
            return f"{self.bit()} == {self.pick('0', '1', 'true')}"
        if kind == 4:
            return f"!{self.bit()} {self.pick('&&', '||')} {self.bit()}"
        if kind == 5:
            return f"({self.bit()} {self.pick('^', '&', '|')} {self.bit()}) == 1"
        if kind == 6 and self.ints:
            return f"{self.dice.choice(list(self.ints))} {self.pick('==', '<', '!=')} {self.dice.randrange(6)}"
        if kind == 7 and self.loops:
            return f"{self.dice.choice(self.loops)} {self.pick('==', '<', '>')} 1"
        return self.bit()

    def measurement(self) -> str:
        if self.chance(0.15):
            for name, size in self.qubits.items():
                for bits, width in self.bits.items():
                    if size == width:
                        return f"measure {name} -> {bits};" if self.two else f"{bits} = measure {name};"
        if self.two or self.chance(0.3):
            return f"measure {self.qubit()} -> {self.bit()};"
        return (
            self.pick(f"{self.bit()} = measure {self.qubit()};", f"measure {self.qubit()};")
            if self.flat or self.chance(0.9)
            else self.slices()
        )

    def slices(self) -> str:
        name, size = self.register()
        bits, width = self.dice.choice(list(self.bits.items()))
        if not width:
            return f"{bits} = measure {name}[{size - 1}];"
        n = self.dice.randrange(1, min(size, width) + 1)
        return self.pick(
            f"{bits}[0:{n - 1}] = measure {name}[0:{n - 1}];",
            f"{bits}[{{{', '.join(map(str, range(n)))}}}] = measure {name}[:{n - 1}];",
            f"measure {name}[0:{n - 1}] -> {bits}[{width - n}:{width - 1}];",
        )  # fmt: skip

    def assignment(self) -> str:
        if self.ints and self.chance(0.3):
            name = self.dice.choice(list(self.ints))
            return self.pick(
                f"{name} += {self.dice.randrange(4)};", f"{name} = {self.dice.randrange(9)};", f"{name} <<= 1;",
                f"{name}[{self.dice.randrange(3)}] = {self.bit()};", f"{name} = {name} + {self.bit()};",
                f"{name} = {name} - 1;", f"{name} ^= {self.dice.randrange(8)};",
            )  # fmt: skip
        name, size = self.dice.choice(list(self.bits.items()))
        if size and self.chance(0.4):
            digits = "".join(self.dice.choice("01") for _ in range(size))
            return self.pick(f'{name} = "{digits}";', f"{name} = ~{name};",
                             f"{name} <<= 1;", f"{name} = {name} ^ {name};", f"{name} = {name} >> 1;")  # fmt: skip
        return self.pick(
            f"{self.bit()} = {self.bit()} ^ {self.bit()};", f"{self.bit()} = {self.bit()} & {self.bit()};",
            f"{self.bit()} |= {self.bit()};", f"{self.bit()} = !{self.bit()};",
            f"{self.bit()} = {self.pick('0', '1', 'true')};",
        )  # fmt: skip

    # -- statements --------------------------------------------------------------------------------------------------

    def statement(self) -> str:
        roll = self.dice.random()
        if roll < 0.5:
            return self.call()
        if roll < 0.68:
            return self.measurement()
        if roll < 0.73:
            return f"reset {self.pick(self.qubit(), self.register()[0])};"
        if roll < 0.76:
            return f"barrier {self.qubit()};" if self.chance(0.7) else "barrier;"
        if self.flat:
            return self.flat_branch()
        if self.two:
            then = self.pick(self.call(), self.call(), self.measurement(), f"reset {self.qubit()};")
            return f"if({self.condition()}) {then}"
        if roll < 0.84:
            return self.assignment()
        if self.depth < 3:
            return self.compound()
        return self.call()

    def flat_branch(self) -> str:
        def one() -> str:
            return self.pick(self.call(), self.call(), f"reset {self.qubit()};")

        if self.two:
            return f"if({self.condition()}) {one()}"
        condition = self.condition()
        then = self.pick(one(), f"{{ {one()} barrier; {one()} }}", "{}")
        on_one_bit = " == " not in condition or "[" in condition
        return f"if ({condition}) {then}" + (f" else {one()}" if on_one_bit and self.chance(0.4) else "")

    def body(self, least: int = 1, most: int = 3) -> str:
        self.depth += 1
        inner = " ".join(self.statement() for _ in range(self.dice.randrange(least, most + 1)))
        self.depth -= 1
        return "{ " + inner + " }"

    def compound(self) -> str:
        kind = self.dice.randrange(8)
        if kind < 4:
            otherwise = f" else {self.body(0)}" if self.chance(0.4) else ""
            return f"if ({self.condition()}) {self.body()}{otherwise}"
        if kind == 4:
            name = self.pick("i", "j", "l")
            self.loops.append(name)
            values = self.pick("[0:2]", "[2:-1:0]", "{1, 3}", "[0:k]", "[5:2]")
            jump = f" if ({self.condition()}) {self.pick('break', 'continue')};" if self.chance(0.3) else ""
            inner = self.body()
            self.loops.pop()
            return f"for {self.pick('int', 'uint', 'uint[8]')} {name} in {values} {{{jump} {inner[1:]}"
        if kind == 5:
            name, size = self.dice.choice(list(self.bits.items()))
            target = f"uint[{size}]({name})" if size else f"int({name})"
            return f"switch ({target}) {{ case 0 {self.body()} case 1, 2 {self.body()} default {self.body(0)} }}"
        if kind == 6 and self.subroutines:
            name, qubits, gives = self.dice.choice(self.subroutines)
            call = f"{name}({', '.join([*self.operands(qubits), '0.25'])})"
            return f"{self.bit()} = {call};" if gives else f"{call};"
        return self.call()

    def definition(self) -> None:
        name, params, qubits = f"g{len(self.gates)}", self.dice.randrange(3), self.dice.randrange(1, 4)
        heads = ["a", "b", "c"][:qubits]
        own = ["s", "t_"][:params]
        before = (self.qubits, self.gates)
        self.qubits = dict.fromkeys(heads)
        lines = []
        for _ in range(self.dice.randrange(0, 5)):
            text = self.call()
            if own and self.chance(0.6):
                text = text.replace("pi", self.dice.choice(own)).replace("0.3", f"{own[0]}/2")
            lines.append(text)
        self.qubits, self.gates = before
        head = f"({', '.join(own)})" if own or self.chance(0.2) else ""
        self.lines.append(f"gate {name}{head} {', '.join(heads)} {{ {' '.join(lines)} }}")
        self.gates[name] = (params, qubits)

    def subroutine(self) -> None:
        name, qubits, gives = f"f{len(self.subroutines)}", self.dice.randrange(1, 3), self.chance(0.5)
        before = (self.qubits, self.bits, self.ints, self.subroutines)
        heads = ["a", "b"][:qubits]
        self.qubits, self.bits, self.ints, self.subroutines = dict.fromkeys(heads), {"m": None, "n": 2}, {}, []
        params = ", ".join([*(f"qubit {q}" for q in heads), "float w"])
        inner = " ".join(self.statement() for _ in range(self.dice.randrange(1, 4)))
        early = f"if ({self.condition()}) {{ return{' m' if gives else ''}; }}" if self.chance(0.3) else ""
        last = f"return {self.pick('m', 'n[0]', 'measure a', 'm ^ n[1]')};" if gives else ""
        self.qubits, self.bits, self.ints, self.subroutines = before
        self.lines.append(
            f"def {name}({params}){' -> bit' if gives else ''} {{ bit m; bit[2] n; {early} {inner} rz(w) a; {last} }}"
        )
        self.subroutines.append((name, qubits, gives))

    def program(self) -> str:
        add = self.lines.append
        add(
            self.pick("OPENQASM 2.0;", "OPENQASM 2;")
            if self.two
            else self.pick("OPENQASM 3.0;", "OPENQASM 3;", "OPENQASM 3.1;")
        )
        if self.chance(0.95):
            add('include "qelib1.inc";' if self.two else 'include "stdgates.inc";')
        if not self.two and not self.flat:
            add("const int k = 3; const float[64] θ = 0.7;")
        for _ in range(self.dice.randrange(3)):
            self.definition()
        for k in range(self.dice.randrange(1, 3)):
            size = None if not self.two and self.chance(0.2) else self.dice.randrange(1, 6)
            old = self.two or self.chance(0.1)
            self.qubits[f"q{k}"] = size if size or not old else 1
            add(f"qreg q{k}[{size or 1}];" if old else f"qubit{f'[{size}]' if size else ''} q{k};")
        for k in range(self.dice.randrange(1, 4)):
            size = None if not self.two and self.chance(0.3) else self.dice.randrange(1, 9)
            self.bits[f"c{k}"] = size
            first = f' = "{"01" * size}"'[: size + 4] + '"' if size and not self.two and self.chance(0.1) else ""
            first = "" if self.flat else first
            add(f"creg c{k}[{size}];" if self.two else f"bit{f'[{size}]' if size else ''} c{k}{first};")
        if not self.two and not self.flat:
            if self.chance(0.5):
                self.ints["n0"] = "uint[4]"
                add("uint[4] n0 = 2;")
            if self.chance(0.2):
                self.ints["n1"] = "int"
                add("int n1 = 0;")
            if self.chance(0.3):
                self.subroutine()
            if self.chance(0.2):
                name, size = self.register()
                if self.qubits[name]:
                    add(f"let part = {name}[0:{size - 1}];")
                    self.qubits["part"], self.aliased = size, name
        for _ in range(self.dice.randrange(1, 14)):
            add(self.statement() if self.chance(0.97) else self.pick("// note", "/* two\nlines */", ";"))
        return "\n".join(self.lines) + "\n"


def program(seed: int, flat: bool = False) -> str:
    return Writer(seed, flat).program()


NOISE = tuple(";,()[]{}+-*/^=<>!&|~@\"'#$.: \n\t0129aqcx_e\u03c0\u00e9\u2028\x00")
PIECES = (
    "if(c==1) ", "measure q -> c;", "inv @ ", "ctrl @ ", "pow(2) @ ", "barrier q;", "let a=q;", "for int i in [0:3] ",
    "bit b=", "0x1f", "1e400", "'01'", "gate g a {x a;}", "reset q;", "U(0,0,0) ", "// ", "/*", "*/", "10ns", "2im",
    "pi", "&&", "**", "++", "->", "$0", "break;", "end;", "return;", "while(true) {break;}", "int[8] z = 255;",
    "qubit w;", "OPENQASM 3;", "h q;",
)  # fmt: skip
NUMBERS = ("0", "1", "2", "7", "64", "99", "1.5", "-1", "100000", "1000001", ".5", "3.")


def mutated(text: str, dice: Random, others: list[str]) -> str:
    """``text`` with one to three small things changed."""
    for _ in range(dice.choice((1, 1, 2, 3))):
        start = dice.randrange(len(text) + 1)
        stop = min(len(text), start + dice.choice((1, 1, 1, 2, 5, 20)))
        kind = dice.randrange(8)
        if kind == 0:
            text = text[:start] + text[stop:]
        elif kind == 1:
            text = text[:start] + dice.choice(NOISE) + text[start:]
        elif kind == 2:
            text = text[:start] + text[start:stop] + text[start:]
        elif kind == 3:
            other = dice.choice(others)
            at = dice.randrange(len(other))
            text = text[:start] + other[at : at + dice.randrange(40)] + text[start:]
        elif kind == 4 and (words := text.split()):
            text = text.replace(dice.choice(words), dice.choice(words), 1)
        elif kind == 5:
            text = text[:start] + dice.choice(PIECES) + text[start:]
        elif kind == 6:
            lines = text.split("\n")
            a, b = dice.randrange(len(lines)), dice.randrange(len(lines))
            lines[a], lines[b] = lines[b], lines[a]
            text = "\n".join(lines)
        elif numbers := list(re.finditer(r"\d+", text)):
            number = dice.choice(numbers)
            text = text[: number.start()] + dice.choice(NUMBERS) + text[number.end() :]
    return text
