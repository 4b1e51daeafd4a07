"""Running Aer's circuits: configuration, seeds, per-shot bits, errors, and what each method refuses."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qmk.base.errors import QmkError
from qmk.base.seeds import substream
from qmk.base.units import bytes_text
from qmk.engines.aer import (
    EXTENDED_ERROR,
    METHODS,
    MPS_STATE_BYTES,
    SMALL_BOND_STRIDE,
    bond_cap,
    probe_lengths,
    small_bond,
)
from qmk.engines.aer.apart import run_apart
from qmk.engines.aer.circuit import Built, build
from qmk.engines.aer.state import AerCircuit
from qmk.engines.aer.wrappers import simulator, version
from qmk.exact.branching import BranchingPlan
from qmk.exact.dense import DenseBackend
from qmk.exact.readout import readout_of
from qmk.ir.bits import Bits, compute
from qmk.ir.lazy import lazy
from qmk.ir.loss import refuse_loss_events
from qmk.ir.program import Gate, Measure, Program
from qmk.ir.steps import has_fences
from qmk.sdk.engine import Observer, Plan, Progress, Samples, Unsupported

CHUNK_SHOTS = 512
"""Shots of a dynamic program between two reports of progress."""

TRUNCATION = 1e-16
"""Squared singular values below this share are dropped from a matrix product state: double precision's own noise"""

LOG_ENTRIES = 1 << 22
"""Bond dimensions that Aer may log in one call."""

AER_METHODS = {"small_bond": "matrix_product_state"}
"""Our methods that are one of Aer's with other options."""

MAX_DISCARDED = 1e-9
"""Weight that truncation may take from a state over a whole run; the bond cap taking more is an error."""

_DISCARDED = re.compile(r"discarded_value=([0-9.eE+-]+)")


@functools.cache
def controller() -> Any:
    return simulator().aer_controller_execute()


@dataclass(frozen=True)
class AerPlan:
    """Pickles as the program; Aer's circuit is built on first use in each process."""

    program: Program
    method: str

    @lazy
    def circuit(self) -> Built:
        return build(self.program, self.method)

    @lazy
    def cap(self) -> int | None:
        """The bond dimension at which a run fails; None for other methods and where n qubits cannot outgrow it."""
        n = self.program.n_qubits
        if self.method == "small_bond":
            gates = [item for item in self.program.instructions if isinstance(item, Gate)]
            cap = small_bond(n, len(gates) + n, sum(len(gate.qubits) > 1 for gate in gates))
        elif self.method == "matrix_product_state":
            cap = bond_cap(n)
        else:
            return None
        return cap if n > 2 * math.log2(cap) else None

    @property
    def chunk(self) -> int:
        """Shots of one call to Aer. A dynamic program reports between chunks, and its bond log grows with each shot."""
        if self.cap is None:
            return CHUNK_SHOTS
        line = max(1, self.program.n_qubits * len(self.program.instructions))
        return max(1, min(CHUNK_SHOTS, LOG_ENTRIES // line))

    def __getstate__(self) -> dict[str, Any]:
        return {"program": self.program, "method": self.method}

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        bits = np.zeros((shots, self.program.n_cbits), dtype=np.uint8)
        step = self.chunk if self.circuit.dynamic else shots
        draw = self._sample if self.cap is None else self._sample_apart
        for start in range(0, shots if self.program.n_cbits else 0, step or 1):
            count = min(step, shots - start)
            bits[start : start + count] = draw(self.circuit, count, substream(seed, "aer", start))
            for item in self.circuit.later:
                compute(item, bits[start : start + count])
            if progress is not None:
                progress(start + count, bits)
        if not self.program.n_cbits and progress is not None:
            progress(shots)
        return Samples(bits, self._notes())

    def _sample_apart(self, built: Built, shots: int, seed: int) -> Bits:
        """As ``_sample``, in a child process, and after every prefix has kept within the cap; see ``probe_lengths``."""

        def work() -> bytes:
            if not built.dynamic:
                self._probe()
            return np.packbits(self._sample(built, shots, seed), axis=1).tobytes()

        packed = np.frombuffer(run_apart(work, f"aer ({self.method})"), dtype=np.uint8)
        return np.unpackbits(packed.reshape(shots, -1), axis=1, count=self.program.n_cbits)

    def _probe(self) -> None:
        gates = [item for item in self.program.instructions if isinstance(item, Gate)]
        stride = SMALL_BOND_STRIDE if self.method == "small_bond" else len(gates)
        for length in probe_lengths(len(gates), stride):
            part = Program(self.program.n_qubits, 1, (*gates[:length], Measure(0, 0)), (), {})
            self._sample(build(part, self.method), 1, 0)

    def _sample(self, built: Built, shots: int, seed: int) -> Bits:
        output = controller().execute([built.circuit], None, self.config(shots, seed, built.circuit.num_memory))
        result: dict[str, Any] = output["results"][0] if output.get("results") else {}
        if not output.get("success", False) or "data" not in result:
            raise self.failure(str(result.get("status") or output.get("status")))
        self.check_bonds(str(result.get("metadata", {}).get("MPS_log_data", "")))
        return unpack(result["data"].get("memory", ()), shots, built.circuit.num_memory)

    def check_bonds(self, log: str) -> None:
        """Fail when the bond cap cut off more than rounding: the samples would be of another state."""
        lost = sum(float(value) for value in _DISCARDED.findall(log))
        if lost > MAX_DISCARDED:
            n = self.program.n_qubits
            further = (
                "aer:matrix_product_state goes further, for longer"
                if self.method == "small_bond"
                else f"{bytes_text(MPS_STATE_BYTES)} of tensors allow no more"
            )
            raise QmkError(
                "RESOURCE_EXHAUSTED",
                f"the state of these {n} qubits does not fit: a state vector needs {bytes_text(16.0 * 2.0**n)}, and as "
                f"a matrix product it is more entangled than bond dimension {self.cap}, where aer:{self.method} ends "
                f"({further})",
                retryable=False,
                engine="aer",
                method=self.method,
                bond_dimension=self.cap,
                needed_bytes=16 << n,
            )

    def config(self, shots: int, seed: int, n_cbits: int) -> Any:
        config = simulator().AerConfig()
        config.n_qubits, config.memory_slots = max(self.program.n_qubits, 1), n_cbits
        config.method, config.shots, config.memory = AER_METHODS.get(self.method, self.method), shots, True
        config.seed_simulator = seed % (1 << 31)
        config.max_parallel_threads = 1
        if self.method in ("matrix_product_state", "small_bond"):
            config.matrix_product_state_truncation_threshold = TRUNCATION
        if self.cap is not None:
            config.matrix_product_state_max_bond_dimension = self.cap
            config.mps_log_data = True
        if self.method == "extended_stabilizer":
            config.extended_stabilizer_approximation_error = EXTENDED_ERROR
            # the default, a Markov chain of single bit flips, never reaches some outcomes: two Bell pairs go wrong
            config.extended_stabilizer_sampling_method = "norm_estimation"
        return config

    def failure(self, status: str) -> QmkError:
        if "nsufficient memory" in status:
            return QmkError("RESOURCE_EXHAUSTED", f"aer ({self.method}): {status}", engine="aer", method=self.method)
        return QmkError("JOB_FAILED", f"aer ({self.method}): {status}", engine="aer", method=self.method)

    def _notes(self) -> dict[str, Any]:
        if self.method in ("matrix_product_state", "small_bond"):
            return {"truncation_threshold": TRUNCATION, "max_bond_dimension": self.cap}
        if self.method == "extended_stabilizer":
            return {"approximate": True, "state_error_bound": EXTENDED_ERROR, "sampling": "norm estimation"}
        return {}


def unpack(memory: Sequence[str], shots: int, n_cbits: int) -> Bits:
    """Aer's hexadecimal words, one a shot, bit k of a word = cbit k, as a matrix of bits."""
    if len(memory) != shots:
        raise QmkError("JOB_FAILED", f"aer returned {len(memory)} shots of {shots}", engine="aer")
    if n_cbits <= 64:
        words = np.array([int(word, 16) for word in memory], dtype="<u8")
        raw = words.view(np.uint8).reshape(shots, 8)
    else:
        width = (n_cbits + 7) // 8
        raw = np.frombuffer(b"".join([int(word, 16).to_bytes(width, "little") for word in memory]), dtype=np.uint8)
        raw = raw.reshape(shots, width)
    return np.unpackbits(raw, axis=1, bitorder="little", count=n_cbits)


class AerEngine:
    def __init__(self) -> None:
        self.version: str = version()

    def prepare(self, program: Program, method: str) -> Plan:
        refuse_loss_events(program, "aer")
        if method not in METHODS:
            raise Unsupported(f"engine aer has no method '{method}'; it has {', '.join(METHODS)}")
        limit = METHODS[method].max_qubits
        if limit is not None and program.n_qubits > limit:
            raise Unsupported(f"{program.n_qubits} qubits: aer's method {method} holds at most {limit}")
        if method in ("extended_stabilizer", "small_bond"):
            readout_of(program, "aer", METHODS[method])  # they sample the final state only
        if METHODS[method].fences and has_fences(program):
            return self._plan_fenced(program, method)
        plan = AerPlan(program, method)
        _ = plan.circuit  # refuse now, not at the first run
        return plan

    def observe(self, program: Program, method: str) -> Observer:
        from qmk.engines.aer.observer import AerObserver

        return AerObserver(program, method)

    def _plan_fenced(self, program: Program, method: str) -> Plan:
        """A walk of branches on Aer's states, which can stop at the program's fences."""
        for item in program.instructions:
            if isinstance(item, Gate) and item.name not in METHODS[method].gates:
                raise Unsupported(f"gate {item.name} under Aer's method {method}")
        backend = DenseBackend(program.n_qubits, AerCircuit, first_highest=False)
        return BranchingPlan(program, backend, "aer", method, self.version)
