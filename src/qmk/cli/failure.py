"""Reports a command that did not succeed: text on standard error for people, one object on standard output with
``--json``, and the exit code that the kind of error has."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import click

from qmk.base.errors import Finding, QmkError
from qmk.cli import terminal
from qmk.formats.printable import one_line

BAD_PROGRAM, BAD_CALL, FAILED_RUN, INTERRUPTED = 1, 2, 3, 130

EXIT_CODES: dict[str, int] = {
    "INVALID_GRAPH": BAD_PROGRAM,
    "GRAPH_NOT_FOUND": BAD_PROGRAM,
    "PARSE_ERROR": BAD_CALL,
    "INVALID_REQUEST": BAD_CALL,
    "METHOD_NOT_FOUND": BAD_CALL,
    "INVALID_PARAMS": BAD_CALL,
    "INSUFFICIENT_CAPS": BAD_CALL,
    "AUTH_FAILED": BAD_CALL,
    "TENANT_SUSPENDED": BAD_CALL,
    "SESSION_NOT_FOUND": BAD_CALL,
    "QUOTA_EXCEEDED": BAD_CALL,
    "JOB_NOT_FOUND": BAD_CALL,
    "ALREADY_COMPLETED": BAD_CALL,
    "NOT_COMPLETED": BAD_CALL,
    "CHECKPOINT_NOT_FOUND": BAD_CALL,
    "NOT_CHECKPOINTABLE": BAD_CALL,
    "CHANNEL_NOT_FOUND": BAD_CALL,
    "CHANNEL_REQUIRED": BAD_CALL,
    "CHANNEL_NOT_APPROVED": BAD_CALL,
    "CHANNEL_CLOSED": BAD_CALL,
    "CHANNEL_EXPIRED": BAD_CALL,
    "CHANNEL_EXHAUSTED": BAD_CALL,
    "CHANNEL_MISMATCH": BAD_CALL,
    "INTERNAL_ERROR": FAILED_RUN,
    "RESOURCE_EXHAUSTED": FAILED_RUN,
    "UNSUPPORTED": FAILED_RUN,
    "JOB_FAILED": FAILED_RUN,
    "TIMEOUT": FAILED_RUN,
    "JOB_CANCELLED": FAILED_RUN,
    "CONNECTION_LOST": FAILED_RUN,
}
"""Exit code by error name; a test holds it equal to the error table."""

SHOWN_FINDINGS = 20

_WORDS = {
    "is not a valid integer range": "is not a whole number",
    "is not a valid integer": "is not a whole number",
    "is not a valid shots": "is not a whole number, such as 1000",
    "is not a valid float range": "is not a number",
    "is not a valid float": "is not a number",
}
"""Messages of click about a value, to plainer ones."""


def call_error(message: str, **fields: Any) -> QmkError:
    """Makes INVALID_PARAMS for a command line that does not fit."""
    return QmkError("INVALID_PARAMS", message, **fields)


class Console:
    """Reports errors and warnings. ``sources`` keeps program text by file name, so that a finding can show its line.
    ``verbose``: with all details. ``strict``: warnings about a program are errors."""

    def __init__(self, as_json: bool, debug: bool, verbose: bool = False) -> None:
        self.as_json = as_json
        self.debug = debug
        self.verbose = verbose
        self.strict = False
        self.reported: dict[Finding, None] = {}
        self.sources: dict[str, bytes] = {}

    def error(self, error: Exception) -> int:
        """Report any exception; one that is not a ``QmkError`` is a defect of ours and is named as such."""
        if not isinstance(error, QmkError):
            error = self._defect(error)
        if self.as_json:
            self._write_json(error)
        else:
            self._write_text(error)
        return EXIT_CODES.get(error.kind.name, FAILED_RUN)

    def usage(self, error: click.ClickException) -> int:
        """Report a command line that click could not read; a bare ``qmk`` gets the help text."""
        if isinstance(error, click.exceptions.NoArgsIsHelpError) and not self.as_json:
            error.show()
            return BAD_CALL
        message = " ".join(error.format_message().rstrip(".").split())
        for of_click, ours in _WORDS.items():
            message = message.replace(of_click, ours)
        if self.as_json:
            self._write_json(call_error(message))
        else:
            context = getattr(error, "ctx", None)
            path = context.command_path if context else "qmk"
            self._headline(message[:1].lower() + message[1:])
            terminal.say(f"  see: {path} --help", err=True)
        return BAD_CALL

    def report_interrupt(self) -> int:
        terminal.say("\ninterrupted" if sys.stderr.isatty() else "interrupted", err=True)
        return INTERRUPTED

    def warn(self, findings: Iterable[Finding], always: bool = False) -> None:
        """Reports warnings about a program on standard error, each once; with ``--json`` only ``always``, where the
        object has no place for them."""
        new = [finding for finding in dict.fromkeys(findings) if finding not in self.reported]
        self.reported.update(dict.fromkeys(new))
        if always or not self.as_json:
            self.findings(new)

    def findings(self, findings: list[Finding], limit: int = SHOWN_FINDINGS, err: bool = True) -> None:
        """Print findings with place, rule, source line and fix, errors first."""
        ordered = sorted(findings, key=lambda finding: finding.severity != "error")
        for finding in ordered[:limit]:
            self._finding(finding, err)
        if len(ordered) > limit:
            terminal.say(f"... and {len(ordered) - limit} more", err=err)

    def _defect(self, error: Exception) -> QmkError:
        if self.debug:
            import traceback

            traceback.print_exception(error, file=sys.stderr)
        return QmkError(
            "INTERNAL_ERROR",
            f"a defect in QMK: {type(error).__name__}: {error}",
            hint="run again with 'qmk --debug ...' or QMK_DEBUG=1 and report what it prints",
        )

    def _write_json(self, error: QmkError) -> None:
        from qmk.cli import output

        output.json_object({"error": error.to_dict()})

    def _write_text(self, error: QmkError) -> None:
        findings = error.findings
        if findings:
            self.findings(findings)
            wrong = sum(finding.severity == "error" for finding in findings)
            if wrong > 1:
                terminal.say(f"{wrong} errors", err=True)
            return
        from qmk.cli import words

        self._headline(f"{words.spoken(_without_gaps(error))} [{error.kind.name}]")
        for line in _details(error, self.verbose):
            terminal.say(f"  {line}", err=True)

    def _headline(self, message: str) -> None:
        terminal.say(terminal.style("error: ", "red", "bold") + message, err=True)

    def _finding(self, finding: Finding, err: bool) -> None:
        colour = "red" if finding.severity == "error" else "yellow"
        place = one_line(finding.place())
        lead = terminal.style(f"{place}: ", "bold") if place else ""
        severity = terminal.style(f"{finding.severity}: ", colour, "bold")
        terminal.say(f"{lead}{severity}{one_line(finding.message)} [{one_line(finding.rule)}]", err=err)
        for line in self._excerpt(finding):
            terminal.say(line, err=err)
        if finding.help:
            from qmk.cli import words

            terminal.say(f"  fix: {words.with_options(one_line(finding.help))}", err=err)

    def _excerpt(self, finding: Finding) -> list[str]:
        """The source line with a caret under the column, where the source is known."""
        source = self.sources.get(finding.file)
        if source is None or finding.line < 1:
            return []
        lines = source.decode(errors="replace").splitlines()
        if finding.line > len(lines):
            return []
        raw = lines[finding.line - 1].replace("\t", " ")
        text = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in raw)
        number = str(finding.line)
        room = min(terminal.WIDTH, terminal.width() - len(number) - 7)
        start = max(0, finding.column - room * 3 // 5) if len(text) > room else 0
        shown = ("…" if start else "") + text[start : start + room] + ("…" if len(text) > start + room else "")
        out = [f"  {number} | {shown}"]
        if finding.column:
            caret = finding.column - 1 - start + (1 if start else 0)
            out.append(f"  {' ' * len(number)} | {' ' * caret}^")
        return out


def _without_gaps(error: QmkError) -> str:
    """The message up to the gaps of each engine, which follow on lines of their own."""
    gaps = _rows(error, "gaps")
    end = error.message.find(f"{gaps[0].get('engine')}: {gaps[0].get('detail')}") if gaps else -1
    return error.message[:end].rstrip(":; ") if end > 0 else error.message


SHOWN_GAPS = 4


def _details(error: QmkError, verbose: bool) -> list[str]:
    """The fields that help a person: gaps, missing capabilities, a hint; the others are already in the message."""
    from qmk.cli import words

    gaps = _rows(error, "gaps")
    lines = [f"{gap.get('engine', '?')}: {gap.get('detail') or gap.get('need', '')}" for gap in gaps]
    if not verbose and len(lines) > SHOWN_GAPS:
        lines[SHOWN_GAPS:] = [f"... and {len(lines) - SHOWN_GAPS} more reasons; --verbose lists them"]
    if error.fields.get("missing"):
        lines.append(f"missing: {', '.join(map(str, error.fields['missing']))}")
    ours = words.fix_of(error)
    fixes = (
        [ours] if ours else [words.spoken(str(error.fields[key])) for key in ("hint", "help") if error.fields.get(key)]
    )
    return lines + [f"fix: {fix}" for fix in fixes]


def _rows(error: QmkError, name: str) -> list[dict[str, Any]]:
    import msgspec

    rows = msgspec.to_builtins(error.fields.get(name) or [])
    return [row for row in rows if isinstance(row, dict)]
