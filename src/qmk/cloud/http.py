"""HTTP to a provider: JSON both ways, bounded in time, size and attempts; a redirect is not followed.

A request that changes nothing, or that may be made twice, is made again after a fault that passes. One that creates a
task is made again only where the answer says that it was not taken; else it raises ``Unanswered``, and whoever made it
asks the provider first (``task.submit_once``).
"""

from __future__ import annotations

import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, TypeVar, cast
from urllib.parse import urlencode

import msgspec

from qmk.base.errors import QmkError
from qmk.cloud import settings
from qmk.secrets import redaction

TIMEOUT_S = 30.0
"""The longest wait for a provider to say something."""
LARGEST_ANSWER = 256 << 20
"""Most bytes of an answer."""
ATTEMPTS = 7
"""How often a request is made."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
"""Pauses between attempts double from the first to the longest; ``Retry-After`` is obeyed up to the longest."""
PASSING = frozenset((429, 500, 502, 503, 504))
NOT_TAKEN = frozenset((429, 503))
"""Of these, the answers that say that a request was not taken."""
SHOWN_CHARACTERS = 500
Kind = TypeVar("Kind")


class Unanswered(QmkError):
    """Nobody knows whether the provider took the request."""


class Answer(NamedTuple):
    """``status`` 0: there was none, ``detail`` says why."""

    status: int
    body: bytes
    detail: str = ""
    retry_after_s: float = 0.0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        """Follows no redirect: it would take the key elsewhere."""


class Http:
    """One provider at one address. ``secret`` is what no text may show."""

    def __init__(self, engine: str, url: str, headers: Mapping[str, str], secret: str) -> None:
        self.engine = engine
        self.url = url
        self.headers = {"Accept": "application/json", "User-Agent": "qmk", **headers}
        redaction.remember(secret)
        self._opener = urllib.request.build_opener(_NoRedirects)

    def use(self, headers: Mapping[str, str], secret: str) -> None:
        """Adds headers with another secret from now on, such as a token that was granted for some time."""
        self.headers |= headers
        redaction.remember(secret)

    def get(self, kind: type[Kind], path: str, **query: Any) -> Kind:
        """The JSON at ``path``, which is of ``kind``. Raises ``QmkError``."""
        return self.ask(kind, "GET", f"{path}?{urlencode(query, doseq=True)}" if query else path)

    def ask(
        self,
        kind: type[Kind],
        method: str,
        path: str,
        body: Any = None,
        *,
        once: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Kind:
        """Makes a request until it is answered, with JSON of ``kind``; an empty answer is null. ``body``: bytes, or
        what JSON has. ``once``: it creates something. Raises ``Unanswered`` for one that may have been taken, else what
        ``refusal`` makes."""
        data = body if isinstance(body, bytes | None) else msgspec.json.encode(body)
        answer = Answer(0, b"")
        for attempt in range(ATTEMPTS):
            answer = self._try(method, path, data, headers or {})
            if 200 <= answer.status < 300:
                return decode(self.engine, kind, answer.body, path.partition("?")[0])
            if answer.status not in PASSING and answer.status:
                raise refusal(self.engine, answer.status, answer.detail)
            if once and answer.status not in NOT_TAKEN:
                raise Unanswered("JOB_FAILED", self._lost_text(answer), engine=self.engine, retryable=True)
            if attempt + 1 < ATTEMPTS:
                time.sleep(min(max(answer.retry_after_s, FIRST_PAUSE_S * 2**attempt), LONGEST_PAUSE_S))
        if answer.status:
            raise refusal(self.engine, answer.status, answer.detail)
        raise QmkError("JOB_FAILED", self._lost_text(answer), engine=self.engine, retryable=True, help=self._way())

    def _way(self) -> str:
        return f"look at the network and at {settings.variable(self.engine, 'URL')}, then try again with the same seed"

    def _lost_text(self, answer: Answer) -> str:
        how = f"answered {answer.status}" if answer.status else "does not answer"
        return f"the provider of engine '{self.engine}' {how}: {answer.detail}"

    def _try(self, method: str, path: str, data: bytes | None, headers: Mapping[str, str]) -> Answer:
        request = urllib.request.Request(self.url + path, data, {**self.headers, **headers}, method=method)
        if data is not None and not request.has_header("Content-type"):
            request.add_header("Content-Type", "application/json")
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as reply:
                return Answer(reply.status, self._read(reply))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, b"", self._detail(error), _retry_after_s(error.headers.get("Retry-After")))
        except urllib.error.URLError as error:
            return Answer(0, b"", clean(str(error.reason)))
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, b"", clean(f"{type(error).__name__} {error}"))

    def _read(self, reply: Any) -> bytes:
        body: bytes = reply.read(LARGEST_ANSWER + 1)
        if len(body) > LARGEST_ANSWER:
            text = f"the provider of engine '{self.engine}' sends more than {LARGEST_ANSWER >> 20} MiB"
            raise QmkError("JOB_FAILED", text, engine=self.engine, help="ask for fewer shots")
        return body

    def _detail(self, error: urllib.error.HTTPError) -> str:
        """What an error's body says: its message where it is JSON, else its beginning."""
        try:
            body = error.read(1 << 16)
        except (OSError, http.client.HTTPException):
            return ""
        try:
            return clean(_message(msgspec.json.decode(body)) or body.decode())
        except (msgspec.DecodeError, UnicodeDecodeError):
            return clean(body.decode(errors="replace"))


def refusal(engine: str, status: int, detail: str = "") -> QmkError:
    """The error for an answer that is not a success. ``detail``: what the provider said, cleaned."""
    said = f": {detail}" if detail else ""
    kind, what, help, more = "JOB_FAILED", f"refused the request ({status})", "", {}
    if status in (401, 403):
        kind, what = "AUTH_FAILED", f"does not accept the key ({status})"
        help = "look whether the key is whole, valid and may use this device"
    elif status == 402:
        kind, what, help = "QUOTA_EXCEEDED", "wants to be paid first (402)", "look at the account with the provider"
        more = {"retryable": False}
    elif status == 404:
        kind, what, help = "UNSUPPORTED", "does not know this device or task (404)", "look at its name"
    elif status == 429:
        what, help = "gets too many requests (429)", "try again later"
        more = {"retryable": True}
    elif status >= 500:
        what, help = f"is out of order ({status})", "try again later, with the same seed: nothing is sent twice"
        more = {"retryable": True}
    return QmkError(
        kind, f"the provider of engine '{engine}' {what}{said}", engine=engine, help=help, status=status, **more
    )


def surprise(engine: str, what: str) -> QmkError:
    """The error for an answer that is not as documented."""
    text = f"the provider of engine '{engine}' answered {what}"
    return QmkError("JOB_FAILED", text, engine=engine, help="this release of QMK may be too old for it")


def decode(engine: str, kind: type[Kind], body: bytes, what: str) -> Kind:
    """JSON of ``kind``; ``what`` says where it is from. Raises JOB_FAILED for anything else."""
    try:
        return msgspec.json.decode(body.strip() or b"null", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise surprise(engine, f"what is not documented at {what}: {error}") from error


class Failure(msgspec.Struct):
    """Why a job failed, as several providers tell it."""

    code: str = ""
    message: str = ""

    def text(self) -> str:
        return clean(": ".join(filter(None, (self.code, self.message))))


def clean(text: str) -> str:
    """Text of a stranger that may be shown: short, on one line, without secrets of ours."""
    return re.sub(r"[^\x20-\x7e\xa0-\uffff]+", " ", redaction.hide(text)).strip()[:SHOWN_CHARACTERS]


def _message(found: Any) -> str:
    """The words of an error in JSON, under the keys that providers use."""
    if isinstance(found, str):
        return found
    if isinstance(found, list):
        return "; ".join(filter(None, map(_message, cast("list[Any]", found)[:3])))
    if isinstance(found, dict):
        found = cast("dict[str, Any]", found)
        for name in ("message", "detail", "title", "errors", "error", "errorMessage", "reason"):
            text = _message(found.get(name))
            if text:
                return text
    return ""


def _retry_after_s(text: str | None) -> float:
    """Seconds of a header ``Retry-After``, which is a number or a date; 0 where it is neither."""
    if not text:
        return 0.0
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return 0.0
