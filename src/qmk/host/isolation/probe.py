"""The levels of isolation on this host: the driver of each, and what is missing for the others."""

from __future__ import annotations

from importlib.util import find_spec

from qmk.base.isolation import LEVELS, Level
from qmk.host.isolation.capability import Capability
from qmk.host.isolation.driver import Driver, Processes
from qmk.host.isolation.drivers.held import UnderGVisor
from qmk.host.isolation.drivers.microvm.driver import MicroVMs
from qmk.host.isolation.zygotes import Jails

DRIVERS: dict[Level, type[Driver]] = {driver.level: driver for driver in (Processes, Jails, UnderGVisor, MicroVMs)}
"""The levels that engines run at, the weakest first."""
NO_DRIVER = "this release runs no jobs in it"


def probe() -> dict[Level, Capability]:
    """Every level, the weakest first."""
    return {level: probe_level(level) for level in LEVELS}


def probe_level(level: Level) -> Capability:
    """This level alone."""
    driver = DRIVERS.get(level)
    if driver is not None:
        return driver.probe()
    if level == "wasm":
        return _wasm()
    return Capability(level, False, NO_DRIVER)


def _wasm() -> Capability:
    if find_spec("wasmtime") is None:
        return Capability("wasm", False, "wasmtime is not installed", "pip install 'quantum-microkernel[wasm]'")
    return Capability("wasm", False, "it runs scripts, and engines are native code")
