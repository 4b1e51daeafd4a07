"""Open asks: q_checkpoint, q_migrate and q_rollback calls that a job answers at its next fence, or once it is placed.

What callers wait for lives here, and apart from it what a launch was asked to do, so that it is asked once however
many wait for it. Neither is in the journal: a client that loses its daemon asks again.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from qmk.abi.calls.q_get_mapping import Placement
from qmk.base.errors import QmkError

CHECKPOINT = "checkpoint"
MIGRATE = "migrate"
ROLLBACK = "rollback"


class Ask(msgspec.Struct, gc=False):
    """``kind`` is one of the above. ``checkpoint`` is the id of the one to make, ``region`` where to, ``epoch`` back to
    which. ``placements`` is the map that a migration's answer is made of, None until it was read. ``under`` is the
    capability that let it in, if its uses are counted."""

    key: str
    conn: int
    ref: int
    session: str
    job: str
    kind: str
    checkpoint: str = ""
    region: str = ""
    epoch: int = 0
    placements: list[Placement] | None = None
    under: str = ""

    @property
    def call(self) -> str:
        """The name of the call that it is."""
        return f"q_{self.kind}"


class Asked(msgspec.Struct, frozen=True, gc=False):
    """An interrupt that a launch was sent and has not answered."""

    ref: str
    why: str


class AskTable:
    """Asks by key, with those of a job, a connection and a session at hand. ``limit`` bounds those of one session.
    ``freed`` collects the sessions whose asks went and had been let in by a capability that counts its uses."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.freed: list[str] = []
        self._asked: dict[str, tuple[int, dict[str, Asked]]] = {}
        self._count = 0
        self._by_key: dict[str, Ask] = {}
        self._keys: dict[tuple[str, str | int], dict[str, None]] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def __iter__(self) -> Iterator[Ask]:
        return iter(list(self._by_key.values()))

    def add(self, ask: Ask) -> Ask:
        """Takes it in under a new key. Raises QUOTA_EXCEEDED when the session has as many open as it may."""
        if len(self._keys.get(("session", ask.session), ())) >= self.limit:
            raise QmkError(
                "QUOTA_EXCEEDED",
                f"the session waits for {self.limit} checkpoints, migrations and rollbacks, "
                "which is the limit 'open_waits'",
                quota="open_waits",
                asked=self.limit + 1,
                limit=self.limit,
            )
        self._count += 1
        ask.key = f"ask:{self._count}"
        self._by_key[ask.key] = ask
        for row in self._rows(ask):
            self._keys.setdefault(row, {})[ask.key] = None
        return ask

    def remove(self, ask: Ask) -> None:
        del self._by_key[ask.key]
        if ask.under:
            self.freed.append(ask.session)
        for row in self._rows(ask):
            keys = self._keys[row]
            del keys[ask.key]
            if not keys:
                del self._keys[row]

    def asked_of(self, job: str, fence: int) -> dict[str, Asked]:
        """What launch ``fence`` of the job was asked and has not answered, by kind of interrupt; to be written to."""
        found = self._asked.get(job)
        if found is None or found[0] != fence:
            found = self._asked[job] = (fence, {})
        return found[1]

    def forget_asked(self, job: str) -> None:
        self._asked.pop(job, None)

    def get(self, key: str) -> Ask | None:
        return self._by_key.get(key)

    def of_job(self, job: str) -> list[Ask]:
        return self._of("job", job)

    def of_conn(self, conn: int) -> list[Ask]:
        return self._of("conn", conn)

    def of_session(self, session: str) -> list[Ask]:
        return self._of("session", session)

    def _of(self, what: str, value: str | int) -> list[Ask]:
        return [self._by_key[key] for key in self._keys.get((what, value), ())]

    @staticmethod
    def _rows(ask: Ask) -> tuple[tuple[str, str | int], ...]:
        return ("job", ask.job), ("conn", ask.conn), ("session", ask.session)
