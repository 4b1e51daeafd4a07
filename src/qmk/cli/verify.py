"""``qmk verify``: every finding of the verifier, and what the program needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from qmk.cli import options, output, source
from qmk.cli.failure import BAD_PROGRAM, Console

if TYPE_CHECKING:
    from qmk.base.errors import Finding
    from qmk.ir.summary import Summary


@click.command()
@options.program_options
@options.json_option
@click.pass_obj
def command(
    console: Console,
    program: str,
    format_name: str | None,
    params: dict[str, Any],
    as_json: bool,
) -> int:
    """Check PROGRAM against every rule and print all findings in one go."""
    from qmk.formats.warnings import as_errors
    from qmk.ir.summary import summarise
    from qmk.qvm.verify import verify

    loaded = source.load_bytes(source.read(program, console), program, format_name, params)
    report = verify(loaded.graph, strict=console.strict)
    found = [*(as_errors(loaded.findings) if console.strict else loaded.findings), *report.findings]
    valid = not any(finding.severity == "error" for finding in found)
    facts = summarise(loaded.graph) if valid else None
    if as_json:
        output.json_object({"ok": valid, "format": loaded.format, "findings": found, "summary": facts})
    else:
        console.findings(found, limit=1000, err=False)
        output.lines(verdict(loaded.format, found, facts))
    return 0 if valid else BAD_PROGRAM


def verdict(format_name: str, found: list[Finding], facts: Summary | None) -> list[str]:
    """Valid or not and how many findings; for a valid program also what it needs."""
    numbers = {word: sum(finding.severity == word for finding in found) for word in ("error", "warning")}
    counted = [plural(number, word) for word, number in numbers.items() if number]
    findings = ", ".join(counted) or "no findings"
    if facts is None:
        return [f"invalid ({format_name}): {findings}"]
    gates = [f"{facts.two_qubit} on two qubits"]
    gates += [f"{facts.multi_qubit} on more"] if facts.multi_qubit else []
    gates += [f"{facts.non_clifford} not Clifford"]
    gates += [f"T count {facts.t_count}"] if facts.t_count else []
    run = [plural(facts.measurements, "measurement"), *([plural(facts.resets, "reset")] if facts.resets else [])]
    run += [f"feed-forward: {facts.feed_forward}"] if facts.feed_forward != "none" else []
    return [
        f"valid ({format_name}): {findings}",
        f"  {plural(facts.qubits_live_max, 'qubit')}, depth {facts.depth}, {plural(facts.epochs, 'epoch')}",
        f"  {plural(facts.unitaries, 'gate')}: {', '.join(gates)}",
        f"  {', '.join(run)}",
    ]


def plural(number: int, word: str) -> str:
    """``1 gate``, ``2 gates``."""
    return f"{number} {word}{'s' * (number != 1)}"
