"""Pages that change by themselves, without a browser: what happens between a page and its first look is not missed."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Iterator

import httpx
import pytest

from qmk.gateway.rest.openapi import BELL
from tests.integration.gateway.tenants import Service


@pytest.fixture(scope="module")
def chem(service: Service) -> Iterator[httpx.Client]:
    """A browser without scripts, signed in as the first tenant."""
    url = str(service.http.base_url).rstrip("/")
    with httpx.Client(base_url=url, timeout=60, headers={"origin": url}) as http:
        token = service.headers["chem"]["authorization"].removeprefix("Bearer ")
        assert http.post("/signin", data={"token": token}).status_code == 303
        yield http


def live_address(chem: httpx.Client, path: str) -> str:
    found = re.search(r'data-live="([^"]+)"', chem.get(path).text)
    assert found is not None
    return html.unescape(found[1])


def first_word(chem: httpx.Client, address: str) -> str:
    """The first line of a stream that is not about how to read it."""
    with chem.stream("GET", address) as stream:
        return next(line for line in stream.iter_lines() if line and not line.startswith("retry:"))


def test_a_list_tells_what_changed_since_its_page(service: Service, chem: httpx.Client) -> None:
    name = uuid.uuid4().hex
    address = live_address(chem, f"/jobs?name={name}")
    assert "seen=" in address
    assert first_word(chem, address) == ": nothing new"
    asked = {"program": {"text": BELL}, "shots": 10, "name": name}
    job = service.ask("jobs.submit", json=asked).json()["job_id"]
    assert service.ask("jobs.get", job=job).json()["state"] == "COMPLETED"
    assert first_word(chem, address) == "event: changed"
    assert first_word(chem, live_address(chem, f"/jobs?name={name}")) == ": nothing new"
    service.ask("jobs.label", job=job, json={"add": ["seen"]})
    assert first_word(chem, f"/live/jobs?name={name}&seen={'0' * 64}") == "event: changed"


def test_pages_that_say_nothing_of_what_they_have_seen_are_read_again(chem: httpx.Client) -> None:
    """Pages of a batch and of the queue show more than the list whose stream they follow."""
    assert first_word(chem, live_address(chem, "/queue")) == "event: changed"


def test_a_job_page_reads_the_events_before_the_state(service: Service, chem: httpx.Client) -> None:
    """It follows from the events that it has seen: one between the two readings comes again."""
    told = chem.get(f"/jobs/{service.job}?as=json").json()
    assert list(told)[:2] == ["jobs.events", "jobs.get"]
    assert first_word(chem, f"/live/jobs/{service.job}?after=0") == "id: 1"
