"""The pages of the viewer, made on the server: no script, one style, drawings as SVG in the page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple, cast

import jinja2

from qmk.gateway.http import iso
from qmk.gateway.observe.history import SPANS, Moment, Span
from qmk.gateway.observe.observer import Observer
from qmk.gateway.observe.spans import Span as TraceSpan
from qmk.gateway.rest.page import STYLE as BASE
from qmk.gateway.rest.page import policy_for
from qmk.rpc.metrics import BY_NAME, Sample
from qmk.rpc.op_metrics import LogLine

STYLE = (
    BASE
    + """
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.6rem;padding:0;list-style:none}
.tiles li{border:1px solid var(--line);border-radius:.4rem;padding:.5rem .8rem}
.tiles b{display:block;font-size:1.3rem;font-weight:600;font-variant-numeric:tabular-nums}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:1rem}
figure{margin:0}figcaption{color:var(--soft);font-size:.9rem}
svg{display:block;width:100%;height:auto;overflow:visible}
svg text{fill:var(--ink);font:11px system-ui,sans-serif}svg .soft{fill:var(--soft)}
a[aria-current]{color:inherit;font-weight:600;text-decoration:none}
.axis{stroke:var(--line)}.curve{fill:none;stroke:var(--link);stroke-width:1.5;vector-effect:non-scaling-stroke}
.area{fill:var(--link);opacity:.13}.bar{fill:var(--link)}.bar.wait{fill:var(--soft);opacity:.55}
.bar.failed,.bad{fill:#c4372c}td.bad,b.bad{color:#c4372c}
@media(prefers-color-scheme:dark){.bar.failed,.bad{fill:#ff8a7d}td.bad,b.bad{color:#ff8a7d}}
table.plain td:last-child{min-width:0}td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}
table.plain td,table.plain th{padding-right:1rem}
table.plain td.number,table.plain td:first-child{white-space:nowrap}h1{overflow-wrap:anywhere}
@media(max-width:44rem){table.plain thead{display:table-header-group}table.plain tr{display:table-row}
table.plain td{display:table-cell;border-bottom:1px solid var(--line)}
table.plain td:last-child{display:table-cell;color:inherit}}
"""
)
POLICY = policy_for(STYLE)
CHART_W, CHART_H = 300.0, 60.0
TRACE_W, NAME_W, ROW_H = 960.0, 190.0, 26.0


class Chart(NamedTuple):
    """A curve over time, as points of an SVG."""

    title: str
    now: str
    most: str
    line: str
    area: str
    since: str


class Bar(NamedTuple):
    """A span of the waterfall, in units of the SVG."""

    name: str
    x: float
    width: float
    y: float
    depth: int
    kind: str
    label: str
    label_x: float
    anchor: str
    about: str


class Lists(NamedTuple):
    """Samples by name and labels."""

    rows: dict[str, dict[tuple[str, ...], Sample]]

    def value(self, name: str, *labels: str) -> float:
        found = self.rows.get(f"qmk_{name}", {}).get(labels)
        return found.value if found is not None else 0.0

    def labels(self, name: str) -> list[tuple[str, ...]]:
        return sorted(self.rows.get(f"qmk_{name}", {}))

    def names(self, *metrics: str) -> list[tuple[str, ...]]:
        """The labels that any of the metrics has."""
        return sorted({labels for name in metrics for labels in self.labels(name)})

    def total(self, name: str) -> float:
        return sum(self.value(name, *labels) for labels in self.labels(name))

    def sample(self, name: str, labels: tuple[str, ...]) -> Sample:
        return self.rows[f"qmk_{name}"][labels]


@cache
def _templates() -> jinja2.Environment:
    loader = jinja2.PackageLoader("qmk.gateway.observe")
    made = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    filters = cast("dict[str, Any]", made.filters)  # pyright: ignore[reportUnknownMemberType]
    filters |= {"seconds": seconds, "size": size, "number": number}
    return made


def seconds(value: float) -> str:
    """A time with the unit that suits it."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if value * factor >= 1 or unit == "µs":
            return f"{value * factor:.3g} {unit}" if value * factor < 1000 else f"{value * factor:,.0f} {unit}"
    raise AssertionError


def size(value: float) -> str:
    """Bytes with the unit that suits them."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            return f"{value:.3g} {unit}" if value < 1000 else f"{value:,.0f} {unit}"
        value /= 1024
    raise AssertionError


def number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"


def overview(observer: Observer, listed: int, span: Span) -> str:
    """The page of metrics, with curves over this time, and of the newest traces."""
    lists = Lists({})
    for sample in observer.samples():
        lists.rows.setdefault(sample.name, {})[sample.labels] = sample
    history = observer.history.between(span)
    return (
        _templates()
        .get_template("overview.html")
        .render(
            style=STYLE,
            up=observer.up,
            now=iso(time.time()),
            span=span,
            ends=(iso(span.since)[:16], iso(span.until)[:16]),
            spans=SPANS,
            charts=[
                _chart("jobs that wait", span, history, "queued"),
                _chart("jobs that run", span, history, "running"),
                _chart("jobs ended in a minute", span, history, "ended", rate=True),
                _chart("requests in a minute", span, history, "requests", rate=True),
                _chart("memory", span, history, "memory_bytes", size),
            ],
            lists=lists,
            tenants=tenants(lists),
            engines=_engines(lists),
            latencies=[
                (title, _latencies(lists, name))
                for title, name in (
                    ("Requests by address", "http_request_seconds"),
                    ("Calls at the daemon", "call_seconds"),
                )
            ],
            traces=[_summary(spans) for spans in observer.traces.newest(listed)],
            canary=observer.settings.canary_s != 0,
        )
    )


def _chart(
    title: str,
    span: Span,
    history: Sequence[Moment],
    name: str,
    show: Callable[[float], str] = number,
    *,
    rate: bool = False,
) -> Chart:
    """``rate``: what is shown is by how much it grows in a minute."""
    values: list[float] = [getattr(row, name) for row in history]
    if rate:
        grown = [60 * max(0.0, to - of) for of, to in pairwise(values)]
        took = [max(1e-3, after.at_s - before.at_s) for before, after in pairwise(history)]
        values = [0.0, *(more / took_s for more, took_s in zip(grown, took, strict=True))][: len(values)]
    most = max(values, default=0.0)
    if not values:
        return Chart(title, show(0), show(0), "", "", "")
    first, last = history[0].at_s, history[-1].at_s
    xs = [CHART_W * (row.at_s - span.since) / (span.until - span.since) for row in history]
    ys = [CHART_H - CHART_H * each / (most or 1) for each in values]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))
    area = f"{xs[0]:.1f},{CHART_H} {line} {xs[-1]:.1f},{CHART_H}"
    return Chart(title, show(values[-1]), show(most), line, area, seconds(last - first) if last > first else "")


def tenants(lists: Lists) -> list[dict[str, Any]]:
    """What each tenant has, and how many system calls its workers were refused."""
    total, weights = lists.total("tenant_engine_seconds_total"), lists.total("tenant_weight")
    refused: dict[str, float] = {}
    for engine, tenant in lists.labels("sandbox_denials_total"):
        refused[tenant] = refused.get(tenant, 0.0) + lists.value("sandbox_denials_total", engine, tenant)
    return [
        {
            "name": labels[0],
            "queued": lists.value("jobs_queued", *labels),
            "running": lists.value("jobs_running", *labels),
            "oldest": lists.value("queue_oldest_wait_seconds", *labels),
            "used": lists.value("tenant_engine_seconds_total", *labels),
            "share": lists.value("tenant_engine_seconds_total", *labels) / total if total else 0.0,
            "refused": refused.get(labels[0], 0.0),
            "due": lists.value("tenant_weight", *labels) / weights if weights else 0.0,
        }
        for labels in lists.names("tenant_weight", "jobs_submitted_total")
    ]


def _engines(lists: Lists) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for labels in lists.names("engine_seconds_total", "canary_p_value", "worker_starts_total"):
        judged = labels in lists.labels("canary_p_value")
        rows.append(
            {
                "name": labels[0],
                "taken": lists.value("engine_seconds_total", *labels),
                "predicted": lists.value("engine_predicted_seconds_total", *labels),
                "starts": lists.value("worker_starts_total", *labels),
                "deaths": lists.value("worker_deaths_total", *labels),
                "p": lists.value("canary_p_value", *labels) if judged else None,
                "drifts": bool(lists.value("canary_drift", *labels)),
            }
        )
    return rows


def _latencies(lists: Lists, name: str) -> list[dict[str, Any]]:
    bounds = BY_NAME[f"qmk_{name}"].bounds
    rows: list[dict[str, Any]] = []
    for labels in lists.labels(name):
        sample = lists.sample(name, labels)
        count = sum(sample.counts)
        shares = {f"p{share}": _quantile(bounds, sample.counts, share / 100) for share in (50, 99)}
        rows.append({"name": " ".join(labels), "count": count, "mean": sample.value / max(1, count), **shares})
    return sorted(rows, key=lambda row: -row["count"])


def _quantile(bounds: Sequence[float], counts: Sequence[int], share: float) -> str:
    """The bound below which so many of the values are."""
    left = share * sum(counts)
    for bound, count in zip(bounds, counts, strict=False):
        left -= count
        if left <= 0:
            return f"≤ {seconds(bound)}"
    return f"> {seconds(bounds[-1])}"


def _summary(spans: Sequence[TraceSpan]) -> dict[str, Any]:
    """A row of the list of traces."""
    first = spans[0]
    job = next((span for span in spans if span.name == "job"), None)
    about = job.attributes if job is not None else {}
    return {
        "id": first.trace,
        "name": first.name,
        "begin": iso(first.begin_ns / 1e9),
        "seconds": (max(span.end_ns for span in spans) - first.begin_ns) / 1e9,
        "spans": len(spans),
        "failed": next((span.failed for span in spans if span.failed), ""),
        "state": about.get("qmk.state", "under way"),
        "engine": about.get("qmk.engine", ""),
        "tenant": about.get("qmk.tenant", ""),
    }


def trace(spans: Sequence[TraceSpan]) -> str:
    """The page of one trace: its spans as bars over time, and what is known of each."""
    begin_ns, end_ns = spans[0].begin_ns, max(span.end_ns for span in spans)
    whole = max(1, end_ns - begin_ns)
    bars = [_bar(span, depth, at, begin_ns, whole) for at, (span, depth) in enumerate(_in_depth(spans))]
    ticks = [(NAME_W + (TRACE_W - NAME_W) * at / 4, seconds(whole * at / 4e9)) for at in range(5)]
    return (
        _templates()
        .get_template("trace.html")
        .render(
            style=STYLE,
            summary=_summary(spans),
            bars=bars,
            ticks=ticks,
            width=TRACE_W,
            height=ROW_H * len(bars) + 24,
            row_h=ROW_H,
            jobs=list(dict.fromkeys(str(span.attributes["qmk.job"]) for span in spans if "qmk.job" in span.attributes)),
        )
    )


def job_log(job: str, trace: str, lines: Sequence[LogLine]) -> str:
    """The page of what the daemon's log said of a job."""
    rows = [(f"{iso(line.at_s)}", line) for line in lines]
    return _templates().get_template("log.html").render(style=STYLE, job=job, trace=trace, rows=rows)


def _in_depth(spans: Sequence[TraceSpan]) -> Iterable[tuple[TraceSpan, int]]:
    """Each span with its depth, after the one that it is part of."""
    ids = {span.id for span in spans}
    below: dict[str, list[TraceSpan]] = {}
    for span in spans:
        below.setdefault(span.parent if span.parent in ids else "", []).append(span)
    waiting = [(span, 0) for span in reversed(below.pop("", []))]
    while waiting:
        span, depth = waiting.pop()
        yield span, depth
        waiting += [(each, depth + 1) for each in reversed(below.pop(span.id, []))]


def _round(value: float | str) -> float | str:
    return f"{value:.3g}" if isinstance(value, float) else value


def _bar(span: TraceSpan, depth: int, at: int, begin_ns: int, whole: int) -> Bar:
    across = TRACE_W - NAME_W
    x = NAME_W + across * (span.begin_ns - begin_ns) / whole
    width = max(2.0, across * (span.end_ns - span.begin_ns) / whole)
    kind = "failed" if span.failed else "wait" if span.name == "queue" else ""
    fits_right = x + width + 70 < TRACE_W
    label_x = x + width + 6 if fits_right else x - 6
    facts = {**span.attributes, **({"error": span.failed} if span.failed else {})}
    about = ", ".join(f"{name.removeprefix('qmk.')} {_round(value)}" for name, value in facts.items())
    label = seconds((span.end_ns - span.begin_ns) / 1e9)
    return Bar(span.name, x, width, ROW_H * at, depth, kind, label, label_x, "start" if fits_right else "end", about)
