"""Metrics and alerts for Prometheus and Grafana: ``deploy/observability``, ``docs/reference/metrics.md`` and
``docs/runbooks/alerts.md``, from the table of metrics and that of alerts."""

from __future__ import annotations

import json
import sys
from typing import Any

from observability_alerts import ALERTS, Alert
from pages import NOTICE, table, write_or_check

from qmk.rpc.metrics import LABEL_SETS, METRICS, OTHER, Metric

FOLDER = "deploy/observability"
RUNBOOKS = "docs/runbooks/alerts.md"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
ABOUT = "# Made by tools/generate_observability.py; do not edit.\n"
INTRO = f"""# Metrics

`GET /metrics` of the gateway gives these in the text format of Prometheus; [Watch a server](../howto/observability.md)
says how to get at them. Of one metric there are at most {LABEL_SETS} sets of labels; what comes after them is counted
under `{OTHER}`. Counts begin at the start of the daemon, or of the gateway.

"""
RUNBOOK = """# What to do when an alert fires

The alerts are in `deploy/observability/alerts.yml`, and each has a test that fires it in `alerts_test.yml` beside it.
[Watch a server](../howto/observability.md) says how to load them. What each metric counts stands in
[Metrics](../reference/metrics.md).
"""


def _rules() -> str:
    """The rules, as YAML in the form of JSON strings, which promtool reads as well."""
    lines = [ABOUT, "groups:\n", "  - name: qmk\n", "    rules:\n"]
    for alert in ALERTS:
        lines += [
            f"      - alert: {alert.name}\n",
            f"        expr: {json.dumps(alert.expr)}\n",
            f"        for: {alert.wait}\n",
            f"        labels: {{severity: {alert.severity}}}\n",
            "        annotations:\n",
            f"          summary: {json.dumps(alert.summary)}\n",
            f"          runbook_url: {RUNBOOKS}#{alert.name.lower()}\n",
        ]
    return "".join(lines)


def _summary(alert: Alert) -> str:
    text = alert.summary
    for name, value in alert.labels:
        text = text.replace(f"{{{{ $labels.{name} }}}}", value)
    return text


def _tests() -> str:
    tests: list[dict[str, Any]] = []
    for alert in ALERTS:
        fired = {
            "exp_labels": {"severity": alert.severity, **dict(alert.labels)},
            "exp_annotations": {"summary": _summary(alert), "runbook_url": f"{RUNBOOKS}#{alert.name.lower()}"},
        }
        tests.append(
            {
                "name": alert.name,
                "interval": "1m",
                "input_series": [{"series": series, "values": values} for series, values in alert.series],
                "alert_rule_test": [
                    {"eval_time": "0m", "alertname": alert.name, "exp_alerts": []},
                    {"eval_time": alert.at, "alertname": alert.name, "exp_alerts": [fired]},
                ],
            }
        )
    whole = {"rule_files": ["alerts.yml"], "evaluation_interval": "1m", "tests": tests}
    return ABOUT + json.dumps(whole, indent=1) + "\n"


def _query(metric: Metric) -> tuple[str, str]:
    """What a panel shows of a metric, and the legend of its curves."""
    legend = " ".join(f"{{{{{label}}}}}" for label in metric.labels)
    if metric.kind == "gauge":
        return metric.name, legend
    by = ", ".join(metric.labels)
    if metric.kind == "counter":
        return f"sum by ({by}) (rate({metric.name}[$__rate_interval]))" if by else (
            f"rate({metric.name}[$__rate_interval])"
        ), legend
    inside = f"sum by (le{', ' + by if by else ''}) (rate({metric.name}_bucket[$__rate_interval]))"
    return f"histogram_quantile(0.99, {inside})", legend


UNITS = {"seconds": "s", "bytes": "bytes", "ratio": "percentunit"}


def _panel(metric: Metric, at: int) -> dict[str, Any]:
    expr, legend = _query(metric)
    unit = UNITS.get(metric.unit, "short")
    if metric.kind == "counter":
        unit = {"s": "percentunit", "bytes": "Bps"}.get(unit, "cps")
    title = metric.name + {"counter": ", per second", "histogram": ", 99 % below"}.get(metric.kind, "")
    return {
        "id": at + 1,
        "type": "timeseries",
        "title": title,
        "description": metric.words,
        "datasource": SOURCE,
        "gridPos": {"h": 7, "w": 8, "x": 8 * (at % 3), "y": 7 * (at // 3)},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [{"refId": "A", "expr": expr, "legendFormat": legend or metric.name}],
    }


def _dashboard() -> str:
    shown = [metric for metric in METRICS if metric.name != "qmk_build_info"]
    board = {
        "title": "QMK",
        "uid": "qmk",
        "tags": ["qmk"],
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]},
        "panels": [_panel(metric, at) for at, metric in enumerate(shown)],
    }
    return json.dumps(board, indent=1) + "\n"


def _reference() -> str:
    head = ("metric", "kind", "unit", "labels", "what it counts")
    parts = [NOTICE.format(script="generate_observability.py"), INTRO]
    for source, title in (("daemon", "Of the daemon"), ("gateway", "Of the gateway")):
        rows = [
            (f"`{row.name}`", row.kind, row.unit, ", ".join(f"`{label}`" for label in row.labels), row.words)
            for row in METRICS
            if row.source == source
        ]
        parts += [f"## {title}\n", table(head, rows), "\n"]
    return "".join(parts).rstrip() + "\n"


def _runbook() -> str:
    parts = [NOTICE.format(script="generate_observability.py"), RUNBOOK]
    for alert in ALERTS:
        steps = "".join(f"1. {step}\n" for step in alert.steps)
        summary = alert.summary.replace("{{ $labels.", "").replace(" }}", "")
        parts.append(f"\n## {alert.name}\n{summary} Severity: {alert.severity}; it fires after {alert.wait}.\n\n")
        parts.append(f"{alert.meaning}\n\n{steps}\n```promql\n{alert.expr}\n```\n")
    return "".join(parts)


if __name__ == "__main__":
    files = {
        f"{FOLDER}/alerts.yml": _rules(),
        f"{FOLDER}/alerts_test.yml": _tests(),
        f"{FOLDER}/dashboard.json": _dashboard(),
        "docs/reference/metrics.md": _reference(),
        "docs/runbooks/alerts.md": _runbook(),
    }
    sys.exit(write_or_check(files, sys.argv[1:]))
