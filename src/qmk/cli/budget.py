"""``qmk budget``: budgets of organisations."""

from __future__ import annotations

from qmk.cli import account

ORGANISATION = account.argument("organisation")
REFUSE = account.option(
    "--refuse/--only-warn", "Refuse jobs that would exceed it, or only warn.", is_flag=True, default=True
)
command = account.group(
    "budget",
    "Budgets: what an organisation may spend in a month.",
    account.verb("show", "budgets.get", "Show the budget of ORGANISATION, and what is left of it.", ORGANISATION),
    account.verb(
        "set",
        "budgets.set",
        "Let ORGANISATION spend AMOUNT in a month of UTC.",
        ORGANISATION,
        account.argument("amount"),
        account.option("--warn-at", "A share at which to warn; may be given several times.", type=float, multiple=True),
        account.option(
            "--refuse/--only-warn", "Refuse jobs that would exceed it, or only warn.", is_flag=True, default=True
        ),
    ),
    account.verb("remove", "budgets.remove", "Let ORGANISATION spend without a budget.", ORGANISATION),
)
