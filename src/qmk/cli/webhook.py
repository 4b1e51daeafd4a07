"""``qmk webhook``: webhooks of an organisation."""

from __future__ import annotations

from qmk.cli import account

ORGANISATION, WEBHOOK = account.argument("organisation"), account.argument("webhook")
command = account.group(
    "webhook",
    "Webhooks: URLs that are told by signed requests when jobs end and budgets are used up.",
    account.verb("list", "webhooks.list", "List the webhooks of ORGANISATION.", ORGANISATION),
    account.verb(
        "add",
        "webhooks.add",
        "Have requests sent to URL about EVENTS: job.completed, job.failed, job.cancelled, budget.warning.",
        ORGANISATION,
        account.argument("url"),
        account.argument("events", nargs=-1, required=True),
    ),
    account.verb("remove", "webhooks.remove", "Remove WEBHOOK.", WEBHOOK),
    account.verb("deliveries", "webhooks.deliveries", "List the newest requests to WEBHOOK.", WEBHOOK),
    account.verb("test", "webhooks.test", "Send a request to WEBHOOK now.", WEBHOOK),
)
