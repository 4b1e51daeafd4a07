"""The handlers of the console."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from qmk.gateway.console import account, files, forms, job, jobs, machine, render, service, signing, submit, trails
from qmk.gateway.console.render import answer_error

__all__ = ["HANDLERS", "answer_error"]

HANDLERS: tuple[HTTPRouteHandler, ...] = (
    render.static_file,
    *signing.HANDLERS,
    *jobs.HANDLERS,
    *job.HANDLERS,
    *files.HANDLERS,
    *submit.HANDLERS,
    *machine.HANDLERS,
    *account.HANDLERS,
    *service.HANDLERS,
    *trails.HANDLERS,
)
forms.add_to(render.environment())
