"""Templates, static files, and the headers of pages. Scripts and styles come from this gateway only, none stands within
a page, and whatever a user wrote is escaped."""

from __future__ import annotations

import gzip
import hashlib
import time
from collections.abc import AsyncIterator
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import jinja2
from litestar import Response, get
from litestar.response import Stream

from qmk.base.errors import QmkError
from qmk.base.units import bytes_text, seconds_text
from qmk.gateway.console.examples import EXAMPLES
from qmk.gateway.http import AnyRequest, Refusal, status_of
from qmk.gateway.rest.problem import Problem, problem_of
from qmk.gateway.rest.routes import EVENT_STREAM

HERE = Path(__file__).parent
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers send forms with the origin "null"
    "Cache-Control": "private, no-store",
}
RETRY_MS = 1000
"""After so long a browser asks again for a stream that was lost; if nobody tells it, after 3 to 5 s."""
PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
"""Pictures have their colours in a style of their own, and nothing that runs."""
SVG = "image/svg+xml"
MEDIA = {".css": "text/css", ".js": "text/javascript", ".svg": SVG}
COMPRESSED_BYTES = 2048
HTML = "text/html; charset=utf-8"


@cache
def environment() -> jinja2.Environment:
    """Where templates are, and what they may call."""
    made: Any = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "seconds": seconds_text,
        "bytes": bytes_text,
        "utc": utc_text,
        "query": query_text,
        "problem": problem,
        "segment": segment,
    }
    made.globals |= {"static": static_url, "examples": EXAMPLES, "now": time.time}
    return made


def utc_text(seconds: float | None) -> str:
    """Unix seconds as a date and time in UTC."""
    return "" if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def query_text(fields: dict[str, Any]) -> str:
    """The fields that have a value as the query of an address."""
    return urlencode({name: value for name, value in fields.items() if value not in ("", None, ())}, doseq=True)


def segment(text: str) -> str:
    """A name as one segment of a path."""
    return quote(text, safe="")


def problem(error: QmkError) -> Problem:
    """An error in the words of the API."""
    return problem_of(error, status_of(error), error.message)


@cache
def files() -> dict[str, tuple[bytes, str]]:
    """Static files by name: what they hold, and a hash of it."""
    found = {path.name: path.read_bytes() for path in sorted((HERE / "static").iterdir()) if path.suffix in MEDIA}
    return {name: (data, hashlib.sha256(data).hexdigest()[:16]) for name, data in found.items()}


def static_url(name: str) -> str:
    """The address of a static file, which changes with what it holds."""
    return f"/static/{name}?v={files()[name][1]}"


@get("/static/{name:str}")
async def static_file(request: AnyRequest) -> Response[bytes]:
    """A file of the console."""
    name = request.path_params["name"]
    if name not in files():
        raise Refusal(404, "no such file")
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(files()[name][0], media_type=MEDIA[Path(name).suffix], headers=headers)


def html(template: str, code: int = 200, **context: Any) -> Response[bytes]:
    """A page."""
    text = environment().get_template(template).render(**context)
    return Response(text.encode(), status_code=code, media_type=HTML, headers=HEADERS)


def events(lines: AsyncIterator[bytes]) -> Stream:
    """A stream of server-sent events."""

    async def whole() -> AsyncIterator[bytes]:
        yield b"retry: %d\n\n" % RETRY_MS
        async for line in lines:
            yield line

    return Stream(whole(), media_type=EVENT_STREAM, headers={**HEADERS, "X-Accel-Buffering": "no"})


def picture(svg: bytes, *, lasting: bool) -> Response[bytes]:
    """A picture; ``lasting``: it does not change."""
    kept = "private, max-age=86400" if lasting else "private, no-store"
    headers = {"Content-Security-Policy": PICTURE_POLICY, "X-Content-Type-Options": "nosniff", "Cache-Control": kept}
    return Response(svg, media_type=SVG, headers=headers)


def compress(made: Response[bytes], request: AnyRequest) -> Response[bytes]:
    """The answer as gzip, if it is long and the browser takes that: pictures shrink to a tenth. Only for what holds no
    secret of the session."""
    body = made.content
    if len(body) >= COMPRESSED_BYTES and "gzip" in request.headers.get("accept-encoding", ""):
        made.content = gzip.compress(body, 6, mtime=0)
        made.headers["Content-Encoding"] = "gzip"
    made.headers["Vary"] = "Accept-Encoding"
    return made


def answer_error(error: Exception, status: int, message: str) -> Response[bytes]:
    """An error as a page, in the words that the API has for it."""
    phrase = HTTPStatus(status).phrase
    said = "there is no page at this address" if (status, message) == (404, phrase) else message
    return html("error.html", status, problem=problem_of(error, status, said), phrase=phrase, view=None)
