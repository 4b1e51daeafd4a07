"""Says at which level an engine's worker runs: the weakest at or above the floor that host and engine have."""

from __future__ import annotations

from collections.abc import Callable

from qmk.base.errors import QmkError
from qmk.base.isolation import Level, at_least, below_floor, highest, parse
from qmk.host.isolation.capability import Capability
from qmk.host.isolation.drivers.passthrough import Devices, levels_of
from qmk.sdk import interpreters
from qmk.sdk.discovery import own_plugins
from qmk.sdk.engine import Declaration

OTHER = "name another engine, or ask the operator for a weaker floor"
DEFAULT_LEVEL: Level = "jail"
"""The level of jobs for which nobody asks for more, where the host and the engine have it."""


class Isolation:
    """``floor``: the weakest level of every job, None where the operator named none. ``has``: says what the host has of
    a level; None: nothing but processes. ``default``: the strongest level that is used where no floor asks for more.
    ``shares_processes``: workers at level ``process`` serve all tenants, as the operator chose that level.
    ``devices``: those that engines have; such an engine runs at a level that passes them on."""

    def __init__(
        self,
        floor: Level | None = None,
        has: Callable[[Level], Capability] | None = None,
        default: Level = "process",
        devices: Devices | None = None,
    ) -> None:
        self.devices: Devices = devices or {}
        self.floor: Level = floor or "process"
        self.shares_processes = floor == "process"
        self._probe = has
        self._capabilities: dict[Level, Capability] = {}
        self._default: Level = default
        self._unfit: dict[tuple[str, Level], str] = {}
        self._known: dict[tuple[str, Level], Level | QmkError] = {}

    @property
    def looks(self) -> bool:
        """Whether it looks for what the host has."""
        return self._probe is not None

    def capability(self, level: Level) -> Capability:
        """What the host has of ``level``, looked for once, when it is first needed."""
        if level not in self._capabilities:
            none = Capability(level, False, "it was not looked for")
            self._capabilities[level] = none if self._probe is None else self._probe(level)
        return self._capabilities[level]

    def note_unfit(self, engine: str, level: Level, why: str) -> None:
        """Remembers that ``level`` cannot hold the engine's workers, as it turned out."""
        self._unfit[engine, level] = why
        self._known.clear()

    def own_floor(self, engine: str, declaration: Declaration | None) -> Level:
        """The weakest level of an engine's workers, whoever asks: ``jail`` for native code of users, and for a plug-in
        that is not QMK's own unless the operator trusts all code (``qmk serve --isolation process``)."""
        if declaration is None:
            return "process"
        strange = self.looks and not self.shares_processes and engine not in own_plugins("engines")
        return "jail" if declaration.native_code or strange else "process"

    def level_for(self, engine: str, declaration: Declaration | None, asked: Level = "process") -> Level:
        """The level for a job that asks for ``asked`` at least. Raises UNSUPPORTED, with the reason and the fix, when
        that cannot be given. What was found for an engine stays until the daemon ends."""
        key = (engine, asked)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._find(engine, declaration, asked)
        if isinstance(found, QmkError):
            raise QmkError(found.kind.name, found.message, **found.fields)
        return found

    def _find(self, engine: str, declaration: Declaration | None, asked: Level) -> Level | QmkError:
        passing = levels_of(self.devices, engine)
        floor = highest(self.floor, asked, self.own_floor(engine, declaration), *passing[:1])
        wanted = highest(floor, self._default)
        if wanted == "process":
            return "process"
        from qmk.host.isolation.probe import DRIVERS

        troubles: list[tuple[str, str]] = []
        levels: list[Level] = [level for level in DRIVERS if at_least(level, wanted)]
        for level in levels:
            trouble = self._trouble(engine, declaration, level)
            if trouble is None:
                return level
            troubles.append(trouble)
            if floor == "process":
                return "process"  # nobody asked for more than there is
        return below_floor(floor, *(troubles[0] if troubles else self._absent(wanted)))

    def _absent(self, level: Level) -> tuple[str, str]:
        found = self.capability(level)
        return found.absence, found.fix or OTHER

    def _trouble(self, engine: str, declaration: Declaration | None, level: Level) -> tuple[str, str] | None:
        """Why ``engine`` cannot run at ``level``, and what to do."""
        if declaration is not None and declaration.devices is not None:
            return f"engine '{engine}' needs the network, which level '{level}' has not", OTHER
        if interpreters.path_of(engine) is not None:
            why = f"runs under the Python of another environment, which level '{level}' does not hold"
            return f"engine '{engine}' {why}", OTHER
        passing = levels_of(self.devices, engine)
        if passing and level not in passing:
            named = ", ".join(self.devices[engine])
            return f"level '{level}' does not pass on {named}, which engine '{engine}' has", OTHER
        if (engine, level) in self._unfit:
            return f"engine '{engine}' cannot run at level '{level}': {self._unfit[engine, level]}", OTHER
        found = self.capability(level)
        if found.available and declaration is not None and found.engines is not None and engine not in found.engines:
            return (
                f"engine '{engine}' is not in the image of level '{level}'",
                f"build it with --engine {engine}; {OTHER}",
            )
        return None if found.available else self._absent(level)


def isolation_of(text: str, devices: Devices | None = None) -> Isolation:
    """What decides on levels for an operator who asks for the level of this name, or for ``auto``, and gives engines
    these devices."""
    from qmk.host.isolation.probe import probe_level

    floor = parse(text)
    return Isolation(floor, probe_level, floor or DEFAULT_LEVEL, devices)
