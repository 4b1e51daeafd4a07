"""The rows of the table of operations that are about accounts."""

from __future__ import annotations

from qmk.gateway.accounts import people, shapes, tokens
from qmk.gateway.service.operation import Operation, declare
from qmk.gateway.service.shapes import Nothing

ACCOUNT_RESOURCES = {
    "organisations": "Tenants of the daemon, their members, and the record of administrative acts.",
    "users": "People and service accounts, and the browsers in which they are signed in.",
    "tokens": "Tokens: to whom they were issued, and what they are good for.",
}

# fmt: off
ACCOUNTS: tuple[Operation, ...] = (
    declare("organisations.list", "GET /v1/organisations",
        "The organisation of the caller's token; all of them for an operator.",
        Nothing, shapes.Organisations, people.list_organisations, errors=("UNSUPPORTED",)),
    declare("organisations.add", "POST /v1/organisations",
        "Register an organisation as a tenant of the daemon. For operators.",
        shapes.AddOrganisation, shapes.OrganisationRow, people.add_organisation, errors=("UNSUPPORTED",),
        made="/v1/organisations/{organisation}"),
    declare("organisations.get", "GET /v1/organisations/{organisation}",
        "An organisation.",
        shapes.OfOrganisation, shapes.OrganisationRow, people.get_organisation, errors=("UNSUPPORTED",)),
    declare("organisations.change", "PATCH /v1/organisations/{organisation}",
        "Change what is given: quotas, share of the machine, price list, suspended or not. For operators.",
        shapes.ChangeOrganisation, shapes.OrganisationRow, people.change_organisation, errors=("UNSUPPORTED",)),
    declare("organisations.members", "GET /v1/organisations/{organisation}/members",
        "The members, with the role of each.",
        shapes.OfOrganisation, shapes.Members, people.list_members, errors=("UNSUPPORTED",)),
    declare("organisations.set_member", "PUT /v1/organisations/{organisation}/members/{user}",
        "Make a user a member, or give it another role. Tokens with more than the role may have are revoked. For its "
        "admins; for owners where it is about an admin or owner.",
        shapes.SetMember, shapes.MemberChange, people.set_member, errors=("UNSUPPORTED",)),
    declare("organisations.remove_member", "DELETE /v1/organisations/{organisation}/members/{user}",
        "Remove a member, and revoke its tokens.",
        shapes.OfMember, shapes.MemberChange, people.remove_member, errors=("UNSUPPORTED",)),
    declare("organisations.acts", "GET /v1/organisations/{organisation}/acts",
        "The record of administrative acts, each with who did it, the newest first. For admins.",
        shapes.ListActs, shapes.Acts, people.list_acts, errors=("UNSUPPORTED",)),
    declare("users.list", "GET /v1/users",
        "All users. For operators.",
        Nothing, shapes.Users, people.list_users, errors=("UNSUPPORTED",)),
    declare("users.add", "POST /v1/users",
        "Add a person, which an operator may, or a service account, which an admin of its organisation may.",
        shapes.AddUser, shapes.UserRow, people.add_user, errors=("UNSUPPORTED",), made="/v1/users/{user}"),
    declare("users.get", "GET /v1/users/{user}",
        "A user: for the user itself, and for operators.",
        shapes.OfUser, shapes.UserRow, people.get_user, errors=("UNSUPPORTED",)),
    declare("users.change", "PATCH /v1/users/{user}",
        "Change what is given. For operators.",
        shapes.ChangeUser, shapes.UserRow, people.change_user, errors=("UNSUPPORTED",)),
    declare("users.remove", "DELETE /v1/users/{user}",
        "Remove a user, revoke its tokens and end its sessions.",
        shapes.OfUser, shapes.UserRemoved, people.remove_user, errors=("UNSUPPORTED",)),
    declare("users.sessions", "GET /v1/users/{user}/sessions",
        "The browsers in which a user is signed in.",
        shapes.OfUser, shapes.BrowserSessions, people.list_sessions, errors=("UNSUPPORTED",)),
    declare("users.end_session", "DELETE /v1/users/{user}/sessions/{session}",
        "Sign one browser out.",
        shapes.EndSession, shapes.SessionsEnded, people.end_session, errors=("UNSUPPORTED",)),
    declare("users.end_sessions", "DELETE /v1/users/{user}/sessions",
        "Sign every browser of a user out.",
        shapes.OfUser, shapes.SessionsEnded, people.end_sessions, errors=("UNSUPPORTED",)),
    declare("tokens.list", "GET /v1/tokens",
        "Tokens of an organisation, without their texts: the caller's own, or all for an admin.",
        shapes.ListTokens, shapes.Tokens, tokens.list_tokens, errors=("UNSUPPORTED",)),
    declare("tokens.issue", "POST /v1/tokens",
        "Make a token of a member. Its text is in this answer only. Rights are at most those of the member's role.",
        shapes.IssueToken, shapes.Issued, tokens.issue_token, errors=("UNSUPPORTED",)),
    declare("tokens.revoke", "DELETE /v1/tokens/{serial}",
        "Revoke a token, with all that was narrowed from it, and end its sessions.",
        shapes.OfToken, shapes.TokenRevoked, tokens.revoke_token, errors=("UNSUPPORTED",)),
)
# fmt: on
