"""Schemathesis, all of it, on a gateway with a daemon: REST with chains of requests, and GraphQL."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import RunningDaemon
from tests.integration.gateway.tenants import serving_both

HOOKS = Path(__file__).resolve().parents[1] / "integration" / "gateway" / "fuzzing.py"
LEFT_OUT = {
    "openapi.json": "positive_data_acceptance",  # no schema says which texts are programs
    "graphql": "not_a_server_error",  # to which each error of a bound counts; those of ours are looked for below
}


@pytest.mark.conformance
@pytest.mark.timeout(900)
@pytest.mark.parametrize("place", LEFT_OUT)
def test_schemathesis_finds_nothing(place: str, daemon: RunningDaemon, tmp_path: Path) -> None:
    with serving_both(daemon, tmp_path / "gateway.db", needs_token=False) as (http, _):
        url = str(http.base_url).rstrip("/")
        location = HOOKS.parents[3] / "docs" / "reference" / ("schema.graphql" if place == "graphql" else place)
        given = ["run", str(location), "--url", f"{url}/graphql" if place == "graphql" else url]
        given += ["--exclude-checks", LEFT_OUT[place], "--seed", "20", "-n", "10", "--request-timeout", "60"]
        given += ["--no-color", "--continue-on-failure", "--max-time", "300"]
        given += ["--report-ndjson-path", str(tmp_path / "events")]
        found = subprocess.run(
            [str(Path(sys.executable).with_name("schemathesis")), *given],
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": str(HOOKS)},
            capture_output=True,
            text=True,
        )
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]
    assert re.search(r"\d+ generated", found.stdout)
    events = (tmp_path / "events").read_text()
    assert not re.search(r'\\*"status\\*":5\d\d', events)
