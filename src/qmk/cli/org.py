"""``qmk org``: organisations: tenants with members, each with a role."""

from __future__ import annotations

from qmk.cli import account

ORGANISATION, USER = account.argument("organisation"), account.argument("user")
command = account.group(
    "org",
    "Organisations: tenants of the daemon, with members who have roles.",
    account.verb("list", "organisations.list", "List the organisations."),
    account.verb(
        "add",
        "organisations.add",
        "Register ORGANISATION as a tenant of the daemon.",
        ORGANISATION,
        account.option("--title", "Its name for people."),
        account.option("--prices", "Its price list; 'standard' if not given."),
    ),
    account.verb("show", "organisations.get", "Show ORGANISATION.", ORGANISATION),
    account.verb("members", "organisations.members", "List the members of ORGANISATION.", ORGANISATION),
    account.verb(
        "set-member",
        "organisations.set_member",
        "Make USER a member of ORGANISATION with ROLE: viewer, member, admin or owner.",
        ORGANISATION,
        USER,
        account.argument("role"),
    ),
    account.verb(
        "remove-member", "organisations.remove_member", "Remove USER, and revoke its tokens.", ORGANISATION, USER
    ),
    account.verb(
        "acts",
        "organisations.acts",
        "List the administrative acts, each with who did it.",
        ORGANISATION,
        account.option("--text", "Only acts that have this text somewhere."),
    ),
    account.verb("verify-acts", "organisations.verify_acts", "Verify the chain of the record of acts.", ORGANISATION),
    account.verb(
        "shares",
        "organisations.shares",
        "Show what each organisation had of the machine, beside its part by weight.",
        account.option("--hours", "How far back; 24 if not given.", type=int),
    ),
)
