"""Every metric, declared once: the daemon and the gateway count by this table, ``/metrics``, its reference page, the
dashboard and the tests are made from it. Names follow Prometheus: the unit in plural at the end, ``_total`` for counts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Literal, cast

from msgspec import Struct

Kind = Literal["counter", "gauge", "histogram"]
LABEL_SETS = 512
"""Most sets of labels of one metric; what comes after them is counted under ``OTHER``."""
OTHER = "other"
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0)
RATIOS = (0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)


class Metric(Struct, frozen=True):
    """``source``: who counts it. ``bounds``: upper bounds of a histogram's buckets, in its unit."""

    name: str
    kind: Kind
    unit: str
    labels: tuple[str, ...]
    words: str
    source: Literal["daemon", "gateway"] = "daemon"
    bounds: tuple[float, ...] = ()


def _rows(source: Literal["daemon", "gateway"], text: str) -> list[Metric]:
    rows: list[Metric] = []
    for line in text.strip().splitlines():
        name, kind, unit, labels, words = (part.strip() for part in line.split("|"))
        bounds = {"seconds": SECONDS, "ratio": RATIOS}[unit] if kind == "histogram" else ()
        named = tuple(labels.split())
        rows.append(Metric(f"qmk_{name}", cast(Kind, kind), unit, named, words, source, bounds))
    return rows


METRICS: tuple[Metric, ...] = (
    *_rows(
        "daemon",
        """
        build_info | gauge | | version | Is 1; the version of the daemon is its label
        daemon_start_time_seconds | gauge | seconds | | Unix time at which the daemon began to answer
        jobs_queued | gauge | jobs | tenant | Jobs that wait
        jobs_running | gauge | jobs | tenant | Jobs that a worker has
        queue_oldest_wait_seconds | gauge | seconds | tenant | How long the job that waits longest has waited
        jobs_submitted_total | counter | jobs | tenant | Jobs accepted since the daemon's start
        jobs_ended_total | counter | jobs | tenant state | Jobs that ended, by state: completed, failed, cancelled
        job_wait_seconds | histogram | seconds | | From acceptance to the last start on a worker
        job_run_seconds | histogram | seconds | engine | From the last start to the end
        engine_seconds_total | counter | seconds | engine | Time that completed jobs took on engines
        engine_predicted_seconds_total | counter | seconds | engine | What was predicted for the same jobs
        engine_prediction_ratio | histogram | ratio | engine | Time of a job of 10 ms or more, over what was predicted
        epochs_total | counter | epochs | | Epochs of completed jobs
        tenant_engine_seconds_total | counter | seconds | tenant | Engine time of completed jobs
        tenant_weight | gauge | | tenant | Weight of the tenant in fair shares
        cache_hits_total | counter | jobs | | Jobs that were answered with the result of an earlier one
        decoder_load_ratio | gauge | ratio | | Decoder load of the jobs that run; at 1 the decoder is just fast enough
        decoder_backlog_ratio | gauge | ratio | | Decoder load of the jobs that wait
        call_seconds | histogram | seconds | call | From a call's arrival at the daemon to its answer, waits included
        call_errors_total | counter | calls | call error | Calls that the daemon refused
        connections | gauge | connections | | Connections to the daemon
        journal_batches_total | counter | batches | | Batches committed to the journal
        journal_records_total | counter | records | | Records in them
        journal_bytes_total | counter | bytes | | Bytes of these records
        journal_commit_seconds | histogram | seconds | | From the begin of a commit to its end
        data_free_bytes | gauge | bytes | | Free space where the journal is
        queued_graph_bytes | gauge | bytes | | Programs of jobs that have not ended, in the daemon's memory
        kept_bytes | gauge | bytes | | Programs and results of ended jobs
        workers | gauge | processes | | Worker processes
        worker_slots | gauge | jobs | | Jobs that can run at once
        worker_starts_total | counter | processes | engine | Worker processes that were started
        worker_deaths_total | counter | processes | engine | Worker processes that crashed or were killed
        sandbox_denials_total | counter | calls | engine tenant | System calls refused to workers; 0 without a sandbox
        """,
    ),
    *_rows(
        "gateway",
        """
        up | gauge | | | Is 1 if the daemon answered the gateway's last question for figures
        process_resident_bytes | gauge | bytes | process | Resident memory of daemon, workers together, and gateway
        http_requests_total | counter | requests | route method status | Requests that were answered
        http_request_seconds | histogram | seconds | route | From a request's arrival to the end of its answer
        http_in_flight | gauge | requests | | Requests that are being answered
        gateway_call_seconds | histogram | seconds | call | Calls of the gateway to the daemon, REST and rpc alike
        canary_runs_total | counter | jobs | engine outcome | Canary jobs, by outcome: agreed, deviated, failed
        canary_p_value | gauge | ratio | engine | Chance of counts as far from theory as those of the last canary job
        canary_fidelity_ratio | gauge | ratio | engine | Classical fidelity of the last canary job's counts to theory
        canary_drift | gauge | | engine | Is 1 while canary jobs of the engine deviate again and again
        canary_last_run_time_seconds | gauge | seconds | engine | Unix time of the last canary job that completed
        traces_kept | gauge | traces | | Traces that the viewer can show
        certificate_end_time_seconds | gauge | seconds | certificate | Unix time at which a certificate ends
        spans_exported_total | counter | spans | outcome | Spans sent to the collector, by outcome: sent, lost
        """,
    ),
)
BY_NAME = {metric.name: metric for metric in METRICS}


class Sample(Struct, frozen=True, array_like=True):
    """A value of a metric. Of a histogram: ``counts`` of its buckets, the last without bound, and ``value``, the sum of
    what was observed."""

    name: str
    labels: tuple[str, ...]
    value: float
    counts: list[int] = []


class _Seen:
    """What was observed of a histogram with one set of labels: counts of its buckets, and the sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds, self.counts, self.total = bounds, [0] * (len(bounds) + 1), 0.0


class Counters:
    """Counts and observes by the table. Names are without ``qmk_``; labels come in the table's order."""

    def __init__(self) -> None:
        self._values: defaultdict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
        self._seen: defaultdict[str, dict[tuple[str, ...], _Seen]] = defaultdict(dict)

    def add(self, name: str, labels: tuple[str, ...] = (), by: float = 1) -> None:
        values = self._values[name]
        if labels in values:
            values[labels] += by
        else:
            labels = _within(values, labels)
            values[labels] = values.get(labels, 0) + by

    def set(self, name: str, value: float, labels: tuple[str, ...] = ()) -> None:
        values = self._values[name]
        values[_within(values, labels)] = value

    def observe(self, name: str, value: float, labels: tuple[str, ...] = ()) -> None:
        """Counts a value of a histogram."""
        rows = self._seen[name]
        seen = rows.get(labels)
        if seen is None:
            seen = rows.setdefault(_within(rows, labels), _Seen(BY_NAME[f"qmk_{name}"].bounds))
        seen.total += value
        seen.counts[bisect_left(seen.bounds, value)] += 1

    def get(self, name: str, labels: tuple[str, ...] = ()) -> float:
        """A value, of a histogram the sum."""
        seen = self._seen[name].get(labels) if name in self._seen else None
        return seen.total if seen is not None else self._values.get(name, {}).get(labels, 0)

    def samples(self) -> list[Sample]:
        """All values so far."""
        values = [(name, *row) for name, rows in self._values.items() for row in rows.items()]
        counted = [Sample(f"qmk_{name}", labels, value) for name, labels, value in values]
        return counted + [
            Sample(f"qmk_{name}", labels, seen.total, list(seen.counts))
            for name, rows in self._seen.items()
            for labels, seen in rows.items()
        ]


def _within(rows: Collection[tuple[str, ...]], labels: tuple[str, ...]) -> tuple[str, ...]:
    """The labels under which a value is counted."""
    return labels if labels in rows or len(rows) < LABEL_SETS else (OTHER,) * len(labels)


def bound(samples: Iterable[Sample]) -> list[Sample]:
    """The samples, those past ``LABEL_SETS`` of a metric as one with the labels ``OTHER``: their sum, of times the
    largest."""
    seen: dict[str, int] = {}
    kept: list[Sample] = []
    rest: dict[tuple[str, int], float] = {}
    for sample in samples:
        seen[sample.name] = seen.get(sample.name, 0) + 1
        if seen[sample.name] <= LABEL_SETS:
            kept.append(sample)
        else:
            key = sample.name, len(sample.labels)
            so_far = rest.get(key, 0.0)
            rest[key] = max(so_far, sample.value) if sample.name.endswith("_seconds") else so_far + sample.value
    return kept + [Sample(name, (OTHER,) * size, value) for (name, size), value in rest.items()]
