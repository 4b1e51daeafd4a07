"""Programs that hold a worker, by level: each is one way to start the same process, with the same channel."""

from __future__ import annotations

from qmk.base.isolation import Level
from qmk.host.isolation.drivers.driver import Driver
from qmk.host.isolation.drivers.gvisor import GVisor

DRIVERS: dict[Level, Driver] = {"gvisor": GVisor()}
