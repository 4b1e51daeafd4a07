"""The page on which a user chooses what is the user's own; what an organisation has is on the pages of the account."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from litestar import Response

from qmk.base.errors import QmkError
from qmk.gateway.console import kept, preferences
from qmk.gateway.console.preferences import STARTS, THEMES, Preferences
from qmk.gateway.console.view import View, action, page, redirect


async def _page(view: View, error: QmkError | None = None) -> Response[Any]:
    engines = [each.name for each in (await view.ask("engines.list")).engines if each.available]
    shown = {name: view.read(name, str(getattr(view.chosen, name))) for name in Preferences.__struct_fields__}
    return view.page(
        "settings.html",
        400 if error else 200,
        error=error,
        shown=shown,
        engines=engines,
        starts=STARTS,
        themes=THEMES,
        zones=sorted(available_timezones()),
        saved=await kept.views_of(view),
    )


@page("/settings")
async def show_settings(view: View) -> Response[Any]:
    """What the user has chosen, and what could be."""
    return await _page(view)


@action("/settings/save")
async def save_settings(view: View) -> Response[Any]:
    """Keeps the choice, or says beside the form what is wrong with it."""
    fields: dict[str, Any] = {name: view.read(name).strip() for name in ("theme", "zone", "start", "engine")}
    shots = view.read("shots").strip()
    try:
        chosen = Preferences(**fields, shots=int(shots) if shots.isdecimal() and len(shots) < 10 else 0)
        await preferences.keep(view.records, view.caller.tenant, view.session.user, chosen)
    except QmkError as error:
        return await _page(view, error)
    await kept.set_first(view, view.read("first"))
    return redirect("/settings?done=1")


HANDLERS = (show_settings, save_settings)
