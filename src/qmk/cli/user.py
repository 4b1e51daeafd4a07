"""``qmk user``: people and service accounts."""

from __future__ import annotations

import click

from qmk.cli import account

USER = account.argument("user")
command = account.group(
    "user",
    "Users of the service: people and service accounts.",
    account.verb("list", "users.list", "List the users."),
    account.verb(
        "add",
        "users.add",
        "Add USER.",
        USER,
        account.option("--title", "The name for people."),
        account.option("--email", "The address of mail, by which an identity provider knows the person."),
        account.option("--service-of", "A service account of this organisation, not a person."),
        account.option("--role", "The role of a service account; member if not given."),
        account.option("--operator", "May administer the whole service.", is_flag=True, default=None),
    ),
    account.verb("show", "users.get", "Show USER.", USER),
    account.verb(
        "password",
        "users.change",
        "Set the password of USER, which is asked for.",
        USER,
        click.password_option("--password", help="The password; asked for if not given."),
    ),
    account.verb("remove", "users.remove", "Remove USER, revoke its tokens and end its sessions.", USER),
    account.verb("sessions", "users.sessions", "List the browsers in which USER is signed in.", USER),
    account.verb("sign-out", "users.end_sessions", "Sign every browser of USER out.", USER),
)
