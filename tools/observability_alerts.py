"""The alerts: rule, what it means, what to do, and the series by which a test fires each. ``generate_observability.py``
makes the rules, their tests and the runbook of them."""

from __future__ import annotations

from typing import NamedTuple


class Alert(NamedTuple):
    """``series``: for the test, series and values in promtool's notation, a value a minute. ``at``: when it fires.
    ``labels``: those of the alert that fires, beyond its severity."""

    name: str
    expr: str
    wait: str
    severity: str
    summary: str
    meaning: str
    steps: tuple[str, ...]
    series: tuple[tuple[str, str], ...]
    at: str
    labels: tuple[tuple[str, str], ...] = ()


def _quantile(share: float, name: str, by: str = "", where: str = "") -> str:
    return f"histogram_quantile({share}, sum by (le{by}) (rate({name}_bucket{where}[10m])))"


def _buckets(name: str, labels: str, slow: str, slower: str) -> tuple[tuple[str, str], ...]:
    """Series of a histogram of which all values are between two bounds."""
    values = {slow: "0x60", slower: "0+60x60", "+Inf": "0+60x60"}
    return tuple((f'{name}_bucket{{{labels}le="{bound}"}}', given) for bound, given in values.items())


ALERTS = (
    Alert(
        "QmkDaemonDown",
        "qmk_up == 0",
        "1m",
        "critical",
        "The daemon does not answer.",
        "The gateway cannot reach the daemon's operator socket: the daemon is down, or runs as another user or with "
        "another data folder than the gateway.",
        (
            "`qmk doctor` says whether a daemon runs, and what is wrong with its folder.",
            "Its log has the reason: a full disk and a lost database end it, as it may promise nothing any more.",
            "Start it again. Accepted jobs go on.",
        ),
        (("qmk_up", "1 0x20"),),
        "5m",
    ),
    Alert(
        "QmkQueueOld",
        "max by (tenant) (qmk_queue_oldest_wait_seconds) > 1800",
        "5m",
        "warning",
        "A job of {{ $labels.tenant }} has waited for half an hour.",
        "More work comes than the machine can do, or a job needs memory or qubits of the map that nobody frees.",
        (
            "`/observe` shows whether workers are at work. If not, `qmk status JOB` says what the oldest waits for.",
            "Give the daemon more workers or memory, or bound what tenants may queue: `qmk tenant set NAME --quota`.",
        ),
        (('qmk_queue_oldest_wait_seconds{tenant="chem"}', "0+60x60"),),
        "40m",
        (("tenant", "chem"),),
    ),
    Alert(
        "QmkTenantStarved",
        "(sum by (tenant) (rate(qmk_tenant_engine_seconds_total[30m]))"
        " / scalar(sum(rate(qmk_tenant_engine_seconds_total[30m])))"
        " < 0.25 * qmk_tenant_weight / scalar(sum(qmk_tenant_weight)))"
        " and on (tenant) (min_over_time(qmk_jobs_queued[30m]) > 0)",
        "15m",
        "warning",
        "{{ $labels.tenant }} waits and gets less than a quarter of its share.",
        "A tenant had jobs waiting for half an hour and got less than a quarter of the engine time due by its weight. "
        "Its own quota on running jobs may hold it back, or its jobs fit no free place.",
        (
            "`qmk quota` as the tenant shows what it has used up.",
            "`qmk status JOB` of its first job says what that waits for.",
            "Long jobs of others give way only at fences; short ones are charged when they end.",
        ),
        (
            ('qmk_tenant_engine_seconds_total{tenant="chem"}', "0+1x90"),
            ('qmk_tenant_engine_seconds_total{tenant="bio"}', "0+59x90"),
            ('qmk_tenant_weight{tenant="chem"}', "1x90"),
            ('qmk_tenant_weight{tenant="bio"}', "1x90"),
            ('qmk_jobs_queued{tenant="chem"}', "5x90"),
        ),
        "60m",
        (("tenant", "chem"),),
    ),
    Alert(
        "QmkJobsFail",
        'sum(increase(qmk_jobs_ended_total{state="failed"}[15m])) > 5 and'
        ' sum(increase(qmk_jobs_ended_total{state="failed"}[15m])) / sum(increase(qmk_jobs_ended_total[15m])) > 0.2',
        "5m",
        "warning",
        "A fifth of all jobs fail.",
        "Jobs that were accepted end without a result: engines fail, workers die, or time limits pass.",
        (
            "The traces on `/observe` have the error of each failed job.",
            "`RESOURCE_EXHAUSTED`: memory. `TIMEOUT`: limits that callers set. `JOB_FAILED`: the engine; see its log.",
        ),
        (
            ('qmk_jobs_ended_total{state="failed",tenant="chem"}', "0+5x60"),
            ('qmk_jobs_ended_total{state="completed",tenant="chem"}', "0+5x60"),
        ),
        "30m",
    ),
    Alert(
        "QmkPredictionsOff",
        'sum by (engine) (rate(qmk_engine_prediction_ratio_bucket{le="3.0"}[1h]))'
        " / sum by (engine) (rate(qmk_engine_prediction_ratio_count[1h])) < 0.5",
        "30m",
        "info",
        "Half of the jobs on {{ $labels.engine }} take over three times what was predicted.",
        "The router chooses engines by these predictions, so it may choose badly. The machine is slower than the one "
        "that the rates were measured on, or others use it too.",
        ("`qmk calibrate` measures the rates of this machine.", "Look for other load on the machine."),
        (
            ('qmk_engine_prediction_ratio_bucket{engine="aer",le="3.0"}', "0+1x120"),
            ('qmk_engine_prediction_ratio_count{engine="aer"}', "0+10x120"),
        ),
        "100m",
        (("engine", "aer"),),
    ),
    Alert(
        "QmkWorkersDie",
        "increase(qmk_worker_deaths_total[15m]) > 3",
        "0m",
        "warning",
        "Workers of {{ $labels.engine }} crash or are killed.",
        "Worker processes end by themselves. The jobs are tried again while they have attempts left.",
        (
            "The daemon's log has the last words of each.",
            "Killed for memory: lower `--workers`, or add memory. A crash: report the program and the engine.",
        ),
        (('qmk_worker_deaths_total{engine="qsim"}', "0+1x60"),),
        "30m",
        (("engine", "qsim"),),
    ),
    Alert(
        "QmkSandboxDenials",
        "increase(qmk_sandbox_denials_total[1h]) > 0",
        "0m",
        "critical",
        "A worker of {{ $labels.engine }} for {{ $labels.tenant }} tried what its sandbox forbids.",
        "A program or a library did what no engine needs. That is a defect, or an attack.",
        (
            "`qmk audit show --kind job.calls_refused --tenant NAME` names the jobs and the system calls.",
            "If it goes on or the calls are those of an attack (`socket`, `execve`, `ptrace`, `mount`), suspend the "
            "tenant: `qmk tenant suspend NAME`. Its workers end with its jobs.",
            "If one call of one engine comes from every tenant, a library has begun to make it: report it.",
        ),
        (('qmk_sandbox_denials_total{engine="native",tenant="chem"}', "0 0 1x60"),),
        "10m",
        (("engine", "native"), ("tenant", "chem")),
    ),
    Alert(
        "QmkJournalSlow",
        _quantile(0.99, "qmk_journal_commit_seconds") + " > 0.25",
        "5m",
        "warning",
        "Commits to the journal take more than 250 ms.",
        "Every answer that promises something waits for the journal, so all submissions are slow.",
        ("Look at the disk of the data folder, or at PostgreSQL.", "`--durability process` waits for no disk."),
        _buckets("qmk_journal_commit_seconds", "", "0.25", "0.5"),
        "20m",
    ),
    Alert(
        "QmkDiskFull",
        "qmk_data_free_bytes < 1073741824",
        "5m",
        "critical",
        "Less than 1 GiB is free where the journal is.",
        "When the disk is full the daemon stops, as it could keep no promise.",
        ("`qmk gc --older-than 7d` forgets old jobs.", "`--keep-results` and `--keep` bound what is kept."),
        (("qmk_data_free_bytes", "5e8x60"),),
        "10m",
    ),
    Alert(
        "QmkDaemonMemoryHigh",
        'qmk_process_resident_bytes{process="daemon"} > 4294967296',
        "10m",
        "warning",
        "The daemon takes more than 4 GiB.",
        "The daemon holds the programs of jobs that have not ended, and recent results.",
        (
            "`qmk_queued_graph_bytes` says how much are programs; quotas on queued jobs bound them.",
            "If it is not the programs, keep the figures of `/metrics` and report it.",
        ),
        (('qmk_process_resident_bytes{process="daemon"}', "5e9x60"),),
        "20m",
        (("process", "daemon"),),
    ),
    Alert(
        "QmkDecoderBehind",
        "qmk_decoder_load_ratio > 1",
        "5m",
        "warning",
        "The decoder is slower than the machines of logical qubits that run.",
        "The jobs that run on logical qubits need more decoding than `--decoder` says there is, so syndromes pile up.",
        ("Give the decoder more cores, or smaller codes.", "`qmk_decoder_backlog_ratio` is what waits beside it."),
        (("qmk_decoder_load_ratio", "1.5x60"),),
        "20m",
    ),
    Alert(
        "QmkHttpErrors",
        'sum(rate(qmk_http_requests_total{status=~"5.."}[10m])) / sum(rate(qmk_http_requests_total[10m])) > 0.02',
        "5m",
        "critical",
        "More than 2 % of requests are answered with 5xx.",
        "503: the daemon is away or has no room. 500: a defect; the gateway's log has it with a traceback.",
        ("`/ready` says which part is missing.", "Report what the log says of a 500."),
        (
            ('qmk_http_requests_total{status="500",route="/v1/jobs",method="POST"}', "0+6x60"),
            ('qmk_http_requests_total{status="201",route="/v1/jobs",method="POST"}', "0+60x60"),
        ),
        "30m",
    ),
    Alert(
        "QmkSubmitSlow",
        _quantile(0.99, "qmk_gateway_call_seconds", where='{call="q_submit"}') + " > 1",
        "10m",
        "warning",
        "Submissions take more than a second.",
        "Source text is read in translators, and the answer waits for the journal.",
        ("See QmkJournalSlow.", "Large programs take long to read: send them once, then by their hash."),
        _buckets("qmk_gateway_call_seconds", 'call="q_submit",', "1.0", "2.5"),
        "30m",
    ),
    Alert(
        "QmkCertificateEnds",
        "qmk_certificate_end_time_seconds - time() < 1209600",
        "1h",
        "warning",
        "The certificate of {{ $labels.certificate }} ends within two weeks.",
        "`gateway` is what the gateway shows its callers: `--tls auto` renews it 30 days before its end, so one of "
        "yours, by `--tls-cert`, is meant, or the gateway cannot write its folder. `client-authority` is that of "
        "`--client-ca`: after its end no caller is let in.",
        (
            "Of yours: write the new certificate and key over the files of `--tls-cert` and `--tls-key`. The gateway "
            "shows them within a second, and its log says so; open connections go on.",
            "With `--tls auto`: `qmk certificates rotate`, and the gateway's log for why it did not.",
            "`client-authority`: `qmk certificates rotate --authority` where it is the gateway's own; "
            "else put the new authority into the file beside the old one, give callers new "
            "certificates, then take the old one out.",
        ),
        (('qmk_certificate_end_time_seconds{certificate="gateway"}', "2e6x15000"),),
        "240h",
        (("certificate", "gateway"),),
    ),
    Alert(
        "QmkEngineDrifts",
        "qmk_canary_drift == 1",
        "0m",
        "critical",
        "Canary jobs of {{ $labels.engine }} deviate from theory again and again.",
        "Three of the last five canary jobs gave counts that theory gives once in a thousand. By chance that happens "
        "once in 10^8: results of this engine are wrong.",
        (
            "`qmk run examples/bell.qasm --engine NAME --shots 100000` shows it by hand.",
            "Update or remove the engine's library. Results since the last canary job that agreed are in doubt.",
        ),
        (('qmk_canary_drift{engine="qsim"}', "0 0 1x60"),),
        "10m",
        (("engine", "qsim"),),
    ),
    Alert(
        "QmkCanarySilent",
        "time() - qmk_canary_last_run_time_seconds > 21600",
        "10m",
        "info",
        "No canary job of {{ $labels.engine }} has completed for six hours.",
        "Nobody watches whether the engine is right. Its canary jobs fail, or the queue is so long that they wait.",
        ("The gateway's log says why a canary job failed.", "`qmk_canary_runs_total` counts them by outcome."),
        (('qmk_canary_last_run_time_seconds{engine="aer"}', "0x500"),),
        "7h",
        (("engine", "aer"),),
    ),
)
