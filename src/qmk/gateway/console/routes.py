"""The handlers of the console."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from qmk.gateway.console import (
    account,
    devices,
    files,
    forms,
    job,
    jobs,
    machine,
    programs,
    render,
    service,
    settings,
    settling,
    signing,
    submit,
    trails,
)
from qmk.gateway.console.render import answer_error

__all__ = ["HANDLERS", "answer_error"]

HANDLERS: tuple[HTTPRouteHandler, ...] = (
    render.static_file,
    *signing.HANDLERS,
    *jobs.HANDLERS,
    *job.HANDLERS,
    *files.HANDLERS,
    *programs.HANDLERS,
    *settling.HANDLERS,
    *submit.HANDLERS,
    *machine.HANDLERS,
    *devices.HANDLERS,
    *account.HANDLERS,
    *settings.HANDLERS,
    *service.HANDLERS,
    *trails.HANDLERS,
)
forms.add_to(render.environment())
