"""Errors as data.

Every error that can leave QMK is one row of ``KINDS``: a stable JSON-RPC code, a name, whether a retry
can help, and who is to blame. Code raises ``QmkError`` built by one of the helper functions or from a kind's
name; the text shown to a user is built from the fields, never the other way round.

Places in a program that are wrong are ``Finding`` rows, whoever finds them: a front-end, the assembler or
the verifier. One ``INVALID_GRAPH`` error carries all of them.
"""

from __future__ import annotations

from typing import Any, Literal, cast

import msgspec

Blame = Literal["caller", "engine", "system"]


class Kind(msgspec.Struct, frozen=True):
    """One row of the error table."""

    code: int
    name: str
    blame: Blame
    retryable: bool
    doc: str


_ROWS = (
    Kind(-32700, "PARSE_ERROR", "caller", False, "The frame is not JSON in UTF-8."),
    Kind(-32600, "INVALID_REQUEST", "caller", False, "The JSON is not a JSON-RPC 2.0 request."),
    Kind(-32601, "METHOD_NOT_FOUND", "caller", False, "No call has this name."),
    Kind(-32602, "INVALID_PARAMS", "caller", False, "The parameters do not fit the call."),
    Kind(-32603, "INTERNAL_ERROR", "system", True, "A defect in QMK; the daemon's log has the details."),
    Kind(-32001, "INSUFFICIENT_CAPS", "caller", False, "The session lacks a capability the request needs."),
    Kind(-32100, "AUTH_FAILED", "caller", False, "The token is missing, malformed, expired or revoked."),
    Kind(-32101, "TENANT_SUSPENDED", "caller", False, "The operator has suspended this tenant."),
    Kind(-32102, "SESSION_NOT_FOUND", "caller", False, "No such session, or it was closed or has expired."),
    Kind(-32200, "INVALID_GRAPH", "caller", False, "The program breaks one or more rules; see the findings."),
    Kind(-32201, "QUOTA_EXCEEDED", "caller", True, "The request would exceed a quota."),
    Kind(-32202, "RESOURCE_EXHAUSTED", "system", True, "The machine lacks the memory or slots to run this."),
    Kind(-32203, "UNSUPPORTED", "caller", False, "No engine, or this release, can do what is asked."),
    Kind(-32204, "GRAPH_NOT_FOUND", "caller", False, "No graph with this hash is kept here; send the graph itself."),
    Kind(-32300, "JOB_NOT_FOUND", "caller", False, "No such job for this tenant."),
    Kind(-32301, "JOB_FAILED", "engine", False, "The job ended in FAILED."),
    Kind(-32302, "TIMEOUT", "caller", True, "The time limit passed first."),
    Kind(-32303, "ALREADY_COMPLETED", "caller", False, "The job has already ended."),
    Kind(-32304, "NOT_COMPLETED", "caller", True, "The job has no result yet."),
    Kind(-32305, "JOB_CANCELLED", "caller", False, "The job was cancelled before it had a result."),
    Kind(-32400, "CHECKPOINT_NOT_FOUND", "caller", False, "No such checkpoint for this tenant."),
    Kind(-32401, "NOT_CHECKPOINTABLE", "caller", False, "The job cannot be saved or stopped where it is."),
    Kind(-32500, "CHANNEL_NOT_FOUND", "caller", False, "No such channel for this tenant."),
    Kind(-32501, "CHANNEL_REQUIRED", "caller", False, "The program joins tenants without naming a channel for it."),
    Kind(-32502, "CHANNEL_NOT_APPROVED", "caller", True, "The other tenant has not approved the channel."),
    Kind(-32503, "CHANNEL_CLOSED", "caller", False, "One of the tenants has closed the channel."),
    Kind(-32504, "CHANNEL_EXPIRED", "caller", False, "The channel's time is over."),
    Kind(-32505, "CHANNEL_EXHAUSTED", "caller", True, "The channel has too few Bell pairs left."),
    Kind(-32506, "CHANNEL_MISMATCH", "caller", False, "The channel does not grant what the program does with it."),
    Kind(-32900, "CONNECTION_LOST", "system", True, "The daemon closed the connection or is not running."),
)

KINDS: dict[str, Kind] = {row.name: row for row in _ROWS}
BY_CODE: dict[int, Kind] = {row.code: row for row in _ROWS}
FALLBACKS = {"RESOURCE_EXHAUSTED": "memory", "UNSUPPORTED": "refused"}
"""After these errors of an engine another one may run the program, for the reason given."""


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing wrong (or doubtful) in a program, with its place, the rule broken and the way to mend it.

    ``rule`` is a stable id such as ``QVM-L02`` or ``QASM-007``. ``node`` is a QVM node id; ``file``, ``line``
    and ``column`` (both from 1) place it in source text. ``help`` says what to write instead.
    """

    rule: str
    message: str
    help: str = ""
    node: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    severity: Literal["error", "warning"] = "error"

    def place(self) -> str:
        """The place as ``file:line:column`` and node, as far as they are known."""
        where = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        node = f"node '{self.node}'" if self.node else ""
        return " ".join(part for part in (where, node) if part)

    def text(self) -> str:
        """One line: place, message, rule, and the fix after an arrow."""
        place = self.place()
        lead = f"{place}: " if place else ""
        fix = f" -> {self.help}" if self.help else ""
        return f"{lead}{self.message} [{self.rule}]{fix}"


INTEGER_BOUND = 1 << 63


def _portable(value: Any) -> Any:
    """Whole numbers beyond 64 bits, such as the bytes of a state of 60 qubits, as floats: no codec carries them."""
    if isinstance(value, int) and not -INTEGER_BOUND <= value < INTEGER_BOUND:
        return float(min(max(value, -(10**300)), 10**300))
    if isinstance(value, dict):
        return {key: _portable(item) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_portable(item) for item in cast("list[Any]", value)]
    return value


class QmkError(Exception):
    """An error that may reach a user. ``kind`` is a name in ``KINDS``; ``fields`` are JSON-compatible data. A field
    ``retryable`` says for this occurrence what the kind says in general. A traceback shows the field ``help`` too."""

    def __init__(self, kind: str, message: str, **fields: Any) -> None:
        super().__init__(kind, message)  # what pickle and copy build it from
        self.kind = KINDS[kind]
        self.message = message
        self.fields: dict[str, Any] = {name: _portable(value) for name, value in fields.items()}
        if "help" in self.fields:
            self.add_note(f"-> {self.fields['help']}")

    def __str__(self) -> str:
        return self.message

    @property
    def code(self) -> int:
        return self.kind.code

    @property
    def findings(self) -> list[Finding]:
        """The findings of an ``INVALID_GRAPH`` error, else an empty list."""
        found = self.fields.get("findings", [])
        return msgspec.convert(found, list[Finding])

    def to_dict(self) -> dict[str, Any]:
        """The JSON-RPC error object: code, message and data with name, blame, retryable and the fields."""
        data = {"name": self.kind.name, "retryable": self.kind.retryable, "blame": self.kind.blame}
        return {"code": self.kind.code, "message": self.message, "data": {**data, **msgspec.to_builtins(self.fields)}}

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> QmkError:
        """The inverse of ``to_dict``; an unknown code becomes INTERNAL_ERROR with the code kept as a field."""
        data = {key: value for key, value in dict(raw.get("data") or {}).items() if key not in ("name", "blame")}
        kind = BY_CODE.get(raw.get("code", 0))
        if kind is None or data.get("retryable", kind.retryable) == kind.retryable:
            data.pop("retryable", None)
        if kind is None:
            data["unknown_code"] = raw.get("code")
        return cls(kind.name if kind else "INTERNAL_ERROR", str(raw.get("message", "")), **data)


def invalid_graph(findings: list[Finding]) -> QmkError:
    """INVALID_GRAPH with every finding; the message is the first one and how many more there are."""
    errors = [f for f in findings if f.severity == "error"] or findings
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return QmkError("INVALID_GRAPH", errors[0].text() + more, findings=findings)
