"""``qmk verify``: every finding of the verifier, and what the program needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from qmk.cli import options
from qmk.cli.failure import BAD_PROGRAM, Console

if TYPE_CHECKING:
    from qmk.base.errors import Finding


@click.command()
@options.program_options
@click.option("--strict", is_flag=True, help="Using a measured qubit again is an error too.")
@options.json_option
@click.pass_obj
def command(
    console: Console,
    program: str,
    format_name: str | None,
    params: tuple[tuple[str, Any], ...],
    strict: bool,
    as_json: bool,
) -> int:
    """Check PROGRAM against every rule and print all findings in one go."""
    from qmk.cli import output, source
    from qmk.qvm.summary import summarise
    from qmk.qvm.verify import verify

    loaded = source.load(program, format_name, options.collect_params(params), console)
    report = verify(loaded.graph, strict=strict)
    facts = summarise(loaded.graph) if report.ok else None
    found = [*loaded.findings, *report.findings]
    if as_json:
        output.json_object({"ok": report.ok, "format": loaded.format, "findings": found, "summary": facts})
    else:
        console.findings(found, limit=1000, err=False)
        click.echo(verdict(loaded.format, found, facts))
    return 0 if report.ok else BAD_PROGRAM


def verdict(format_name: str, found: list[Finding], facts: Any) -> str:
    """The last line: valid or not, how many findings, and the size of a valid program."""
    numbers = {word: sum(finding.severity == word for finding in found) for word in ("error", "warning")}
    counted = [f"{number} {word}{'s' * (number != 1)}" for word, number in numbers.items() if number]
    findings = ", ".join(counted) or "no findings"
    if facts is None:
        return f"invalid ({format_name}): {findings}"
    return (
        f"valid ({format_name}): {findings}; {facts.qubits} qubits at once, depth {facts.depth}, "
        f"{facts.operations} operations, {facts.two_qubit} on two or more qubits, {facts.measurements} measurements"
    )
