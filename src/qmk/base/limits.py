"""Every bound of the system, in one table. Code reads ``LIMITS.name``; docs and tests walk ``TABLE``."""

from __future__ import annotations

from typing import NamedTuple

from qmk.base.errors import QmkError


class Limit(NamedTuple):
    value: int
    unit: str
    doc: str


TABLE: dict[str, Limit] = {
    "frame_bytes": Limit(64 << 20, "bytes", "one JSON-RPC frame, request or reply"),
    "batch_calls": Limit(256, "calls", "calls in one JSON-RPC batch"),
    "connections": Limit(4096, "connections", "open connections to the daemon"),
    "open_waits": Limit(1024, "calls", "unanswered q_wait and q_events calls of one session"),
    "sessions": Limit(10_000, "sessions", "open sessions"),
    "connection_sessions": Limit(1024, "sessions", "open sessions of one connection"),
    "nodes": Limit(1_000_000, "nodes", "nodes of one graph"),
    "qubits": Limit(100_000, "qubits", "qubits declared by one graph"),
    "region_qubits": Limit(10_000_000, "qubits", "qubits of the map in each worker's region, physical ones included"),
    "channels": Limit(100_000, "channels", "channels declared by one graph"),
    "events": Limit(1_000_000, "events", "events declared by one graph"),
    "operands": Limit(100_000, "handles", "operands of one node"),
    "guard_depth": Limit(16, "levels", "nesting of a guard"),
    "guard_conditions": Limit(1024, "conditions", "conditions in one guard"),
    "name_chars": Limit(256, "characters", "an id, handle or register name"),
    "text_chars": Limit(65_536, "characters", "any other text in a graph: tags, profiles, descriptions"),
    "args_entries": Limit(64, "entries", "arguments of one node"),
    "code_distance": Limit(1001, "", "distance of a code profile"),
    "matrix_qubits": Limit(10, "qubits", "qubits of a gate whose full matrix is written out"),
    "field_knots": Limit(65_536, "knots", "times at which one field of an analog evolution is given"),
    "subsystems": Limit(256, "subsystems", "subsystems of one open system"),
    "levels": Limit(65_536, "levels", "levels of one subsystem"),
    "sites": Limit(10_000, "sites", "sites for atoms on one device"),
    "pulse_samples": Limit(
        1 << 22, "samples", "1-ns samples of a pulse sequence: of its waveforms, or of what it lights"
    ),
    "json_depth": Limit(32, "levels", "nesting of any JSON value in a graph"),
    "findings": Limit(1000, "findings", "findings in one answer"),
    "source_bytes": Limit(64 << 20, "bytes", "one source file or program text"),
    "expansion_nodes": Limit(1_000_000, "nodes", "nodes that macros, loops and gate definitions may expand to"),
    "expansion_steps": Limit(4_000_000, "steps", "statements and loop rounds executed while macros expand"),
    "macro_depth": Limit(64, "levels", "nesting of macros, includes, gate definitions and subroutines"),
    "expression_chars": Limit(4096, "characters", "one expression in assembly or an angle"),
    "observables": Limit(10_000, "observables", "observables whose expectation values one job gives"),
    "observable_terms": Limit(200_000, "terms", "Pauli strings in all observables of one job"),
    "sweep_points": Limit(100_000, "points", "points of one parameter sweep"),
    "values_bytes": Limit(
        40 << 20, "bytes", "values that one job gives beyond counts: state, amplitudes, expectations"
    ),
    "estimates": Limit(10_000, "estimates", "parameter objects in one batch of resource estimates"),
    "shots": Limit(100_000_000, "shots", "shots of one job"),
    "event_bytes": Limit(256 << 20, "bytes", "per-shot events kept for one job"),
    "queued_jobs": Limit(10_000, "jobs", "jobs of one tenant that have not ended"),
    "running_jobs": Limit(64, "jobs", "jobs of one tenant on engines at once"),
    "kept_jobs": Limit(100_000, "jobs", "ended jobs of one tenant remembered by the daemon"),
    "checkpoints": Limit(10_000, "checkpoints", "checkpoints that one tenant keeps"),
    "checkpoint_bytes": Limit(320 << 20, "bytes", "saved state of one running job"),
    "kept_bytes": Limit(64 << 30, "bytes", "graphs and results of ended jobs remembered by the daemon"),
    "noise_changes": Limit(64, "changes", "points of a calibration that one job follows at its fences"),
    "fallbacks": Limit(4, "engines", "other engines that one job may go on with"),
    "cache_entries": Limit(10_000, "results", "results of one tenant that answer a repeated job"),
    "cache_bytes": Limit(1 << 30, "bytes", "results of one tenant that answer a repeated job; each at most an eighth"),
    "queued_bytes": Limit(4 << 30, "bytes", "graphs of all jobs that have not ended, which the daemon has in memory"),
    "page_rows": Limit(1_000, "rows", "jobs, checkpoints or channels in one page of a list"),
    "page_shots": Limit(10_000, "shots", "shots in one page of q_result"),
    "job_attempts": Limit(2, "workers", "workers that crash under one job before it fails with blame engine"),
    "job_kills": Limit(10, "workers", "workers of one job that are killed from outside before it fails"),
    "job_crashes": Limit(10, "crashes", "unclean ends of the daemon with one job running, before that is the cause"),
    "job_events": Limit(512, "events", "newest events kept of the history of one job; q_events counts the others"),
    "page_events": Limit(256, "events", "events of a job's history in one answer of q_events"),
    "listed_epochs": Limit(1024, "epochs", "epochs of one job listed by q_get_telemetry"),
    "listed_components": Limit(64, "groups", "groups of entangled qubits of one job listed by q_get_telemetry"),
    "held_qubits": Limit(100_000, "qubits", "logical qubits that one tenant holds by q_alloc"),
    "kept_channels": Limit(10_000, "channels", "ended channels that one tenant proposed remembered by the daemon"),
    "token_chars": Limit(2048, "characters", "the text of a token"),
    "token_caveats": Limit(16, "caveats", "caveats of a token"),
    "tenants": Limit(10_000, "tenants", "registered tenants"),
    "tokens": Limit(10_000, "tokens", "live tokens of one tenant"),
    "capabilities": Limit(1024, "capabilities", "live capabilities that one session has derived"),
    "delegation_depth": Limit(16, "levels", "capabilities between one and the root that it derives from"),
    "script_bytes": Limit(1 << 20, "bytes", "the text of one script"),
    "script_input_bytes": Limit(16 << 20, "bytes", "the input of one script, as JSON"),
    "script_wheels_bytes": Limit(24 << 20, "bytes", "the wheels of one script, a third more than their files"),
    "script_fuel": Limit(100_000_000_000, "instructions", "WebAssembly instructions of one script"),
    "script_memory_bytes": Limit(256 << 20, "bytes", "memory of one script, 40 MiB for its interpreter"),
    "script_result_bytes": Limit(1 << 20, "bytes", "the result of one script, as JSON"),
    "script_log_bytes": Limit(1 << 20, "bytes", "what one script logs and prints"),
    "script_runs": Limit(10_000, "runs", "programs that one script runs"),
    "running_scripts": Limit(8, "scripts", "jobs that are scripts at once; one tenant has at most half of them"),
    "timeout_ms": Limit(7 * 24 * 3_600_000, "ms", "timeout_ms of a job or a wait"),
}


class _Values:
    """``LIMITS.frame_bytes`` is the number of row ``frame_bytes``; plain attributes, since hot paths read them."""

    def __init__(self) -> None:
        self.__dict__.update({name: row.value for name, row in TABLE.items()})

    def __getattr__(self, name: str) -> int:
        raise AttributeError(f"no limit is named '{name}'")


LIMITS = _Values()


def check(name: str, asked: int, where: str = "") -> None:
    """Raise QUOTA_EXCEEDED naming the limit, the asked and the allowed value when ``asked`` exceeds it."""
    row = TABLE[name]
    if asked > row.value:
        place = f" in {where}" if where else ""
        raise QmkError(
            "QUOTA_EXCEEDED",
            f"{asked} {row.unit}{place} exceed the limit '{name}' of {row.value} {row.unit} ({row.doc})",
            quota=name,
            asked=asked,
            limit=row.value,
            retryable=False,
        )
