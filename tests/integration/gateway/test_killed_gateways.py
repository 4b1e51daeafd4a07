"""Two gateways with their accounts in PostgreSQL, killed under load: a budget is neither lost nor spent twice."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from qmk.gateway.accounts import people, shapes, tokens
from qmk.gateway.accounts.accounts import Accounts
from qmk.gateway.callers import Callers
from qmk.gateway.records import Records
from qmk.gateway.rest import openapi
from tests.conftest import RunningDaemon, eventually
from tests.e2e.commands import COMMANDS, Started
from tools.throwaway_postgres import Cluster

SHOTS = 2
CALLERS = 6


@dataclass
class Gateways:
    """Two of them before one daemon, each a process, and the token of a user of the organisation ``thin``."""

    daemon: RunningDaemon
    url: str
    processes: list[Started] = field(default_factory=list[Started])
    ports: list[int] = field(default_factory=list[int])
    token: str = ""

    @property
    def places(self) -> tuple[str, ...]:
        return ("--data-dir", str(self.daemon.folder / "state"), "--database", self.url)

    def set_up(self) -> None:
        """What an operator does first, on the machine of the daemon."""
        folder = self.daemon.folder / "state"
        records = Records(folder / "gateway.db", database=self.url)
        caller = Callers(None, needs_token=True, accounts=Accounts(records, folder)).operating()

        async def work() -> str:
            await people.add_organisation(caller, shapes.AddOrganisation(organisation="thin"))
            await people.add_user(caller, shapes.AddUser(user="root", operator=True))
            await people.set_member(caller, shapes.SetMember(organisation="thin", user="root", role="owner"))
            asked = shapes.IssueToken(name="t", organisation="thin", user="root", administers=True)
            return (await tokens.issue_token(caller, asked)).token

        self.token = asyncio.run(work())
        records.close()

    def start(self, number: int) -> None:
        """Starts a gateway, at the port that it had."""
        port = self.ports[number] if number < len(self.ports) else 0
        words = ["gateway", "--port", str(port), "--socket", str(self.daemon.socket), "--require-token", "--no-canary"]
        made = COMMANDS.start([*words, *self.places], self.daemon.folder, os.environ)
        assert made.stderr is not None
        said = made.stderr.readline()
        assert said.startswith("listening on http://127.0.0.1:"), said + made.stderr.read()
        self.processes[number : number + 1] = [made]
        self.ports[number : number + 1] = [int(said.partition(";")[0].rpartition(":")[2])]

    def kill(self, number: int) -> None:
        self.processes[number].close()

    def ask(self, number: int, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer of one gateway. Raises OSError or HTTPException where it gives none."""
        link = http.client.HTTPConnection("127.0.0.1", self.ports[number], timeout=60)
        try:
            shown = {"authorization": f"Bearer {self.token}", "content-type": "application/json", **headers}
            link.request(method, path, None if body is None else json.dumps(body), shown)
            return json.loads(link.getresponse().read())
        finally:
            link.close()

    def submit(self, key: str, first: int) -> Any:
        """A job by its key: asked of one gateway after the other until there is a verdict."""
        body = {"program": {"text": openapi.BELL}, "shots": SHOTS, "policy": {"engine": "native"}}
        for number in itertools.count(first):
            try:
                found = self.ask(number % 2, "POST", "/v1/jobs", body, **{"idempotency-key": key})
            except (OSError, http.client.HTTPException):
                continue
            if "job_id" in found or found["kind"] == "QUOTA_EXCEEDED":
                return found
        raise AssertionError


@pytest.fixture
def gateways(tmp_path: Path, postgres_server: Cluster) -> Iterator[Gateways]:
    url = postgres_server.new_schema()
    made = Gateways(RunningDaemon(tmp_path, require_token=True, database=url).start(), url)
    try:
        made.set_up()
        for number in range(2):
            made.start(number)
        made.ask(0, "PUT", "/v1/prices/standard", {"currency": "EUR", "rates": {"*": {"shot": "1"}}, "since": 0})
        yield made
    finally:
        for each in made.processes:
            each.close()
        made.daemon.kill()


def play(gateways: Gateways, jobs: int, kills: int) -> int:
    """Submits half more jobs than the budget pays for, while gateways are killed in turn; gives how many requests were
    answered with a job. Checks that exactly the jobs of the budget ran, and that all of it is spent."""
    gateways.ask(1, "PUT", "/v1/organisations/thin/budget", {"amount": str(jobs * SHOTS)})
    answered = itertools.count()
    seen = 0

    def call(number: int) -> Any:
        nonlocal seen
        found = gateways.submit(f"key-{number}", number)
        seen = next(answered)
        return found

    def kill() -> None:
        for turn in range(kills):
            eventually(lambda turn=turn: seen >= (turn + 1) * jobs // (kills + 1), "progress")
            gateways.kill(turn % 2)
            gateways.start(turn % 2)

    killing = threading.Thread(target=kill)
    killing.start()
    with ThreadPoolExecutor(CALLERS) as pool:
        answers = list(pool.map(call, range(jobs + jobs // 2)))
    killing.join()
    made = [answer["job_id"] for answer in answers if "job_id" in answer]
    for job in made:
        assert gateways.ask(0, "GET", f"/v1/jobs/{job}?wait_s=30")["state"] == "COMPLETED"
    listed = gateways.ask(1, "GET", f"/v1/jobs?limit={2 * jobs}")["jobs"]
    assert sorted(row["job_id"] for row in listed) == sorted(set(made))
    assert gateways.submit("one-more", 0)["kind"] == gateways.submit("one-more", 1)["kind"] == "QUOTA_EXCEEDED"
    for number in range(2):
        state = gateways.ask(number, "GET", "/v1/organisations/thin/budget")
        assert (state["left"], state["spent"]) == ("0", str(jobs * SHOTS)), state
    return len(made)


@pytest.mark.conformance
def test_a_budget_is_spent_once_while_gateways_are_killed(gateways: Gateways) -> None:
    assert play(gateways, jobs=24, kills=2) == 24
