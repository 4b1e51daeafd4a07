"""The drivers of levels whose workers are held by a program of the system, and what holds native scripts."""

from __future__ import annotations

from typing import ClassVar

from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.host import spawn
from qmk.host.isolation.driver import OneByOne
from qmk.host.isolation.drivers.bubblewrap import Bubblewrap
from qmk.host.isolation.drivers.gvisor import GVisor
from qmk.host.isolation.drivers.passthrough import CONTROL, devices_at
from qmk.host.isolation.drivers.sandbox import Sandbox
from qmk.host.isolation.drivers.spares import WithSpares

GVISOR = GVisor()
FOR_SCRIPTS: dict[Level, Sandbox] = {"jail": Bubblewrap(), "gvisor": GVISOR}
"""What holds native scripts. Engines have the jail of a zygote, which costs less than bubblewrap."""


class Held(OneByOne):
    """A worker is started in a sandbox, as a process would be."""

    level: ClassVar[Level]
    sandbox: ClassVar[Sandbox]

    def single(self, engine: str) -> spawn.Child:
        site = self.site
        external = site.external.get(engine)
        cards = devices_at(site.devices, engine, self.level)
        devices = (*cards, *CONTROL) if cards else ()
        return spawn.in_sandbox(self.sandbox, engine, site.threads, external, site.nice, site.memory_bytes, devices)


class UnderGVisor(WithSpares, Held):
    level: ClassVar[Level] = "gvisor"
    sandbox: ClassVar[Sandbox] = GVISOR
    probe = staticmethod(GVISOR.probe)


def sandbox_for_scripts(level: Level) -> Sandbox:
    """What holds a native script at this level. Raises UNSUPPORTED with the reason, and the fix."""
    sandbox = FOR_SCRIPTS.get(level)
    if sandbox is None:
        names = ", ".join(f"'{name}'" for name in FOR_SCRIPTS)
        fix = f"use 'wasm', or for native Python {names}"
        raise QmkError("UNSUPPORTED", f"scripts do not run at isolation level '{level}'", isolation=level, help=fix)
    found = sandbox.probe()
    if not found.available:
        raise QmkError("UNSUPPORTED", f"isolation level {found.absence}", isolation=level, help=found.fix)
    return sandbox
