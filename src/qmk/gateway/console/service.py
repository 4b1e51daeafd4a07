"""Pages for whoever looks after the service: organisations, users, prices.

An operator sees all of it; who administers an organisation sees that organisation. Forms that would be refused are not
shown, and what is refused all the same is said beside the input.
"""

from __future__ import annotations

from typing import Any

from litestar import Response

from qmk.gateway.console.account import may_administer
from qmk.gateway.console.forms import desk
from qmk.gateway.console.view import View


@desk("/service/organisations", "organisations.add")
async def organisations(view: View, failed: Any, made: Any) -> Response[Any]:
    """The organisations, and a form for one more."""
    me, found = await view.ask("account.me"), await view.ask_part("organisations.list")
    table = view.narrow(
        found[0].organisations if found[0] else [],
        state=lambda row: "suspended" if row.suspended else "served",
        prices=lambda row: row.prices or "standard",
    )
    return view.page("organisations.html", me=me, table=table, refused=found[1], failed=failed)


@desk(
    "/service/organisations/{organisation:str}",
    "organisations.change",
    "organisations.set_member",
    "organisations.remove_member",
    "users.add",
    "budgets.set",
    "budgets.remove",
    "webhooks.add",
    "webhooks.change",
    "webhooks.remove",
    "tokens.revoke",
)
async def organisation(view: View, failed: Any, made: Any) -> Response[Any]:
    """One organisation: what it may use, who is in it, what it may spend."""
    name, me = view.request.path_params["organisation"], await view.ask("account.me")
    of = {"organisation": name}
    row = await view.ask("organisations.get", **of)
    return view.page(
        "organisation.html",
        me=me,
        row=row,
        of=of,
        failed=failed,
        made=made,
        may=me.operator or (me.tenant == name and may_administer(me)),
        members=(await view.ask_part("organisations.members", **of))[0],
        budget=(await view.ask_part("budgets.get", **of))[0],
        hooks=(await view.ask_part("webhooks.list", **of))[0],
        tokens=(await view.ask_part("tokens.list", **of))[0],
    )


@desk("/service/users", "users.add")
async def users(view: View, failed: Any, made: Any) -> Response[Any]:
    """The users, and a form for one more."""
    me, found = await view.ask("account.me"), await view.ask_part("users.list")
    table = view.narrow(
        found[0].users if found[0] else [],
        role=lambda row: row.roles.values(),
        organisation=lambda row: row.roles,
        kind=lambda row: "operator" if row.operator else "program" if row.service_of else "person",
    )
    return view.page("users.html", me=me, table=table, refused=found[1], failed=failed)


@desk(
    "/service/users/{user:str}",
    "users.change",
    "users.remove",
    "users.end_session",
    "users.end_sessions",
    leave=("users.remove",),
)
async def user(view: View, failed: Any, made: Any) -> Response[Any]:
    """One user, and the browsers in which it is signed in."""
    of = {"user": view.request.path_params["user"]}
    me, row = await view.ask("account.me"), await view.ask("users.get", **of)
    sessions = (await view.ask("users.sessions", **of)).sessions
    return view.page("user.html", me=me, row=row, of=of, failed=failed, sessions=sessions)


@desk("/service/prices", "prices.set")
async def prices(view: View, failed: Any, made: Any) -> Response[Any]:
    """Every version of every price list, and a form for the next."""
    me, lists = await view.ask("account.me"), (await view.ask("prices.list")).lists
    chosen = view.query.get("of", "")
    newest = next((each for each in reversed(lists) if each.prices == chosen), None)
    shown = {"prices": newest.prices, "currency": newest.currency, "rates": newest.rates} if newest else None
    rows = [(each, engine, rate) for each in lists for engine, rate in each.rates.items()]
    table = view.narrow(
        rows, list=lambda row: row[0].prices, engine=lambda row: row[1], currency=lambda row: row[0].currency
    )
    return view.page("prices.html", me=me, table=table, failed=failed, shown=shown)


HANDLERS = (*organisations, *organisation, *users, *user, *prices)
