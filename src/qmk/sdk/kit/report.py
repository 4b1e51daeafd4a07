"""What a kit run gives: one row a check, and how to run the checks as tests of pytest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Check:
    """One property. ``run`` returns "" when it holds, else what is wrong; ``skipped`` says why it does not apply."""

    name: str
    run: Callable[[], str]
    skipped: str = ""


@dataclass(frozen=True)
class Row:
    name: str
    ok: bool
    text: str = ""
    skipped: bool = False


@dataclass
class KitReport:
    """``subject`` is what was tested. ``ok`` when no row failed; skipped rows are capabilities not declared."""

    subject: str
    rows: list[Row] = field(default_factory=list[Row])

    @property
    def ok(self) -> bool:
        return all(row.ok for row in self.rows)

    @property
    def failures(self) -> list[Row]:
        return [row for row in self.rows if not row.ok]

    def text(self) -> str:
        """One line for the whole run, then one for each failure."""
        passed = sum(row.ok and not row.skipped for row in self.rows)
        skipped = sum(row.skipped for row in self.rows)
        head = f"{self.subject}: {passed} passed, {len(self.failures)} failed, {skipped} not applicable"
        return "\n".join([head, *(f"  {row.name}: {row.text}" for row in self.failures)])


def run_checks(subject: str, checks: Iterable[Check]) -> KitReport:
    """Run every check; an exception inside one is its failure, and the others still run."""
    report = KitReport(subject)
    for check in checks:
        if check.skipped:
            report.rows.append(Row(check.name, True, check.skipped, skipped=True))
        else:
            try:
                wrong = check.run()
            except Exception as error:  # of the plug-in under test: that it may raise anything is what is tested
                wrong = f"raised {type(error).__name__}: {error}"
            report.rows.append(Row(check.name, not wrong, wrong))
    return report


def as_tests(checks: Iterable[Check]) -> Callable[[Callable[[Check], None]], Callable[[Check], None]]:
    """A decorator: one pytest test of each check that applies (``def test_kit(check): assert not check.run()``)."""
    import pytest  # only a test run needs it

    chosen = [check for check in checks if not check.skipped]
    return pytest.mark.parametrize("check", chosen, ids=[check.name.replace(" ", "-") for check in chosen])
