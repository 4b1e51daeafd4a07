"""The addresses: /metrics, /ready, /observe and the traces below it.

They show all tenants' work, so they are for whoever runs the gateway: with the token of ``--observe-token-file``, or,
where the gateway asks for no token at all, from this machine. A browser is asked for it as a password.
"""

from __future__ import annotations

import hmac

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from qmk.base.errors import QmkError
from qmk.gateway import readiness
from qmk.gateway.callers import token_of
from qmk.gateway.http import AnyRequest, Gate, Refusal, answer
from qmk.gateway.observe import pages, scrape
from qmk.gateway.observe.history import span_of
from qmk.gateway.observe.observer import Observer

NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
LISTED = 50


async def _enter(request: AnyRequest) -> Observer:
    """The observer, for whoever may see all. Raises AUTH_FAILED."""
    observer: Observer = request.app.state.observer
    gate: Gate = request.app.state.gate
    token = observer.settings.token
    if token:
        shown = token_of(request.headers)
        if not hmac.compare_digest(shown.encode("utf-8", "replace"), token.encode()):
            help = "show the token of --observe-token-file as a bearer token, or as the password of a browser"
            raise QmkError("AUTH_FAILED", "metrics and traces are for whoever runs this gateway", help=help)
    else:
        gate.callers.require_local(request.headers)
    await observer.refresh()
    return observer


@get("/metrics")
async def metrics(request: AnyRequest) -> Response[bytes]:
    """All metrics, in the text format of Prometheus."""
    observer = await _enter(request)
    return Response(scrape.write_text(observer.samples()), headers={**NO_STORE, "Content-Type": scrape.MEDIA_TYPE})


@get("/ready")
async def ready(request: AnyRequest) -> Response[bytes]:
    """Whether jobs would be taken."""
    gate: Gate = request.app.state.gate
    found = await readiness.look(gate)
    good = readiness.is_ready(found)
    return answer({"status": "ready" if good else "not ready", **found}, 200 if good else 503, dict(NO_STORE))


@get("/observe")
async def overview(request: AnyRequest) -> Response[bytes]:
    """The page of metrics and the newest traces. The query names the time of the curves: the last ``hours``, or from
    ``since`` to ``until`` in Unix seconds."""
    observer = await _enter(request)
    hours, since, until = (request.query_params.get(name, "") for name in ("hours", "since", "until"))
    return _page(pages.overview(observer, LISTED, span_of(hours, since, until)))


@get("/observe/traces/{trace:str}")
async def trace(request: AnyRequest) -> Response[bytes]:
    """The page of one trace, by its id or by that of a job."""
    observer = await _enter(request)
    spans = observer.traces.get(observer.traces.find(request.path_params["trace"]))
    if not spans:
        raise Refusal(404, "no such trace, or it is no longer kept")
    return _page(pages.trace(spans))


@get("/observe/jobs/{job:str}/log")
async def job_log(request: AnyRequest) -> Response[bytes]:
    """The page of what the daemon's log said of a job of late."""
    observer = await _enter(request)
    job = request.path_params["job"]
    return _page(pages.job_log(job, observer.traces.find(job), await observer.log_of(job)))


def _page(html: str) -> Response[bytes]:
    headers = {**NO_STORE, "Content-Security-Policy": pages.POLICY, "Referrer-Policy": "no-referrer"}
    return Response(html.encode(), media_type="text/html", headers=headers)


HANDLERS: tuple[HTTPRouteHandler, ...] = (metrics, ready, overview, trace, job_log)
