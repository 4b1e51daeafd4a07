"""What a rule is, and what the verifier answers."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from qmk.base.errors import Finding, QmkError, invalid_graph


class Rule(msgspec.Struct, frozen=True):
    """One rule, declared once. ``id`` is stable: ids are never reused. ``help`` is what most breaches need; a finding
    may carry a more exact one."""

    id: str
    title: str
    doc: str
    help: str
    severity: Literal["error", "warning"] = "error"


class Report(msgspec.Struct, frozen=True):
    """The verifier's answer about one graph.

    ``findings`` are in program order, at most ``LIMITS.findings`` of them, errors before warnings where not all fit;
    ``omitted`` counts those left out. ``required`` are the capabilities that the graph's ops need or declare,
    ``missing`` those of them that the session does not hold. ``notes`` are remarks for the result, such as a code
    distance that was rounded up.
    """

    findings: tuple[Finding, ...]
    required: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    omitted: int = 0

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity == "warning")

    @property
    def ok(self) -> bool:
        return not any(finding.severity == "error" for finding in self.findings)

    def error(self) -> QmkError | None:
        """The error to refuse the graph with: INSUFFICIENT_CAPS when nothing but capabilities is wrong (``required``,
        ``missing``, ``findings``), INVALID_GRAPH (``findings``, ``omitted``) when anything else is, else None."""
        errors = list(self.errors)
        if not errors:
            return None
        fields: dict[str, Any] = {"omitted": self.omitted} if self.omitted else {}
        if any(finding.rule not in ("QVM-C01", "QVM-C02") for finding in errors):
            error = invalid_graph(list(self.findings))
            error.fields.update(fields)
            return error
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return QmkError(
            "INSUFFICIENT_CAPS",
            errors[0].text() + more,
            required=list(self.required),
            missing=list(self.missing),
            findings=list(self.findings),
            **fields,
        )
