"""The engine of native scripts: a user's Python script as a job, in this Python with NumPy, held by the jail or the
sandbox of its worker. Its runs are jobs of the same daemon."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

RATES = {"start_s": 5e-2}
"""Seconds of a script that does nothing, with the worker that ends with it."""


def cost(method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """What a script takes at least: how long it takes nobody knows."""
    return Cost(seconds=rates["start_s"], memory_bytes=64 << 20, note="a script: nobody knows how long it takes")


DECLARATION = Declaration(
    name="python",
    doc="Python scripts of users that run programs, native with NumPy, in a jail or stronger",
    load="qmk.api.script_jobs:NativeScripts",
    methods={
        "native": Capabilities(
            method="native",
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
    beyond_s=60.0,
    rates=RATES,
    requires=("numpy",),
    library="numpy",
    native_code=True,
)
