"""The service against its own schemas, all of it, with an operator's token: REST with chains of requests and GraphQL by
schemathesis, gRPC by hypothesis. Whatever is asked about something that is there is asked again by another tenant."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from qmk.gateway.accounts import hooks, people, shapes, tokens
from qmk.gateway.accounts.accounts import Accounts
from qmk.gateway.callers import Callers
from qmk.gateway.grpc.files import class_of
from qmk.gateway.grpc.shapes import method_of, names, service_of
from qmk.gateway.records import Records
from qmk.gateway.service.operations import OPERATIONS
from tests.conftest import RunningDaemon
from tests.integration.gateway.fuzzing import absent_like, own_or_any
from tests.integration.gateway.tenants import Service, serving_both
from tests.integration.gateway.test_fuzz import REFERENCE, SAMPLE, SERVER_ERRORS, of_message

HOOKS = Path(__file__).resolve().parents[1] / "integration" / "gateway" / "fuzzing.py"
LEFT_OUT = {
    "openapi.json": "positive_data_acceptance",  # no schema says which texts are programs
    "schema.graphql": "not_a_server_error",  # to which each error of a bound counts; those of ours are looked for below
}
EXCEPTIONS = """
[[operations]]
include-name = "DELETE /v1/organisations/{organisation}/budget"
checks.ensure_resource_availability.enabled = false

[[operations]]
include-name = "GET /v1/users/{user}/sessions"
checks.use_after_free.enabled = false
"""
"""A new organisation has no budget, and a user whose sessions were ended has a list of them."""
SECONDS = 300
CALLS_OF_GRPC = 3000


@dataclass
class Served:
    """A gateway whose tenants are ``chem``, of which the operator ``root`` has a token, and ``bio``, of which ``bob``
    has one. ``own``: names of things of chem, by the field that has them; ``kept``: names without which no request is
    let in any more."""

    url: str
    address: str
    root: str
    bob: str
    own: dict[str, str]
    kept: list[str]
    service: Any = None

    def submit(self) -> None:
        """A job and a batch of chem, for those that were deleted."""
        job, batch = (self.service.ask(name) for name in ("jobs.submit", "batches.submit"))
        assert (job.status_code, batch.status_code) == (201, 201), job.text + batch.text
        self.own |= {"job_id": job.json()["job_id"], "batch": batch.json()["batch"]}


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One for each test: what has been drawn at random may use up what the next one needs."""
    running = RunningDaemon(tmp_path_factory.mktemp("daemon"), require_token=True).start()
    records = tmp_path_factory.mktemp("service") / "gateway.db"
    try:
        made = asyncio.run(set_up(running, records))
        with serving_both(running, records, needs_token=True) as (http, address):
            made.url, made.address = str(http.base_url).rstrip("/"), address
            service = Service(http, address)
            service.headers["chem"] = {"authorization": f"Bearer {made.root}"}
            made.service = service
            made.submit()
            yield made
    finally:
        running.kill()


async def set_up(running: RunningDaemon, records: Path) -> Served:
    """What ``qmk org`` and ``qmk user`` do beside the daemon; ``lab`` and ``ann`` are there to be changed."""
    kept, state = Records(records), running.folder / "state"
    callers = Callers(running.socket, needs_token=True, accounts=Accounts(kept, state, private_webhooks=True))
    caller = callers.operating()
    for name in ("chem", "bio", "lab"):
        await people.add_organisation(caller, shapes.AddOrganisation(organisation=name))
    for user, operator in (("root", True), ("bob", False), ("ann", False)):
        await people.add_user(caller, shapes.AddUser(user=user, operator=operator))
    await people.set_member(caller, shapes.SetMember(organisation="bio", user="bob", role="owner"))
    issue = shapes.IssueToken(name="fuzz", organisation="chem", user="root", administers=True)
    root = await tokens.issue_token(caller, issue)
    bob = await tokens.issue_token(
        caller, shapes.IssueToken(name="bob", organisation="bio", user="bob", administers=True)
    )
    spare = await tokens.issue_token(caller, issue)
    hook = await hooks.add_webhook(
        caller, hooks.AddWebhook(organisation="chem", url="https://127.0.0.1:9/", events=["job.failed"])
    )
    own = {"organisation": "chem", "user": "root", "serial": spare.serial, "webhook": hook.webhook}
    await callers.close()
    kept.close()
    return Served("", "", root.token, bob.token, own, ["chem", "bio", "root", "bob", root.serial, bob.serial])


@pytest.mark.conformance
@pytest.mark.timeout(900)
@pytest.mark.parametrize("place", LEFT_OUT)
def test_schemathesis_finds_nothing(place: str, served: Served, tmp_path: Path) -> None:
    schema = tmp_path / place
    text = (REFERENCE / place).read_text()
    if place == "openapi.json":  # this gateway lets nobody in without a token
        text = json.dumps({**json.loads(text), "security": [{"token": []}]})
    schema.write_text(text)
    given = ["run", str(schema), "--url", served.url if place == "openapi.json" else f"{served.url}/graphql"]
    given += ["-H", f"Authorization: Bearer {served.root}", "--exclude-checks", LEFT_OUT[place]]
    given += ["--seed", "20", "-n", "10", "--request-timeout", "60", "--request-retries", "2", "--no-color"]
    given += ["--continue-on-failure"]
    given += ["--max-time", str(SECONDS), "--report-ndjson-path", str(tmp_path / "events")]
    (tmp_path / "schemathesis.toml").write_text(EXCEPTIONS)
    known = {"SCHEMATHESIS_HOOKS": str(HOOKS), "QMK_FUZZ_OTHER": served.bob, "QMK_FUZZ_OTHERS": "bio bob"}
    known["QMK_FUZZ_KEPT"] = " ".join(served.kept)
    found = subprocess.run(
        [str(Path(sys.executable).with_name("schemathesis")), *given],
        cwd=tmp_path,
        env={**os.environ, **known},
        capture_output=True,
        text=True,
    )
    (tmp_path / "stdout").write_text(found.stdout)
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]
    print(re.findall(r"\d+ generated.*", found.stdout))
    answered = Counter(re.findall(r'"response":\{"status_code":(\d)', (tmp_path / "events").read_text()))
    assert answered["2"] > 100
    assert not answered["5"], answered
    assert not re.search(r'\\*"status\\*":5\d\d', (tmp_path / "events").read_text())


@pytest.mark.conformance
@pytest.mark.timeout(900)
def test_grpc_answers_whatever_is_sent_and_another_as_of_nothing(served: Served) -> None:
    with grpc.insecure_channel(served.address) as channel:
        codes: Counter[str] = Counter()

        def ask(operation: Any, sent: bytes, token: str) -> Any:
            call: Any = channel.unary_unary(f"/{service_of(operation.resource)}/{method_of(operation)}")
            answer = call.future(sent, timeout=60, metadata=[("authorization", f"Bearer {token}")])
            assert answer.code() not in SERVER_ERRORS, (operation.call.name, answer)  # which waits for the end
            return answer

        @seed(20)
        @settings(SAMPLE, max_examples=CALLS_OF_GRPC, deadline=None)
        @given(st.data())
        def every_call(data: Any) -> None:
            operation = data.draw(st.sampled_from(OPERATIONS))
            name = names()[operation.call.request]
            if data.draw(st.integers(0, 9)) == 0:
                ask(operation, data.draw(st.binary()), served.root)
                return
            message = data.draw(of_message(name))
            held = {key: value for key, value in served.own.items() if key in message.DESCRIPTOR.fields_by_name}
            for key in held:
                setattr(message, key, data.draw(own_or_any(served.own, key, st.just("x"))))
            changes = operation.method != "GET" and {getattr(message, key) for key in held} & {*served.kept}
            if changes:
                return
            none = class_of(name).FromString(message.SerializeToString())
            absent = {key: absent_like(getattr(message, key)) for key in held if key in operation.fields_at("path")}
            for key, value in absent.items():
                setattr(none, key, value)
            asked = [each.SerializeToString() for each in (message, none)] if absent else []
            others = [ask(operation, each, served.bob) for each in asked]
            answer = ask(operation, message.SerializeToString(), served.root)
            codes[answer.code().name] += 1
            if answer.code() is not grpc.StatusCode.OK:
                return
            if operation.call.name in ("jobs.delete", "jobs.delete_matching"):
                served.submit()
            if not others:
                return
            theirs, nothing = others
            shown = str(nothing.details())
            for key, value in absent.items():
                shown = shown.replace(value, getattr(message, key))
            assert (theirs.code(), str(theirs.details())) == (nothing.code(), shown), operation.call.name
            codes["by another"] += 1

        every_call()
    print(dict(codes))
    assert codes["by another"] > 20
