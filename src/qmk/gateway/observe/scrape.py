"""Writes metrics in the text format of Prometheus."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family

from qmk.rpc.metrics import METRICS, Metric, Sample

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Scrape:
    def __init__(self, samples: Iterable[Sample]) -> None:
        self._by_name: defaultdict[str, list[Sample]] = defaultdict(list)
        for sample in samples:
            self._by_name[sample.name].append(sample)

    def collect(self) -> Iterator[Family]:
        for metric in METRICS:
            yield _family(metric, self._by_name.get(metric.name, []))


def _family(metric: Metric, samples: list[Sample]) -> Family:
    if not samples and not metric.labels:
        samples = [Sample(metric.name, (), 0.0, [0] * (len(metric.bounds) + 1))]
    if metric.kind == "histogram":
        shown = HistogramMetricFamily(metric.name, metric.words, labels=metric.labels)
        for sample in samples:
            shown.add_metric(sample.labels, _buckets(metric, sample.counts), sum_value=sample.value)
        return shown
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    plain = kind(metric.name, metric.words, labels=metric.labels)
    for sample in samples:
        plain.add_metric(sample.labels, sample.value)
    return plain


def _buckets(metric: Metric, counts: list[int]) -> list[tuple[str, float]]:
    """Counts of buckets as Prometheus has them: each with all below it."""
    total, rows = 0, list[tuple[str, float]]()
    for bound, count in zip((*map(repr, metric.bounds), "+Inf"), counts, strict=True):
        total += count
        rows.append((bound, total))
    return rows


def write_text(samples: Iterable[Sample]) -> bytes:
    """All metrics of the table; those without labels are 0 where nobody counted them yet."""
    scrape: Any = _Scrape(samples)
    return exposition.generate_latest(scrape)
