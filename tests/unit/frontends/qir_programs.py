"""Random programs in QIR with variables, branches, loops, switches and functions, as text of LLVM."""

from __future__ import annotations

import random

QUBITS, VARIABLES, BITS = 3, 2, 4

_DECLARED = """
declare void @__quantum__qis__h__body(ptr)
declare void @__quantum__qis__x__body(ptr)
declare void @__quantum__qis__s__adj(ptr)
declare void @__quantum__qis__ry__body(double, ptr)
declare void @__quantum__qis__cx__body(ptr, ptr)
declare void @__quantum__qis__mz__body(ptr, ptr)
declare void @__quantum__qis__mresetz__body(ptr, ptr)
declare void @__quantum__qis__reset__body(ptr)
declare i1 @__quantum__rt__read_result(ptr)
declare void @__quantum__rt__int_record_output(i64, ptr)
declare void @__quantum__rt__array_record_output(i64, ptr)
declare void @__quantum__rt__bool_record_output(i1, ptr)
attributes #0 = { "entry_point" "required_num_qubits"="3" "required_num_results"="4" }
"""
_TABLE = "@qubits = internal constant [3 x ptr] [ptr null, ptr inttoptr (i64 1 to ptr), ptr inttoptr (i64 2 to ptr)]\n"
_FUNCTION = """
define internal i64 @turn(double %angle, ptr %qubit, i64 %value) {
start:
  call void @__quantum__qis__ry__body(double %angle, ptr %qubit)
  %odd = and i64 %value, 1
  %is = icmp ne i64 %odd, 0
  br i1 %is, label %flip, label %end
flip:
  call void @__quantum__qis__x__body(ptr %qubit)
  br label %end
end:
  %found = phi i64 [ %value, %start ], [ 1, %flip ]
  ret i64 %found
}
"""


def pointer(number: int) -> str:
    return f"ptr inttoptr (i64 {number} to ptr)" if number else "ptr null"


class Program:
    """Statements of one function, on variables in memory: whole numbers ``v`` and bits ``b``."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.lines: list[str] = []
        self.count = 0
        self.loops = 0

    def text(self) -> str:
        head = [f"  %v{k} = alloca i64\n  store i64 {k + 1}, ptr %v{k}" for k in range(VARIABLES)]
        head += [f"  %b{k} = alloca i1\n  store i1 false, ptr %b{k}" for k in range(BITS)]
        self.some(7, 0)
        for k in range(VARIABLES):
            self.line(f"call void @__quantum__rt__int_record_output(i64 {self.masked(k)}, ptr null)")
        bits = [self.value(f"load i1, ptr %b{k}") for k in range(BITS)]
        self.line(f"call void @__quantum__rt__array_record_output(i64 {BITS}, ptr null)")
        for bit in bits:
            self.line(f"call void @__quantum__rt__bool_record_output(i1 {bit}, ptr null)")
        body = "\n".join([*head, *self.lines, "  ret i64 0"])
        return f"{_TABLE}define i64 @main() #0 {{\nentry:\n{body}\n}}\n{_FUNCTION}{_DECLARED}"

    def line(self, text: str) -> None:
        self.lines.append(f"  {text}")

    def value(self, text: str) -> str:
        self.count += 1
        self.line(f"%t{self.count} = {text}")
        return f"%t{self.count}"

    def block(self) -> str:
        self.count += 1
        return f"l{self.count}"

    def masked(self, k: int) -> str:
        """A variable, without the bits that no outcome needs."""
        return self.value(f"and i64 {self.value(f'load i64, ptr %v{k}')}, 7")

    def qubit(self) -> str:
        """A qubit that is known, or that a variable chooses."""
        if self.rng.random() < 0.75:
            return pointer(self.rng.randrange(QUBITS))
        at = self.value(f"urem i64 {self.masked(self.rng.randrange(VARIABLES))}, {QUBITS}")
        place = self.value(f"getelementptr [3 x ptr], ptr @qubits, i64 0, i64 {at}")
        return f"ptr {self.value(f'load ptr, ptr {place}')}"

    def condition(self) -> str:
        if self.rng.random() < 0.6:
            return self.value(f"load i1, ptr %b{self.rng.randrange(BITS)}")
        word = self.rng.choice(["eq", "ne", "slt", "ugt", "sle", "uge"])
        return self.value(f"icmp {word} i64 {self.masked(self.rng.randrange(VARIABLES))}, {self.rng.randrange(4)}")

    def some(self, count: int, depth: int) -> None:
        plain = [self.gate, self.measure, self.measure, self.compute, self.turn]
        nested = [self.branch, self.branch, self.loop, self.switch] if depth < 2 else []
        for _ in range(count):
            chosen = self.rng.randrange(len(plain) + len(nested))
            if chosen < len(plain):
                plain[chosen]()
            else:
                nested[chosen - len(plain)](depth)

    def gate(self) -> None:
        kind = self.rng.random()
        if kind < 0.4:
            name = self.rng.choice(["h__body", "x__body", "s__adj", "reset__body"])
            self.line(f"call void @__quantum__qis__{name}({self.qubit()})")
        elif kind < 0.7:
            angle = round(self.rng.uniform(0.2, 2.9), 3)
            self.line(f"call void @__quantum__qis__ry__body(double {angle}, {self.qubit()})")
        else:
            a, b = self.rng.sample(range(QUBITS), 2)
            self.line(f"call void @__quantum__qis__cx__body({pointer(a)}, {pointer(b)})")

    def measure(self) -> None:
        result = pointer(self.rng.randrange(BITS))
        name = self.rng.choice(["mz", "mresetz"])
        qubit = self.rng.randrange(QUBITS)
        self.line(f"call void @__quantum__qis__h__body({pointer(qubit)})")
        self.line(f"call void @__quantum__qis__{name}__body({pointer(qubit)}, {result})")
        bit = self.value(f"call i1 @__quantum__rt__read_result({result})")
        self.line(f"store i1 {bit}, ptr %b{self.rng.randrange(BITS)}")

    def compute(self) -> None:
        a, b = self.masked(0), self.masked(1)
        op = self.rng.choice(["add", "sub", "mul", "xor", "or", "and"])
        made = self.value(f"{op} i64 {a}, {b}")
        if self.rng.random() < 0.5:
            bit = self.value(f"zext i1 {self.condition()} to i64")
            made = self.value(f"add i64 {made}, {bit}")
        if self.rng.random() < 0.3:
            made = self.value(f"select i1 {self.condition()}, i64 {made}, i64 {self.rng.randrange(8)}")
        self.line(f"store i64 {made}, ptr %v{self.rng.randrange(VARIABLES)}")

    def turn(self) -> None:
        angle = round(self.rng.uniform(0.2, 2.9), 3)
        value = self.masked(self.rng.randrange(VARIABLES))
        found = self.value(f"call i64 @turn(double {angle}, {self.qubit()}, i64 {value})")
        self.line(f"store i64 {found}, ptr %v{self.rng.randrange(VARIABLES)}")

    def branch(self, depth: int) -> None:
        then, other, end = self.block(), self.block(), self.block()
        self.line(f"br i1 {self.condition()}, label %{then}, label %{other}")
        for name in (then, other):
            self.lines.append(f"{name}:")
            self.some(self.rng.randrange(1, 3), depth + 1)
            self.line(f"br label %{end}")
        self.lines.append(f"{end}:")

    def loop(self, depth: int) -> None:
        """A loop of two or three rounds, which a bit may end before."""
        head, body, end = self.block(), self.block(), self.block()
        self.loops += 1
        name = f"%i{self.loops}_{self.count}"
        self.line(f"{name} = alloca i64")
        self.line(f"store i64 0, ptr {name}")
        self.line(f"br label %{head}")
        self.lines.append(f"{head}:")
        at = self.value(f"load i64, ptr {name}")
        more = self.value(f"icmp ult i64 {at}, {self.rng.randrange(2, 4)}")
        self.line(f"br i1 {more}, label %{body}, label %{end}")
        self.lines.append(f"{body}:")
        self.some(2, depth + 1)
        self.line(f"store i64 {self.value(f'add i64 {at}, 1')}, ptr {name}")
        if self.rng.random() < 0.4:
            self.line(f"br i1 {self.condition()}, label %{end}, label %{head}")
        else:
            self.line(f"br label %{head}")
        self.lines.append(f"{end}:")

    def switch(self, depth: int) -> None:
        ways, end = [self.block() for _ in range(3)], self.block()
        cases = f"i64 0, label %{ways[1]} i64 2, label %{ways[2]} i64 3, label %{ways[2]}"
        self.line(f"switch i64 {self.masked(0)}, label %{ways[0]} [ {cases} ]")
        for name in ways:
            self.lines.append(f"{name}:")
            self.some(1, depth + 1)
            self.line(f"br label %{end}")
        self.lines.append(f"{end}:")
