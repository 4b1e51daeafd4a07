"""``docs/reference/engines.md`` from the declarations of the shipped engines."""

from __future__ import annotations

import sys

from pages import NOTICE, table, write_or_check

from qmk.ir.resolver import ALL_GATES
from qmk.router.score import ATTEMPT_S, LONGEST_BOUND_S
from qmk.sdk import discovery
from qmk.sdk.engine import Capabilities, Declaration

INTRO = f"""# Engines

An engine computes what a program does. `qmk engines` lists those of an installation, `qmk explain` says which one would
run a program and why. Name one with `--engine NAME`, or one of its methods with `--engine NAME:METHOD`.

Every gate of the bytecode runs on every engine that is not limited to Clifford programs: what an engine lacks is
rewritten into what it has, exactly. What an engine cannot do it refuses before it starts. Each one below passes the
[conformance kit](../howto/write-an-engine.md) that ships with QMK.

## How one is chosen
1. Candidates with a gap fall out: libraries that are not installed, gates, feed-forward, noise, qubits,
   memory.
2. Approximate methods run only when asked for by name, and so do [devices of providers](../howto/cloud.md).
3. Of the rest the one with the least predicted time runs. A prediction that is only an upper bound excludes a method
   when it exceeds {LONGEST_BOUND_S:g} s, unless the method was asked for by name.
4. Our own simulators (`native`) come first where they are predicted to be done within 0.05 s. Where they take longer,
   the others compete, and those that are slow to start only if all others take longer than 0.05 s. So it is on the
   command line, in `qmk.run`, in `qmk.sample` and in a daemon.
5. Of a program with fences, methods that can stop at them come before those that run on.
6. An attempt that may fail runs only where nothing else can, and for at most {ATTEMPT_S:g} s by prediction. It ends in
   the right result or in the error `RESOURCE_EXHAUSTED`.

```python
from qmk.frontends import load
from qmk.router import choose
from qmk.router.features import features

graph = load(open("examples/ghz.qasm", "rb").read()).graph
decision = choose(features(graph, native="auto"), 1000, memory_bytes=1 << 30)
assert decision.engine == "native"
for candidate in decision.candidates:
    print(candidate.name, candidate.seconds, [gap.detail for gap in candidate.gaps])
```

## What each can do
*Outputs* are what a method computes beside counts and bits of shots: exact `expectation`, `probabilities`, `amplitudes`
and `state` of programs of gates, `gradient` and `sweep` faster than value by value; `noisy`: expectation values and
probabilities, exact, of programs with noise and resets too; `density` matrices; `sums` within an error; `trajectory`:
values over time. Expectation values and probabilities are sampled on all others.

"""

LIBRARIES = """
## Libraries, licences, and when each runs
A plain installation has `reference` and `stabilizer`. Each other engine is an extra of its own;
`pip install 'quantum-microkernel[simulators]'` brings all of them. Which one runs a program is decided by predicted
time among those that can run it and fit; the last column says where that lands.

"""

BESIDE = {
    "reference": ("numpy: BSD-3-Clause", "part of QMK", "tiny programs, and as the oracle of tests"),
    "stabilizer": ("stim: Apache-2.0", "part of QMK", "Clifford programs of any width, also with feed-forward"),
    "segments": (
        "stim: Apache-2.0",
        "part of QMK",
        "programs whose parts are for different simulators, such as few qubits with many gates and then many qubits of "
        "little entanglement",
    ),
    "aer": (
        "qiskit-aer: Apache-2.0",
        "extra `aer`",
        "dynamic programs that are not Clifford; programs with fences; wide programs of little entanglement",
    ),
    "qsim": ("qsimcirq, cirq-core: Apache-2.0", "extra `qsim`", "dense programs, from about 14 qubits on"),
    "cirq": (
        "cirq-core: Apache-2.0",
        "extra `cirq`",
        "by name: `statevector` and `density_matrix` where the answer of Cirq's own simulators is wanted",
    ),
    "braket": (
        "amazon-braket-default-simulator: Apache-2.0",
        "extra `braket`",
        "by name: `statevector` and `density_matrix` where the answer of Braket's own simulators is wanted",
    ),
    "lightning": (
        "pennylane-lightning, pennylane: Apache-2.0",
        "extra `lightning`",
        "dense programs of few qubits; `f64` where double precision is wanted, by name",
    ),
    "qulacs": ("qulacs: MIT", "extra `qulacs`", "dense programs where neither of the two above is installed"),
    "pyquil": ("pyquil: Apache-2.0", "extra `pyquil`", "by name: what pyQuil's own simulators give"),
    "qoqo": ("qoqo, qoqo_quest: Apache-2.0, with QuEST: MIT", "extra `qoqo`", "by name: what qoqo's QuEST gives"),
    "ddsim": (
        "mqt.ddsim, mqt.core: MIT",
        "extra `ddsim`",
        "by name: wide programs with structure, such as adders and oracles. Its prediction is an upper bound that few "
        "programs come near",
    ),
    "quimb": (
        "quimb, cotengra: Apache-2.0",
        "extra `quimb`",
        "by name, or where nothing else can run: `mps` for wide states of little entanglement, `contract` for a few "
        "measured qubits of a wide, shallow program",
    ),
    "tenpy": (
        "physics-tenpy: Apache-2.0; scipy: BSD-3-Clause",
        "extra `tenpy`",
        "by name alone: analog programs of atoms that are too many for a state vector",
    ),
    "jax": (
        "jax, jaxlib: Apache-2.0",
        "extra `jax`",
        "by name, or dense programs that take all others long: many points and gradients at once, on a GPU where JAX "
        "has one (we have not run it on one)",
    ),
    "clifft": (
        "clifft: Apache-2.0",
        "extra `clifft`, Python 3.12 (below)",
        "programs of few gates that are not Clifford, with noise and Pauli feed-forward too",
    ),
    "ionq": ("none", "part of QMK", "by name and device alone: runs there may cost money"),
    "ibm": ("qiskit: Apache-2.0", "extra `qiskit`", "by name and device alone: runs there may cost money"),
    "amazon-braket": ("boto3: Apache-2.0", "extra `braket`", "by name and device alone: runs there may cost money"),
    "azure": ("none", "part of QMK", "by name and device alone: runs there may cost money"),
    "iqm": ("none", "part of QMK", "by name and device alone: runs there may cost money"),
    "simulated": ("none", "part of QMK", "by name and device alone: it errs as the device does"),
    "rigetti": ("qcs-sdk: Apache-2.0", "extra `pyquil`", "by name and device alone: runs there may cost money"),
    "piquasso": (
        "piquasso, quantum-blackbird: Apache-2.0",
        "`qmk engines install piquasso` (below)",
        "by name: photons, as Piquasso's simulators give them",
    ),
    "strawberryfields": (
        "strawberryfields: Apache-2.0",
        "`qmk engines install strawberryfields` (below)",
        "by name: photons, as Strawberry Fields' simulators give them",
    ),
}
"""licence, how it comes, and where the router takes it, by engine"""

APART = """
## An engine under another Python
`qmk engines install NAME` gives an engine an environment of its own, where its packages quarrel with those here or need
a newer Python; later runs find it, `qmk engines` shows where it is, and `qmk engines remove NAME` deletes it
([installing](../howto/install.md)). clifft needs Python 3.12: on an older one it takes the first newer one on the path.

```
qmk engines install clifft
qmk engines
```

An environment that lies beside QMK's own and is called after it (`.venv-clifft` beside `.venv`) is found too. Any other
is named by `QMK_ENGINE_CLIFFT_PYTHON=/path/bin/python`, or by `--engine-python clifft=/path/bin/python` of `qmk run`,
`qmk explain`, `qmk engines` and `qmk serve`; it must be a virtual environment, of Python 3.11 or newer. The worker
there runs this very QMK and speaks the protocol that every worker speaks, so limits, cancelling and results are the
same. `qmk.run` starts a worker for such an engine even without `isolate`. Every engine can be moved out so:
`QMK_ENGINE_<NAME>_PYTHON`, with the packages that `qmk engines` then asks for.
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
| `qsim` | 8 * 2^n |
| `lightning:f32` | 16 * 2^n: the state and the copy that is read |
| `qulacs`, `lightning:f64` | 32 * 2^n: the state and the copy that is read |
| `jax` | 112 * 2^n, for gradients 224 * 2^n |
| `pyquil:wavefunction` | 48 * 2^n; `pyquil:density`: 80 * 4^n |
| `braket:statevector` | 48 * 2^n; `braket:density_matrix`: 80 * 4^n |
| `qoqo` | 96 * 2^n: the state twice, and as a list of Python's numbers |
| `ddsim` | 220 a node, at most 2^n nodes and 4 GiB; a run that needs more fails |
| `quimb:mps` | 96 * n * D^2 for bond dimension D, at most 2 GiB; a state that needs more fails |
| `quimb:contract` | 16 * 2^w for the largest tensor, found before anything is allocated; above w = 26 it is refused |
| `native:cut` | 16 * 2^(m + l + r) for each block of m qubits with 2^l and 2^r paths to its neighbours |
| `tenpy` | 16 * D^2 * (52 n + 352) for bond dimension D, at most 1 GiB; a state that needs more fails |
| `clifft` | 32 * 2^k for k active qubits, at most 27; a plan that needs more is refused before it runs |
| `piquasso:fock` | 400 for each way to put the photons into the modes, a mode for each loss |
| `strawberryfields:fock` | 64 * (k + 1)^n for k photons in n modes, squared where photons are lost |
| `aer:density_matrix` | 16 * 4^n |
| `aer:matrix_product_state`, `aer:small_bond` | 96 * n * D^2 for bond dimension D, at most 4 GiB |
| `segments` | n^2, 16 * 2^w for w qubits in no known state, or 32 * n * D^2, D <= 1024; of each history |
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

## What the other libraries are not trusted with
The engines below take gates and one final measurement a qubit from their libraries, nothing else, and throw the dice
themselves, so that a seed gives the same bits with each release. What they refuse, other engines run.

- `qsim`, `lightning` and `ddsim` are driven through their compiled modules. Cirq, PennyLane and Qiskit, which their
  packages bring, are never imported: importing them and translating through them costs more than most simulations.
- qsim reports an error by printing it and returning an empty state. That is an error here. It computes in single
  precision, as `lightning:f32` does: outcomes less probable than about 1e-12 may be missed.
- ddsim 2.7 takes the index of the classical bit that a qubit is measured into for that of a qubit: it fails ("injective
  mapping") where a program has more bits than qubits. It is given gates only. Its memory is bounded by the address
  space of the worker, for it has no bound of its own.
- Qulacs' `RX`, `RY` and `RZ` turn the other way from everybody else's. They are not used.
- quimb's samplers are not used; its states and marginals are.
- TeNPy's two-site sweeps never entangle atoms across one that stands still: the bases are widened by H|psi>.
  Its local exponentials and its samplers are not used; its states, environments, sweeps and truncations are.
- clifft has feed-forward for X, Y and Z gates under a parity; everything else is refused.
"""


def page() -> str:
    found = {name: declaration for name, declaration in discovery.engines().items() if name in SHIPPED}
    rows = [row for name in sorted(found) for row in _rows(found[name])]
    head = ("engine", "gates", "feed-forward", "noise", "qubits", "fences", "outputs", "result")
    sections = [_section(found[name]) for name in sorted(found)]
    beside = table(
        ("engine", "library and licence", "comes as", "where the router takes it"),
        [(f"`{name}`", *columns) for name, columns in BESIDE.items()],
    )
    notice = NOTICE.format(script="generate_engines.py")
    return "".join((notice, INTRO, table(head, rows), LIBRARIES, beside, APART, TRUST, *sections))


SHIPPED = discovery.own_plugins("engines")


def _rows(declaration: Declaration) -> list[tuple[str, ...]]:
    return [
        (
            f"`{_name(declaration, method)}`",
            _gates(can),
            can.feed_forward,
            " ".join(sorted(can.noise)) or "none",
            _qubits(can),
            _fences(can),
            _outputs(can),
            _result(can),
        )
        for method, can in declaration.shown_methods.items()
    ]


def _name(declaration: Declaration, method: str) -> str:
    return f"{declaration.name}:{method}" if method else declaration.name


def _gates(can: Capabilities) -> str:
    return "Clifford only" if can.clifford else "all"


def _qubits(can: Capabilities) -> str:
    return "by memory" if can.max_qubits is None else f"at most {can.max_qubits}"


def _fences(can: Capabilities) -> str:
    return "stops" if can.fences else "runs on"


def _outputs(can: Capabilities) -> str:
    """What it gives beside counts and per-shot bits."""
    given = " ".join(sorted(can.outputs - {"counts", "events"}))
    return (given or "counts") if "counts" in can.outputs else f"{given}, no counts"


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
    for method, can in declaration.shown_methods.items():
        native = "every gate" if can.gates >= ALL_GATES else ", ".join(f"`{gate}`" for gate in sorted(can.gates))
        lines.append(f"- `{_name(declaration, method)}` has natively: {native}.\n")
    return "".join(lines)


if __name__ == "__main__":
    sys.exit(write_or_check({"docs/reference/engines.md": page()}, sys.argv[1:]))
