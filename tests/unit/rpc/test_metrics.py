"""The table of metrics follows Prometheus, and counters stay bounded."""

from __future__ import annotations

import re

import pytest

from qmk.rpc.metrics import LABEL_SETS, METRICS, OTHER, Counters, Metric, Sample, bound


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_is_named_as_prometheus_wants_it(metric: Metric) -> None:
    assert re.fullmatch(r"qmk_[a-z]+(_[a-z]+)*", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert metric.unit not in ("seconds", "bytes", "ratio") or metric.unit in metric.name or metric.unit == "ratio"
    assert (metric.kind == "histogram") == bool(metric.bounds)
    assert list(metric.bounds) == sorted(metric.bounds)
    assert metric.words[0].isupper()
    assert not metric.words.endswith(".")


def test_no_metric_is_declared_twice() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_values_past_the_bound_on_labels_are_counted_together() -> None:
    counters = Counters()
    for k in range(LABEL_SETS + 10):
        counters.add("jobs_submitted_total", (f"t{k}",))
        counters.observe("job_run_seconds", 0.3, (f"e{k}",))
    rows = {(row.name, row.labels): row for row in counters.samples()}
    assert len(rows) == 2 * (LABEL_SETS + 1)
    assert rows["qmk_jobs_submitted_total", (OTHER,)].value == 10
    assert sum(rows["qmk_job_run_seconds", (OTHER,)].counts) == 10
    assert rows["qmk_job_run_seconds", (OTHER,)].value == pytest.approx(3)

    many = [Sample("qmk_jobs_queued", (f"t{k}",), 1) for k in range(LABEL_SETS + 10)]
    waits = [Sample("qmk_queue_oldest_wait_seconds", (f"t{k}",), k) for k in range(LABEL_SETS + 10)]
    *_, queued, wait = bound([*many, *waits])
    assert (queued.labels, queued.value, wait.value) == ((OTHER,), 10, LABEL_SETS + 9)


def test_a_value_on_a_bound_is_in_the_bucket_of_the_bound() -> None:
    counters = Counters()
    for seconds in (0.0005, 0.00050001, 600, 601):
        counters.observe("job_wait_seconds", seconds)
    counts = counters.samples()[0].counts
    assert (counts[0], counts[1], counts[-2], counts[-1], sum(counts)) == (1, 1, 1, 1, 4)
