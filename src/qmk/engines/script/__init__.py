"""The script engine: a user's Python script as a job, in WebAssembly. It runs in the worker, its runs are jobs of the
same daemon (ADR 0124)."""

from __future__ import annotations

from qmk.sdk.engine import Capabilities, Cost, Declaration, Features


def cost(method: str, features: Features, shots: int) -> Cost:
    """How long a script takes is not known; the router has nothing to compare it with."""
    return Cost(seconds=0.1, memory_bytes=64 << 20, note="a script, for which nobody knows how long it takes")


DECLARATION = Declaration(
    name="script",
    doc="Python scripts of users that run programs, in WebAssembly (wasmtime)",
    load="qmk.api.script_jobs:ScriptEngine",
    methods={
        "wasm": Capabilities(
            method="wasm",
            gates=frozenset({"script.python"}),
            mid_circuit=False,
            reset=False,
            feed_forward="none",
            max_qubits=0,
            outputs=frozenset({"counts"}),
            evolves=True,
        )
    },
    cost=cost,
    requires=("wasmtime", "componentize_py"),
    extra="wasm",
    library="wasmtime",
)
