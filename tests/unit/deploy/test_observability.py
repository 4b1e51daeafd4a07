"""The dashboard and Prometheus' configuration: Grafana and Prometheus read every field, and every query is one."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

DEPLOY = Path(__file__).parents[3] / "deploy"


def only(required: dict[str, Any], **others: Any) -> dict[str, Any]:
    """An object with these fields and no others."""
    return {
        "type": "object",
        "properties": {**required, **others},
        "required": list(required),
        "additionalProperties": False,
    }


TEXT, NUMBER = {"type": "string", "minLength": 1}, {"type": "integer", "minimum": 0}
SOURCE = only({"type": {"const": "prometheus"}, "uid": {"const": "${datasource}"}})
TARGET = only(
    {"expr": TEXT, "refId": {"pattern": "^[A-Z]$"}}, legendFormat={"type": "string"}, instant={"type": "boolean"}
)
UNITS = {"enum": ["Bps", "bytes", "cps", "percentunit", "s", "short"]}
PANEL = only(
    {
        "id": {"type": "integer", "minimum": 1},
        "type": {"const": "timeseries"},
        "title": TEXT,
        "datasource": SOURCE,
        "gridPos": only({"x": NUMBER, "y": NUMBER, "w": {"enum": [8, 12, 24]}, "h": NUMBER}),
        "targets": {"type": "array", "minItems": 1, "items": TARGET},
    },
    description={"type": "string"},
    fieldConfig=only({"defaults": only({}, min=NUMBER, unit=UNITS)}, overrides={"type": "array", "maxItems": 0}),
)
VARIABLE = only({"name": {"pattern": "^[a-z]+$"}, "type": {"const": "datasource"}, "query": {"const": "prometheus"}})
DASHBOARD = only(
    {
        "uid": {"pattern": "^[A-Za-z0-9_-]{1,40}$"},
        "title": TEXT,
        "schemaVersion": {"type": "integer", "minimum": 36, "maximum": 41},
        "panels": {"type": "array", "minItems": 1, "items": PANEL},
        "templating": only({"list": {"type": "array", "items": VARIABLE}}),
        "time": only({"from": {"pattern": "^now-"}, "to": {"const": "now"}}),
    },
    refresh={"pattern": "^[0-9]+[smh]$"},
    tags={"type": "array", "items": TEXT},
)
"""What Grafana documents of each field (https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/
view-dashboard-json-model/), as far as this dashboard uses it."""


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    return json.loads((DEPLOY / "observability" / "dashboard.json").read_text())


def test_every_field_is_one_that_grafana_reads(dashboard: dict[str, Any]) -> None:
    jsonschema.validate(dashboard, DASHBOARD)
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    wrong = {**dashboard, "panels": [{**dashboard["panels"][0], "datasources": "prometheus"}]}
    with pytest.raises(jsonschema.ValidationError, match="datasources"):
        jsonschema.validate(wrong, DASHBOARD)


def promtool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("promtool") is None:
        pytest.skip("there is no promtool here; apt-get install prometheus has it")
    return subprocess.run(["promtool", *words], capture_output=True, text=True, timeout=60)


def test_prometheus_reads_the_query_of_every_panel(dashboard: dict[str, Any], tmp_path: Path) -> None:
    """As rules: their queries are the panels', with an interval in place of Grafana's."""
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = [
        {"record": f"panel:{number}", "expr": query.replace("$__rate_interval", "5m").replace("$__interval", "1m")}
        for number, query in enumerate(queries)
    ]
    path = tmp_path / "rules.yml"
    for extra, status in (([], 0), ([{"record": "panel:wrong", "expr": "rate(qmk_up[5m"}], 1)):
        path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": [*rules, *extra]}]}))
        done = promtool("check", "rules", path)
        assert done.returncode == status, done.stdout + done.stderr


def test_prometheus_reads_its_configuration(tmp_path: Path) -> None:
    text = (DEPLOY / "compose" / "prometheus.yml").read_text()
    path = tmp_path / "prometheus.yml"
    for given, status in ((text, 0), (text.replace("scrape_configs:", "scrape_config:"), 1)):
        path.write_text(given)
        done = promtool("check", "config", "--syntax-only", path)
        assert done.returncode == status, done.stdout + done.stderr
