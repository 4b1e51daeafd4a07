"""The handlers of the console."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from qmk.gateway.console import jobs, render, signing
from qmk.gateway.console.render import answer_error

__all__ = ["HANDLERS", "answer_error"]

HANDLERS: tuple[HTTPRouteHandler, ...] = (
    render.static_file,
    *signing.HANDLERS,
    *jobs.HANDLERS,
)
