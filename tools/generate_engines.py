"""``docs/reference/engines.md`` from the declarations of the shipped engines."""

from __future__ import annotations

import sys

from pages import NOTICE, table, write_or_check

from qmk.router.score import ATTEMPT_S, PATIENCE_S
from qmk.sdk import discovery
from qmk.sdk.engine import Capabilities, Declaration
from qmk.sdk.native import ALL_GATES

INTRO = f"""# Engines

An engine computes what a program does. `qmk engines` lists those of an installation, `qmk explain` says which one would
run a program and why. Name one with `--engine NAME`, or one of its methods with `--engine NAME:METHOD`.

Every gate of the bytecode runs on every engine that is not limited to Clifford programs: what an engine lacks is
rewritten into what it has, exactly. What an engine cannot do it refuses before it starts. Each one below passes the
[conformance kit](../howto/write-an-engine.md) that ships with QMK.

## How one is chosen
1. Candidates with a gap fall out: libraries that are not installed, gates, feed-forward, qubits, memory.
2. Approximate methods run only when asked for by name.
3. Of the rest the one with the least predicted time runs. A prediction that is only an upper bound excludes a method
   when it exceeds {PATIENCE_S:g} s, unless the method was asked for by name.
4. An attempt that may fail runs only where nothing else can, and for at most {ATTEMPT_S:g} s by prediction. It ends in
   the right result or in the error `RESOURCE_EXHAUSTED`.

```python
from qmk.frontends import load
from qmk.router import choose
from qmk.router.features import features

graph = load(open("examples/ghz.qasm", "rb").read()).graph
decision = choose(features(graph), 1000, memory_bytes=1 << 30)
assert decision.engine == "native"
for candidate in decision.candidates:
    print(candidate.name, candidate.seconds, [gap.detail for gap in candidate.gaps])
```

## What each can do

"""

TRUST = """
## Feed-forward
`full`: any operation may depend on any condition on earlier results. `pauli`: Pauli gates may depend on parities.
`none`: no operation may depend on a result.

## Fences
A method that `stops` at fences can be saved, moved and rewound there; a job on any other runs on to its end. How, and
what a saved state holds, is told in [engines that stop at fences](../howto/fenced-engine.md).

## Memory
| method | bytes beyond the samples |
|---|---|
| state vector (`reference`, `aer:statevector`) | 16 * 2^n |
| `aer:density_matrix` | 16 * 4^n |
| `aer:matrix_product_state`, `aer:small_bond` | 96 * n * D^2 for bond dimension D, at most 4 GiB |
| `stabilizer` | n^2 for each history of measurements that is alive |

Samples take one byte a classical bit and shot. A program with fences, on a method that stops at them, keeps the states
of all branches of the shots under way, up to 256 MiB or one state, whichever is more.

## What Aer is not trusted with
The kit found these in qiskit-aer 0.18.2, and the engine does without them:

- A classical expression on a single gate: a program that ends soon after it is sampled as if the gate were
  unconditional. Guarded instructions are jumped over instead.
- The default sampler of the extended stabilizer, a Markov chain of single bit flips: it cannot reach some outcomes, and
  two Bell pairs of unequal weight come out uniform. Norm estimation is used, which is slow and right.
- Shot branching crashes on jumps and is off.
- A bond cap cuts off part of a state without an error. A capped run reads Aer's log of truncations and fails when more
  than 1e-9 of the weight was lost. It runs in a child process, since the log is never cleared and since Aer crashes
  when very much was cut off.
"""


def page() -> str:
    found = {name: declaration for name, declaration in discovery.engines().items() if name in SHIPPED}
    rows = [row for name in sorted(found) for row in _rows(found[name])]
    head = ("engine", "gates", "feed-forward", "qubits", "fences", "result")
    sections = [_section(found[name]) for name in sorted(found)]
    return NOTICE.format(script="generate_engines.py") + INTRO + table(head, rows) + TRUST + "".join(sections)


SHIPPED = discovery.builtin("engines")


def _rows(declaration: Declaration) -> list[tuple[str, ...]]:
    return [
        (f"`{_name(declaration, method)}`", _gates(can), can.feed_forward, _qubits(can), _fences(can), _result(can))
        for method, can in declaration.methods.items()
    ]


def _name(declaration: Declaration, method: str) -> str:
    return f"{declaration.name}:{method}" if method else declaration.name


def _gates(can: Capabilities) -> str:
    return "Clifford only" if can.clifford else "all"


def _qubits(can: Capabilities) -> str:
    return "by memory" if can.max_qubits is None else f"at most {can.max_qubits}"


def _fences(can: Capabilities) -> str:
    return "stops" if can.fences else "runs on"


def _result(can: Capabilities) -> str:
    missing = [
        what for what, there in (("mid-circuit measurement", can.mid_circuit), ("reset", can.reset)) if not there
    ]
    text = "exact" if can.exact else "approximate"
    return f"{text}, no {', no '.join(missing)}" if missing else text


def _section(declaration: Declaration) -> str:
    needs = f"Library: {declaration.library}." if declaration.library else "No library."
    extra = f" Install it with `pip install 'quantum-microkernel[{declaration.extra}]'`." if declaration.extra else ""
    lines = [f"\n## {declaration.name}\n{declaration.doc[0].upper()}{declaration.doc[1:]}. {needs}{extra}\n\n"]
    for method, can in declaration.methods.items():
        native = "every gate" if can.gates >= ALL_GATES else ", ".join(f"`{gate}`" for gate in sorted(can.gates))
        lines.append(f"- `{_name(declaration, method)}` has natively: {native}.\n")
    return "".join(lines)


if __name__ == "__main__":
    sys.exit(write_or_check({"docs/reference/engines.md": page()}, sys.argv[1:]))
