"""Says at which level an engine's worker runs: the weakest at or above the floor that host and engine have."""

from __future__ import annotations

from collections.abc import Callable

from qmk.base.errors import QmkError
from qmk.base.isolation import Level, at_least, below_floor, highest
from qmk.host.isolation.capability import Capability
from qmk.sdk import interpreters
from qmk.sdk.engine import Declaration

LEVELS_OF_ENGINES: tuple[Level, ...] = ("process", "jail", "gvisor", "microvm")
"""The levels that engines run at, the weakest first."""


class Isolation:
    """``floor``: the weakest level of every job. ``has``: what the host has of a level; None: nothing but processes.
    ``default``: the strongest level that is used where no floor asks for more."""

    def __init__(
        self,
        floor: Level = "process",
        has: Callable[[Level], Capability] | None = None,
        default: Level = "process",
    ) -> None:
        self.floor: Level = floor
        self._found: dict[Level, Capability] = {}
        self._probe = has
        self._default: Level = default
        self._unfit: dict[str, str] = {}
        self._known: dict[tuple[str, Level], Level | QmkError] = {}

    def capability(self, level: Level) -> Capability:
        """What the host has of a level, probed once."""
        if level not in self._found:
            absent = Capability(level, False, "it was not looked for")
            self._found[level] = absent if self._probe is None else self._probe(level)
        return self._found[level]

    def note_unfit(self, engine: str, why: str) -> None:
        """Remembers that the engine's workers cannot be jailed, as it turned out."""
        self._unfit[engine] = why
        self._known.clear()

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
        floor = highest(self.floor, asked)
        wanted = highest(floor, self._default)
        if wanted == "process":
            return "process"
        troubles: list[tuple[str, str]] = []
        levels: list[Level] = [level for level in LEVELS_OF_ENGINES if at_least(level, wanted)]
        for level in levels:
            trouble = self._trouble(engine, declaration, level)
            if trouble is None:
                return level
            troubles.append(trouble)
            if floor == "process":
                return "process"  # nobody asked for more than there is
        return below_floor(floor, *troubles[0])

    def _trouble(self, engine: str, declaration: Declaration | None, level: Level) -> tuple[str, str] | None:
        """Why ``engine`` cannot run at ``level``, and what to do."""
        other = "name another engine, or ask the operator for a weaker floor"
        if declaration is not None and declaration.devices is not None:
            return f"engine '{engine}' needs the network, which level '{level}' has not", other
        if interpreters.path_of(engine) is not None:
            why = f"runs under the Python of another environment, which '{level}' does not hold"
            return f"engine '{engine}' {why}", other
        if engine in self._unfit and level == "jail":
            return f"engine '{engine}' cannot be jailed: {self._unfit[engine]}", other
        found = self.capability(level)
        if not found.available:
            return f"'{level}' is not available here: {found.reason}", found.fix or other
        return None
