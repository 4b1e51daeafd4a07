"""Says at which level an engine's worker runs: the strongest that the host and the engine have, never below a floor."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qmk.base.errors import QmkError
from qmk.base.isolation import Level, at_least, below_floor, highest
from qmk.host.isolation.probe import Capability
from qmk.sdk import interpreters
from qmk.sdk.engine import Declaration

LEVELS_OF_ENGINES: tuple[Level, ...] = ("jail", "process")
"""The levels that engines run at, the strongest first."""


class Isolation:
    """``floor``: the weakest level of every job. ``has``: what the host has; None: nothing but processes.
    ``default``: the strongest level that is used where no floor asks for more."""

    def __init__(
        self,
        floor: Level = "process",
        has: Callable[[], Mapping[Level, Capability]] | None = None,
        default: Level = "process",
    ) -> None:
        self.floor: Level = floor
        self._has: Mapping[Level, Capability] | None = None
        self._probe = has
        self._default: Level = default
        self._unfit: dict[str, str] = {}
        self._known: dict[tuple[str, Level], Level | QmkError] = {}

    @property
    def capabilities(self) -> Mapping[Level, Capability]:
        """The host's levels, probed once."""
        if self._has is None:
            self._has = {} if self._probe is None else self._probe()
        return self._has

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
        trouble = self._trouble(engine, declaration, wanted)
        if trouble is None:
            return wanted
        if floor == "process":
            return "process"
        return below_floor(floor, *trouble)

    def _trouble(self, engine: str, declaration: Declaration | None, level: Level) -> tuple[str, str] | None:
        """Why ``engine`` cannot run at ``level``, and what to do."""
        other = "name another engine, or ask the operator for a weaker floor"
        if not at_least(LEVELS_OF_ENGINES[0], level):
            found = self.capabilities.get(level)
            why = found.reason if found is not None and found.reason else "engines do not run at it"
            return f"'{level}' is not available: {why}", (found.fix if found is not None else "") or other
        if declaration is not None and declaration.devices is not None:
            return f"engine '{engine}' needs the network, which level '{level}' has not", other
        if interpreters.path_of(engine) is not None:
            return f"engine '{engine}' runs under the Python of another environment, which a jail does not hold", other
        if engine in self._unfit:
            return f"engine '{engine}' cannot be jailed: {self._unfit[engine]}", other
        found = self.capabilities.get(level)
        if found is None or not found.available:
            why = found.reason if found is not None else "it was not looked for"
            return f"'{level}' is not available here: {why}", found.fix if found is not None else other
        return None
