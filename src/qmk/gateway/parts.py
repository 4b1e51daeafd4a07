"""What the application is made of beside its routes, from its start to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypedDict

from qmk.gateway import rpc
from qmk.gateway.accounts.accounts import Accounts, ReadAudit, ReadLedger
from qmk.gateway.accounts.sign_in import Config, SignIn
from qmk.gateway.callers import Callers
from qmk.gateway.http import Gate
from qmk.gateway.observe.history import History
from qmk.gateway.observe.observer import Observer, Settings
from qmk.gateway.qlam.compiling import Compiling
from qmk.gateway.rates import RateLimits, Rates
from qmk.gateway.records import Records
from qmk.gateway.streams import Streams

Beside = Callable[[Gate], AbstractAsyncContextManager[Any]]
"""What runs beside the application, such as another server."""


class Choices(TypedDict, total=False):
    """What of the parts is chosen. ``data_dir`` is the daemon's folder, by default that of the records; ``ledger``
    and ``audit`` read its ledger and its audit log; ``sign_in`` says how people may sign in, ``rates`` how many
    requests are let in, and ``settings`` what is observed. ``private_webhooks``: webhooks may go to addresses that are
    not public. ``database``: the URL of the PostgreSQL database in which the gateway keeps its tables, in place of its
    own file."""

    data_dir: Path | None
    ledger: ReadLedger | None
    audit: ReadAudit | None
    sign_in: Config | None
    rates: RateLimits | None
    settings: Settings | None
    private_webhooks: bool
    database: str


class Parts:
    """``records`` is the gateway's own file, beside which its keys are; jobs go to the daemon at ``socket``."""

    def __init__(self, socket: Path | None, records: Path, *, needs_token: bool, chosen: Choices) -> None:
        kept = Records(records, database=chosen.get("database", ""))
        self._accounts = Accounts(
            kept,
            chosen.get("data_dir") or records.parent,
            ledger=chosen.get("ledger"),
            audit=chosen.get("audit"),
            private_webhooks=chosen.get("private_webhooks", False),
        )
        settings, operate = chosen.get("settings") or Settings(), self._accounts.ask_operator
        self.observer = Observer(settings, socket, operate, History(kept), lambda: kept.is_first("canary"))
        self.rates = Rates(chosen.get("rates") or RateLimits())
        self._gate = Gate(Callers(socket, needs_token=needs_token, accounts=self._accounts), kept, self.rates)
        self._compiling, self._streams = Compiling(), Streams()
        self.state = {
            "gate": self._gate,
            "compiling": self._compiling,
            "room": rpc.Room(),
            "streams": self._streams,
            "sessions": self._accounts.sessions,
            "sign_in": SignIn(self._accounts, self._gate.callers, chosen.get("sign_in")),
            "observer": self.observer,
        }

    @asynccontextmanager
    async def at_work(self, beside: Sequence[Beside]) -> AsyncGenerator[None]:
        """Everything works until it is left, ``beside`` too."""
        works = (self._accounts.webhooks.run(), self._accounts.sessions.run(self._accounts.clock))
        tasks = [asyncio.create_task(each) for each in works]
        try:
            async with AsyncExitStack() as running:
                await running.enter_async_context(self.observer.at_work())
                for each in beside:
                    await running.enter_async_context(each(self._gate))
                yield
        finally:
            self._streams.close()
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task
            await self._compiling.close()
            await self._gate.callers.close()
            self._gate.records.close()
