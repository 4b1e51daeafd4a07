"""Sessions of browsers. A cookie is a random text of 256 bits, of which only the hash is kept; the token of the daemon
that a session acts with is kept encrypted, with a key beside the gateway's file, and is never in the cookie.

A session ends when nobody has used it for ``IDLE_S``, after ``LONGEST_S``, or when somebody ends it. A token that was
made for it is revoked then: at once, or when the daemon is there again.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from msgspec import Meta

from qmk.base.errors import QmkError
from qmk.gateway.records import MOST, Records
from qmk.rpc.keys import make
from qmk.rpc.private import private_folder, read_private
from qmk.sql.gateway import Base

log = logging.getLogger("qmk.gateway")
IDLE_S = 8 * 3600.0
LONGEST_S = 7 * 86_400.0
NOTED_S = 60.0
"""A use is written down once in so many seconds: most requests only read."""
SWEEP_S = 60.0
"""How often sessions that have ended by themselves are looked for."""
OF_A_USER = 32
"""Sessions of one user; with one more, the one that was begun first ends."""
KEY_FILE = "gateway.key"
KEY_BYTES = 64
"""More than the file has."""
_COLUMNS = "id, user, tenant, rights, began, used, token, agent"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session that is good. ``token`` and ``csrf`` are secrets, and empty in a list."""

    id: Annotated[str, Meta(description="its name, which is not a secret")]
    user: str
    tenant: str
    rights: tuple[str, ...]
    began: Annotated[float, Meta(description="Unix seconds")]
    used: Annotated[float, Meta(description="when it was used last, to a minute")]
    agent: Annotated[str, Meta(description="the browser, as it names itself")] = ""
    token: Annotated[str, Meta(description="the token of the daemon that it acts with")] = ""
    csrf: Annotated[str, Meta(description="what every form of its pages sends along")] = ""


class Sessions:
    """The sessions in the gateway's file ``records``; ``cipher`` encrypts their tokens. ``revoke`` makes a token void
    at the daemon, by its serial."""

    def __init__(self, records: Records, cipher: Fernet, revoke: Callable[[str], Awaitable[Any]] | None = None) -> None:
        self._records, self._cipher, self._revoke = records, cipher, revoke

    async def begin(
        self,
        token: str,
        user: str,
        tenant: str,
        rights: Iterable[str],
        now: float,
        agent: str = "",
        serial: str = "",
    ) -> str:
        """The text of the cookie of a new session. ``serial``: of a token that was made for it, and ends with it."""
        cookie = secrets.token_urlsafe(32)
        sealed = self._cipher.encrypt(token.encode())
        row = (_digest(cookie), f"ses_{secrets.token_hex(16)}", user, tenant, " ".join(rights), now, now, sealed)

        def write(base: Base) -> None:
            if serial:
                base.execute("INSERT INTO session_tokens VALUES (?, ?)", (serial, row[1]))
            base.execute(
                "INSERT INTO browser_sessions (hash, id, user, tenant, rights, began, used, token, agent) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, agent[:256]),
            )
            base.execute(
                "DELETE FROM browser_sessions WHERE rowid IN "
                "(SELECT rowid FROM browser_sessions WHERE user = ? ORDER BY rowid DESC LIMIT ? OFFSET ?)",
                (user, MOST, OF_A_USER),
            )

        await self._records.run(write)
        await self.sweep(now)
        return cookie

    async def find(self, cookie: str, now: float) -> Session | None:
        """The session of a cookie, None where there is none or it has ended. Its use is noted."""
        key = _digest(cookie)
        query = f"SELECT {_COLUMNS} FROM browser_sessions WHERE hash = ? AND used >= ? AND began >= ?"

        def read(base: Base) -> tuple[object, ...] | None:
            row = base.execute(query, (key, now - IDLE_S, now - LONGEST_S)).fetchone()
            if row is not None and now - row[5] >= NOTED_S:
                base.execute("UPDATE browser_sessions SET used = ? WHERE hash = ?", (now, key))
            return row

        row = await self._records.run(read)
        if row is None:
            return None
        try:
            token = self._cipher.decrypt(row[6]).decode()  # type: ignore[arg-type]
        except InvalidToken:  # the key was replaced: nobody can act with it any more
            return None
        csrf = hashlib.sha256(b"qmk csrf\0" + cookie.encode()).hexdigest()
        return msgspec.structs.replace(_session_of(row), token=token, csrf=csrf)

    async def end(self, id: str, user: str | None = None) -> bool:
        """End the session of this id, if it is ``user``'s where one is named; False where there is none."""
        query, values = (
            "DELETE FROM browser_sessions WHERE id = ? AND (CAST(? AS TEXT) IS NULL OR user = ?)",
            (id, user, user),
        )
        ended = await self._records.run(lambda base: base.execute(query, values).rowcount) > 0
        await self.revoke_tokens()
        return ended

    async def end_all(self, user: str) -> int:
        """End every session of a user; how many there were."""
        query = "DELETE FROM browser_sessions WHERE user = ?"
        ended = await self._records.run(lambda base: base.execute(query, (user,)).rowcount)
        await self.revoke_tokens()
        return ended

    async def sweep(self, now: float) -> None:
        """Ends the sessions whose time is over."""
        query, values = "DELETE FROM browser_sessions WHERE used < ? OR began < ?", (now - IDLE_S, now - LONGEST_S)
        await self._records.run(lambda base: base.execute(query, values))
        await self.revoke_tokens()

    async def revoke_tokens(self) -> None:
        """Revokes the tokens whose sessions have ended. Those that cannot be revoked now, as the daemon is away, are
        left to the next sweep."""
        forget = "DELETE FROM session_tokens WHERE serial = ?"
        query = "SELECT serial FROM session_tokens WHERE session NOT IN (SELECT id FROM browser_sessions)"
        late: list[QmkError] = []
        for row in await self._records.read(lambda base: base.execute(query).fetchall()):
            try:
                if self._revoke is not None:
                    await self._revoke(row[0])
            except QmkError as error:
                late.append(error)
                continue
            await self._records.run(lambda base, row=row: base.execute(forget, row))
        if late:
            text = "tokens of %d sessions that have ended are not revoked yet: %s"
            log.warning(text, len(late), late[-1].message)

    async def run(self, clock: Callable[[], float]) -> None:
        """Sweeps until it is cancelled."""
        while True:
            try:
                await self.sweep(clock())
            except QmkError as error:
                log.warning("sessions cannot be swept: %s", error.message)
            await asyncio.sleep(SWEEP_S)

    async def list(self, user: str, now: float) -> list[Session]:
        """The sessions of a user that have not ended, those begun last first, without their secrets."""
        query = (
            f"SELECT {_COLUMNS} FROM browser_sessions WHERE user = ? AND used >= ? AND began >= ? ORDER BY rowid DESC"
        )
        rows = await self._records.read(
            lambda base: base.execute(query, (user, now - IDLE_S, now - LONGEST_S)).fetchall()
        )
        return [_session_of(row) for row in rows]


def _session_of(row: tuple[object, ...]) -> Session:
    names = ("id", "user", "tenant", "rights", "began", "used", "agent")
    values = (*row[:3], str(row[3]).split(), *row[4:6], row[7])
    return msgspec.convert(dict(zip(names, values, strict=True)), Session)


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", "replace")).digest()


def cipher_of(folder: Path) -> Fernet:
    """The cipher whose key is in ``folder``, a file of mode 0600 that is made where there is none. Raises
    RESOURCE_EXHAUSTED for one that cannot be used, INVALID_PARAMS where others may read it."""
    path = folder / KEY_FILE
    private_folder(folder, only_if_new=True)
    if not path.exists():
        make(path, Fernet.generate_key())
    try:
        return Fernet(read_private(path, KEY_BYTES).strip())
    except ValueError as error:
        raise QmkError("RESOURCE_EXHAUSTED", f"cannot use the key {path}: {error}", path=str(path)) from error
