"""``qmk invoice``: usage and invoices."""

from __future__ import annotations

from qmk.cli import account

ORGANISATION, MONTH = account.argument("organisation"), account.argument("month")
command = account.group(
    "invoice",
    "Invoices: what an organisation used in a month, and what it owes for it.",
    account.verb("list", "invoices.list", "List the invoices of ORGANISATION.", ORGANISATION),
    account.verb("show", "invoices.get", "Show the invoice of MONTH, such as 2026-11.", ORGANISATION, MONTH),
    account.verb("csv", "invoices.table", "Print the lines of the invoice of MONTH as CSV.", ORGANISATION, MONTH),
    account.verb("usage", "invoices.usage", "Show what was used on each day of MONTH.", ORGANISATION, MONTH),
    account.verb("usage-csv", "invoices.usage_table", "Print the usage of MONTH as CSV.", ORGANISATION, MONTH),
)
