"""Webhooks: what is sent, signed how, again when, and where never to."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from qmk.abi.calls.q_jobs import JobRow
from qmk.base.errors import QmkError
from qmk.gateway.accounts import bills, hooks, outgoing, webhooks
from qmk.gateway.accounts.accounts import Accounts
from qmk.gateway.accounts.hooks import AddWebhook, ChangeWebhook, OfWebhook
from qmk.gateway.accounts.money import Rate
from qmk.gateway.accounts.shapes import OfOrganisation
from qmk.gateway.callers import Callers
from qmk.gateway.records import Records


class Receiver:
    """A server that keeps what it gets, and answers with ``status``."""

    def __init__(self) -> None:
        self.status, self.got = 200, list[tuple[dict[str, str], bytes]]()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append(({name.lower(): text for name, text in self.headers.items()}, body))
                self.send_response(receiver.status)
                self.send_header("Location", "http://127.0.0.1:1/")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?a=b"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


class Site:
    """Accounts whose daemon is played: it has ``jobs``."""

    def __init__(self, folder: Path, receiver: Receiver, database: str = "") -> None:
        self.now, self.database = 1000.0, database
        receiver.status, receiver.got[:] = 200, []
        self.jobs: list[JobRow] = []
        self.open(folder)

    def open(self, folder: Path) -> None:
        records = Records(folder / "gateway.db", database=self.database)
        self.accounts = Accounts(records, folder, clock=lambda: self.now, private_webhooks=True)
        vars(self.accounts)["operate"] = self.operate
        self.operator = Callers(None, needs_token=True, accounts=self.accounts).operating()

    async def operate(self, name: str, /, **params: Any) -> Any:
        assert name == "op_jobs"
        start = int(params["cursor"] or 0)
        rows = sorted(self.jobs, key=lambda row: -row.submitted)
        more = str(start + 2) if start + 2 < len(rows) else None
        return SimpleNamespace(jobs=rows[start : start + 2], next=more)

    def job(self, id: str, state: str, submitted: float) -> None:
        self.jobs = [row for row in self.jobs if row.job_id != id]
        fields: dict[str, Any] = {
            "progress": (0, 1),
            "engine": "native",
            "method": "",
            "priority": 0,
            "started": None,
            "ended": None,
        }
        self.jobs.append(JobRow(job_id=id, state=state, submitted=submitted, error=None, tenant="chem", **fields))

    async def add(self, receiver: Receiver, *events: Any) -> hooks.WebhookMade:
        return await hooks.add_webhook(
            self.operator, AddWebhook(organisation="chem", url=receiver.url, events=[*events])
        )

    async def look(self) -> None:
        self.now += webhooks.DEEP_S
        await self.accounts.webhooks.follow_jobs()
        await self.accounts.webhooks.deliver()


def types(receiver: Receiver) -> list[tuple[str, str]]:
    bodies = [json.loads(body) for _, body in receiver.got]
    return [(body["type"], body["data"].get("job_id", "")) for body in bodies]


def test_each_job_that_ends_is_told_once_and_signed(tmp_path: Path, receiver: Receiver) -> None:
    async def main() -> None:
        site = Site(tmp_path, receiver)
        site.job("old", "COMPLETED", 900.0)  # from before
        made = await site.add(receiver, "job.completed", "job.failed")
        site.job("a", "RUNNING", 1001.0)
        site.job("b", "CANCELLED", 1002.0)
        site.job("c", "COMPLETED", 1003.0)
        await site.look()
        assert types(receiver) == [("job.completed", "c")]
        for number in range(5):
            site.job(f"n{number}", "RUNNING", 2000.0 + number)
        await site.look()
        site.job("a", "FAILED", 1001.0)
        await site.look()
        await site.look()
        assert types(receiver) == [("job.completed", "c"), ("job.failed", "a")]
        headers, body = receiver.got[0]
        key = base64.b64decode(made.secret.removeprefix("whsec_"))
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        assert made.secret.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("gateway.db*"))

    asyncio.run(main())


def test_the_signature_is_that_of_the_standard() -> None:
    # the example of https://github.com/standard-webhooks/standard-webhooks
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = webhooks.sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_it_is_sent_again_until_it_is_given_up_over_restarts(tmp_path: Path, receiver: Receiver) -> None:
    async def main() -> None:
        site = Site(tmp_path, receiver)
        id = (await site.add(receiver, "job.completed")).webhook
        receiver.status = 302  # redirects are not followed
        site.job("a", "COMPLETED", 1001.0)
        await site.look()
        await site.accounts.webhooks.deliver()
        assert len(receiver.got) == 1
        for number, delay in enumerate(webhooks.DELAYS_S):
            site.now += delay - 1
            assert await site.accounts.webhooks.deliver() == 0
            site.now += 1
            site.accounts.records.close()
            site.open(tmp_path)
            assert await site.accounts.webhooks.deliver() == 1
            (row,) = (await hooks.list_deliveries(site.operator, OfWebhook(webhook=id))).deliveries
            assert (row.attempts, row.answer) == (number + 2, "status 302")
        (row,) = (await hooks.list_deliveries(site.operator, OfWebhook(webhook=id))).deliveries
        assert (row.state, row.due) == ("given up", None)
        assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
        receiver.status = 410
        (row, _) = (await hooks.send_test(site.operator, OfWebhook(webhook=id))).deliveries
        assert (row.event, row.state) == ("test", "given up")
        (hook,) = (await hooks.list_webhooks(site.operator, OfOrganisation(organisation="chem"))).webhooks
        assert not hook.active
        receiver.status = 204
        await hooks.change_webhook(site.operator, ChangeWebhook(webhook=id, active=True))
        row = (await hooks.send_test(site.operator, OfWebhook(webhook=id))).deliveries[0]
        assert row.state == "delivered"
        await hooks.remove_webhook(site.operator, OfWebhook(webhook=id))
        with pytest.raises(QmkError) as caught:
            await hooks.list_deliveries(site.operator, OfWebhook(webhook=id))
        assert caught.value.fields["absent"]

    asyncio.run(main())


def test_a_try_whose_process_was_killed_is_made_again(tmp_path: Path, receiver: Receiver) -> None:
    async def main() -> None:
        site = Site(tmp_path, receiver)
        id = (await site.add(receiver, "job.completed")).webhook
        work = site.accounts.webhooks
        await site.accounts.run(lambda base: work.enqueue(base, "chem", "test", {}, only=id))
        assert len(await site.accounts.run(work._claim)) == 1
        assert await work.deliver() == 0
        site.now += webhooks.LEASE_S
        assert await work.deliver() == 1

    asyncio.run(main())


def test_a_warning_of_a_budget_is_sent_once(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "POLL_S", 0.01)
    monkeypatch.setattr(webhooks, "WARN_S", 0.0)

    async def main() -> None:
        site = Site(tmp_path, receiver)
        launches = {"engine": "native", "gates": 0, "engine_ns": 0, "attempt": 1, "time_ns": 1}
        rows = [SimpleNamespace(job="a", shots=6, **launches)]
        site.accounts.ledger = lambda *_: rows
        prices = bills.SetPrices(prices="standard", currency="EUR", rates={"*": Rate(shot="1")}, since=0)
        await bills.set_prices(site.operator, prices)
        await bills.set_budget(site.operator, bills.SetBudget(organisation="chem", amount="10"))
        await site.add(receiver, "budget.warning")
        loop = asyncio.create_task(site.accounts.webhooks.run())
        async with asyncio.timeout(30):
            while not receiver.got:
                await asyncio.sleep(0.01)
            rows.append(SimpleNamespace(job="b", shots=2, **launches))
            while len(receiver.got) < 2:
                await asyncio.sleep(0.01)
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
        bodies = [json.loads(body) for _, body in receiver.got]
        about = {"organisation": "chem", "month": "1970-01", "amount": "10", "currency": "EUR"}
        assert [(body["type"], body["data"]) for body in bodies] == [
            ("budget.warning", {**about, "share": share, "spent": spent})
            for share, spent in (("0.5", "6"), ("0.8", "8"))
        ]

    asyncio.run(main())


PRIVATE = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "[fd00::1]", "0.0.0.0",
           "100.64.0.1", "[64:ff9b::a00:1]", "224.0.0.1", "localhost", "2130706433", "[fe80::1%25lo]"]  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE)
def test_nothing_is_sent_to_private_addresses(tmp_path: Path, host: str) -> None:
    async def main() -> None:
        accounts = Accounts(Records(tmp_path / "gateway.db"), tmp_path)
        operator = Callers(None, needs_token=True, accounts=accounts).operating()
        asked = AddWebhook(organisation="chem", url=f"https://{host}/", events=["job.failed"])
        with pytest.raises(QmkError) as caught:
            await hooks.add_webhook(operator, asked)
        assert (caught.value.kind.name, caught.value.fields["field"]) == ("INVALID_PARAMS", "url")

    asyncio.run(main())
    with pytest.raises(QmkError):
        outgoing.send("POST", f"https://{host}/", b"")


def test_a_name_that_changes_its_address_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [("", 0, 0, "", ("93.184.216.34", 443)), ("", 0, 0, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(outgoing.socket, "getaddrinfo", lambda *a, **k: found)
    with pytest.raises(QmkError, match="not public"):
        outgoing.public_address("rebinds.example", 443, private=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "https://user@example.org/",
        "ftp://x/",
        "https:///x",
        "https://a b/",
        "https://x/\r\nA: b",
    ],
)
def test_urls_that_are_never_asked(url: str) -> None:
    with pytest.raises(QmkError) as caught:
        outgoing.check_url(url, private=False)
    assert caught.value.fields["field"] == "url"
