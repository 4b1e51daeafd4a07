"""Webhooks: what happens to an organisation's jobs and budget is sent to URLs that it names.

A request has a JSON body ``{"type", "timestamp", "data"}`` and is signed as Standard Webhooks says: HMAC-SHA256 with
the webhook's secret over id, time and body. It is delivered once it is answered with a status of 2xx; until then it is
sent again after each of ``DELAYS_S``, and then given up. 410 switches the webhook off. What is due is in the gateway's
file: a restart loses nothing, and may send something twice under the same id.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from qmk.base.errors import QmkError
from qmk.client.calls import ENDED
from qmk.gateway.accounts.outgoing import ask
from qmk.sql.gateway import Base

if TYPE_CHECKING:
    from qmk.abi.calls.q_jobs import JobRow
    from qmk.gateway.accounts.accounts import Accounts

log = logging.getLogger("qmk.gateway")
DELAYS_S = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds between one try and the next: about three days and three hours in all."""
LEASE_S = 60.0
"""A try that has not ended after so many seconds, as its process was killed, is made again."""
POLL_S, DEEP_S, WARN_S = 2.0, 30.0, 30.0
"""How often the newest jobs are looked at, all that have not ended, and the budgets."""
NEWEST, PAGE = 200, 1000
AT_ONCE, OF_ONE = 8, 2
"""Requests that are under way together, and those of one organisation among them."""
KEPT_LOG = 1000
"""Deliveries of one webhook that are kept."""
SLACK_S = 60.0
EVENTS = ("job.completed", "job.failed", "job.cancelled", "budget.warning", "test")


def sign(secret: bytes, id: str, moment: int, body: bytes) -> str:
    """The signature of Standard Webhooks 1.0: ``v1,`` and base64 of the HMAC."""
    found = hmac.digest(secret, f"{id}.{moment}.".encode() + body, "sha256")
    return "v1," + base64.b64encode(found).decode()


def new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


class Webhooks:
    """Finds out what has happened, and delivers. ``private``: addresses that are not public may be reached."""

    def __init__(self, accounts: Accounts, *, private: bool = False) -> None:
        self._accounts, self.private = accounts, private
        self._next = {"deep": 0.0, "warn": 0.0}

    async def run(self) -> None:
        """Goes on until it is cancelled. Servers that are slow to answer do not keep it from looking what happens."""
        await asyncio.gather(self._repeat(self.follow_jobs, self.warn_of_budgets), self._repeat(self.deliver))

    async def _repeat(self, *works: Callable[[], Awaitable[Any]]) -> None:
        says = ""
        while True:
            try:
                for work in works:
                    await work()
                says = ""
            except QmkError as error:  # such as a daemon that is away: said once
                if error.message != says:
                    log.warning("webhooks wait: %s", error.message)
                says = error.message
            await asyncio.sleep(POLL_S)

    def enqueue(self, base: Base, organisation: str, event: str, data: Any, only: str = "") -> int:
        """Something has happened: to be sent to each webhook that wants it, or to ``only`` one. How many that are."""
        query = "SELECT webhook, events FROM webhooks WHERE organisation = ? AND active = 1 AND (? = '' OR webhook = ?)"
        now = self._accounts.clock()
        body = msgspec.json.encode({"type": event, "timestamp": _iso(now), "data": data})
        hooks = [row[0] for row in base.execute(query, (organisation, only, only)) if only or event in row[1].split()]
        for hook in hooks:
            row = (f"msg_{secrets.token_hex(16)}", hook, event, body, now, now)
            names = "delivery, webhook, event, body, created, due"
            base.execute(f"INSERT INTO deliveries ({names}) VALUES (?, ?, ?, ?, ?, ?)", row)
            base.execute(
                "DELETE FROM deliveries WHERE due IS NULL AND webhook = ? AND rowid NOT IN "
                "(SELECT rowid FROM deliveries WHERE webhook = ? ORDER BY rowid DESC LIMIT ?)",
                (hook, hook, KEPT_LOG),
            )
        return len(hooks)

    async def deliver(self) -> int:
        """Sends what is due; how many tries were made."""
        tries = 0
        while rows := await self._accounts.run(self._claim):
            await asyncio.gather(*(self._try(*row) for row in rows))
            tries += len(rows)
        return tries

    def _claim(self, base: Base) -> list[tuple[Any, ...]]:
        now = self._accounts.clock()
        rows = base.execute(
            "SELECT delivery, url, secret, body, attempts FROM (SELECT *, row_number() OVER "
            "(PARTITION BY organisation ORDER BY due) AS place FROM deliveries JOIN webhooks USING (webhook) "
            "WHERE due <= ? AND active = 1) AS waiting WHERE place <= ? ORDER BY place, due LIMIT ?",
            (now, OF_ONE, AT_ONCE),
        ).fetchall()
        marks = [(now + LEASE_S, row[0]) for row in rows]
        base.executemany("UPDATE deliveries SET due = ?, attempts = attempts + 1 WHERE delivery = ?", marks)
        return rows

    async def _try(self, id: str, url: str, secret: bytes, body: bytes, attempts: int) -> None:
        moment = int(self._accounts.clock())
        key = base64.b64decode(self._accounts.cipher.decrypt(secret).removeprefix(b"whsec_"))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "qmk",
            "webhook-id": id,
            "webhook-timestamp": str(moment),
            "webhook-signature": sign(key, id, moment, body),
        }
        try:
            status, _ = await ask("POST", url, body, headers, private=self.private)
            answer = f"status {status}"
        except QmkError as error:
            status, answer = 0, error.message
        done = 200 <= status < 300
        delay = None if done or status == 410 or attempts >= len(DELAYS_S) else DELAYS_S[attempts]
        state = "delivered" if done else "waiting" if delay is not None else "given up"
        due = None if delay is None else self._accounts.clock() + delay

        def write(base: Base) -> None:
            query = "UPDATE deliveries SET state = ?, answer = ?, due = ? WHERE delivery = ?"
            base.execute(query, (state, answer[:256], due, id))
            if status == 410:
                query = (
                    "UPDATE webhooks SET active = 0 WHERE webhook = (SELECT webhook FROM deliveries WHERE delivery = ?)"
                )
                base.execute(query, (id,))

        await self._accounts.run(write)

    async def follow_jobs(self) -> None:
        """Finds jobs that have ended, of organisations whose webhooks want to know."""
        query = "SELECT DISTINCT organisation FROM webhooks WHERE active = 1 AND events LIKE '%job.%'"
        rows = await self._accounts.read(lambda base: base.execute(query).fetchall())
        deep = self._accounts.clock() >= self._next["deep"]
        if deep:
            self._next["deep"] = self._accounts.clock() + DEEP_S
        for (organisation,) in rows:
            await self._follow(organisation, deep)

    async def _follow(self, organisation: str, deep: bool) -> None:
        """Looks at the newest jobs back to where it has looked before; if ``deep``, at all back to the oldest that had
        not ended. The row without a job says from when on jobs are followed."""
        query = "SELECT job, submitted FROM followed WHERE organisation = ? AND ended = 0"
        open_jobs = dict(await self._accounts.read(lambda base: base.execute(query, (organisation,)).fetchall()))
        since = open_jobs.pop("", self._accounts.clock())
        until = min([since, *open_jobs.values()]) if deep else since
        cursor, found = "", list[Any]()
        while True:
            limit = PAGE if deep else NEWEST
            page = await self._accounts.operate("op_jobs", tenant=organisation, cursor=cursor, limit=limit)
            found += page.jobs
            cursor = page.next or ""
            if not cursor or (page.jobs and page.jobs[-1].submitted < until):
                break
        rows = [row for row in found if row.job_id in open_jobs or row.submitted >= since]
        await self._accounts.run(lambda base: self._note_jobs(base, organisation, rows, since))

    def _note_jobs(self, base: Base, organisation: str, rows: list[JobRow], since: float) -> None:
        """Another gateway may have looked further meanwhile: what is older than that and not followed is done."""
        query = "SELECT job, submitted FROM followed WHERE organisation = ?"
        known = dict(base.execute(query, (organisation,)).fetchall())
        since = max(since, known.get("", since))
        for row in reversed(rows):
            values = (organisation, row.job_id, row.submitted)
            if row.job_id not in known and row.submitted < since:
                continue
            base.execute(
                "INSERT INTO followed (organisation, job, submitted) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", values
            )
            if row.state in ENDED:
                query = "UPDATE followed SET ended = 1 WHERE organisation = ? AND job = ? AND ended = 0"
                if base.execute(query, values[:2]).rowcount:
                    self.enqueue(base, organisation, f"job.{row.state.lower()}", row)
        upto = max([since, *(row.submitted - SLACK_S for row in rows)])
        query = (
            "INSERT INTO followed (organisation, job, submitted) VALUES (?, '', ?) "
            "ON CONFLICT (organisation, job) DO UPDATE SET submitted = excluded.submitted"
        )
        base.execute(query, (organisation, upto))
        query = "DELETE FROM followed WHERE organisation = ? AND ended = 1 AND submitted < ?"
        base.execute(query, (organisation, upto))

    async def warn_of_budgets(self) -> None:
        if self._accounts.ledger is None or self._accounts.clock() < self._next["warn"]:
            return
        self._next["warn"] = self._accounts.clock() + WARN_S
        found = await self._accounts.billing.warn_all()

        def write(base: Base) -> None:
            for organisation, fields in found:
                self.enqueue(base, organisation, "budget.warning", {"organisation": organisation, **fields})

        await self._accounts.run(write)


def _iso(moment: float) -> str:
    from qmk.gateway.http import iso

    return iso(moment)
