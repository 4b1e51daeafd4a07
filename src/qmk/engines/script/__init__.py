"""The script engine: a user's Python script as a job, in WebAssembly. It runs in the worker, its runs are jobs of the
same daemon (ADR 0124)."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

RATES = {"start_s": 1e-2}
"""Seconds of a script that does nothing."""


def cost(method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """What a script takes at least: how long it takes nobody knows, and no other engine runs it."""
    return Cost(seconds=rates["start_s"], memory_bytes=64 << 20, note="a script: nobody knows how long it takes")


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
    rates=RATES,
    requires=("wasmtime", "componentize_py"),
    extra="wasm",
    library="wasmtime",
)
