"""Sends spans to a collector by OTLP over HTTP, in a thread, a bounded number of them at a time."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from qmk.base.errors import QmkError
from qmk.gateway.accounts.outgoing import CA, CERT
from qmk.gateway.observe.spans import Span
from qmk.rpc.metrics import Counters
from qmk.secrets.certificates import file_of

log = logging.getLogger("qmk.telemetry")
WAITING = 8192
"""Spans that wait to be sent; the oldest are lost where a collector does not take them."""
AT_ONCE = 512
TIMEOUT_S = 5


class Export:
    """``endpoint``: the URL that takes traces, such as http://127.0.0.1:4318/v1/traces. Raises UNSUPPORTED without the
    extra ``telemetry``."""

    def __init__(self, endpoint: str, counters: Counters) -> None:
        if find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter") is None:
            help = "pip install 'quantum-microkernel[telemetry]'"
            raise QmkError("UNSUPPORTED", "to export traces, the package 'opentelemetry-sdk' is needed", help=help)
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        self._exporter: Any = OTLPSpanExporter(endpoint=endpoint, timeout=TIMEOUT_S, session=_session())
        self._counters = counters
        self._waiting: deque[Span] = deque()

    def put(self, spans: Sequence[Span]) -> None:
        """Queues spans."""
        self._waiting.extend(spans)
        lost = len(self._waiting) - WAITING
        for _ in range(lost):
            self._waiting.popleft()
        if lost > 0:
            self._counters.add("spans_exported_total", ("lost",), lost)

    async def send(self) -> None:
        """Sends what waits."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
            sent = await asyncio.to_thread(self._send, batch)
            self._counters.add("spans_exported_total", ("sent" if sent else "lost",), len(batch))

    def _send(self, spans: Sequence[Span]) -> bool:
        from opentelemetry.sdk.trace.export import SpanExportResult

        try:
            return self._exporter.export([_readable(span) for span in spans]) is SpanExportResult.SUCCESS
        except Exception:
            log.exception("spans could not be sent")
            return False

    def close(self) -> None:
        self._exporter.shutdown()


def _session() -> Any:
    """What requests are sent with. Authorities and certificate are those of all that the gateway sends, and read for
    each request; ``requests`` itself would prefer what ``REQUESTS_CA_BUNDLE`` says."""
    import requests

    class Session(requests.Session):
        def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
            found: Any = super().merge_environment_settings(url, proxies, stream, verify, cert)
            if authorities := os.environ.get(CA):
                found["verify"] = authorities
            if shown := os.environ.get(CERT):
                found["cert"] = file_of(shown, CERT)
            return found

    return Session()


def _readable(span: Span) -> Any:
    """The span as the SDK of OpenTelemetry has it."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
    from opentelemetry.trace.status import Status, StatusCode

    def context(id: str) -> Any:
        return SpanContext(int(span.trace, 16), int(id, 16), is_remote=False, trace_flags=TraceFlags(1))

    return ReadableSpan(
        name=span.name,
        context=context(span.id),
        parent=context(span.parent) if span.parent else None,
        resource=Resource({"service.name": "qmk"}),
        attributes=span.attributes,
        kind=SpanKind.SERVER if "http.route" in span.attributes else SpanKind.INTERNAL,
        status=Status(StatusCode.ERROR, span.failed) if span.failed else Status(),
        start_time=span.begin_ns,
        end_time=span.end_ns,
    )
