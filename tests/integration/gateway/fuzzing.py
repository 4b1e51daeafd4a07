"""What schemathesis has to know of our schemas: values of our scalars, and requests that no answer can be about. Its
command loads this file by ``SCHEMATHESIS_HOOKS``."""

from __future__ import annotations

import os
import re
import uuid
from typing import Any
from urllib.parse import quote, unquote

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes, scalar

from qmk.gateway.slow import URL_BYTES

OTHER, OTHERS, KEPT = (os.environ.get(f"QMK_FUZZ_{name}", "").split() for name in ("OTHER", "OTHERS", "KEPT"))
"""The token of another tenant than the one whose requests are drawn, what that tenant may see, and the names without
which these requests would not be let in any more: nothing but GET is asked of what has one."""
SESSION = requests.Session()
REQUEST = ("method", "url", "headers", "params", "data", "json", "cookies")
FIRST: dict[str, tuple[Any, Any]] = {}
"""What the other tenant was answered before a request was sent."""
OF_EACH = "/v1/calibrations/{device}"
"""Whoever posts there makes a calibration of its own tenant, named by its content: nothing of another is told."""

scalar("Int64", st.integers(-(2**63), 2**63 - 1).map(nodes.Int))
scalar(
    "JSON",
    st.one_of(
        st.booleans().map(nodes.Boolean), st.text(max_size=5).map(nodes.String), st.integers(0, 9).map(nodes.Int)
    ),
)
scalar("Base64", st.just("").map(nodes.String))


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """Leaves out unknown headers, which HTTP has everybody ignore, addresses that are too long to be read, and what
    would end the tests."""
    names = {str(name).lower() for name in case.headers or {}}
    address = sum(len(quote(str(part))) + 2 for row in (case.query or {}).items() for part in row)
    address += sum(len(quote(str(part))) for part in (case.path_parameters or {}).values())
    ends_it = case.method != "GET" and {*KEPT} & {str(part) for part in (case.path_parameters or {}).values()}
    return "x-schemathesis-unknown-property" not in names and address < URL_BYTES // 2 and not ends_it


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Asks the other tenant first where nothing is left to ask about afterwards."""
    if case.method == "DELETE" and absent_names(case):
        sent = {name: each for name, each in case.as_transport_kwargs().items() if name in REQUEST}
        FIRST[case.id] = both_answers(case, requests.Request(**sent).prepare())


@schemathesis.check
def another_is_told_as_of_nothing(context: Any, response: Any, case: Any) -> None:
    """Sends a request about something that is there again as another tenant, who is answered as one who asks for what
    is not there."""
    first = FIRST.pop(case.id, None)
    if not absent_names(case) or not (response.status_code < 400 or response.status_code == 409):
        return
    theirs, none = first or both_answers(case, response.request)
    assert theirs == none, f"{case.method} {unquote(response.request.url)}: {theirs} is told from absent: {none}"


def absent_names(case: Any) -> dict[str, str]:
    """For each name in the address of a request another that nobody has; none where it is not about somebody's own."""
    named = {str(value) for name, value in (case.path_parameters or {}).items() if name != "month"}
    if not OTHER or named & {*OTHERS} or (case.method, case.path) == ("POST", OF_EACH):
        return {}
    return {each: other for each in named if (other := absent_like(each)) != each}


def both_answers(case: Any, asked: Any) -> tuple[Any, Any]:
    """What the other tenant is answered, and what about names that nobody has."""
    return answer_to(asked, {}), answer_to(asked, absent_names(case))


def absent_like(name: str) -> str:
    """A name of the same form that nobody has."""
    digits = re.search(r"[0-9a-f]{16,32}", name)
    if digits is None:
        return f"no-{name[:32]}"
    return name.replace(digits[0], uuid.uuid4().hex[: len(digits[0])])


def answer_to(asked: Any, absent: dict[str, str]) -> tuple[int, str, bytes]:
    """The answer to the request as the other tenant, with these names in place of others, and then the others again."""
    path, mark, query = asked.url.partition("?")
    parts = [quote(absent.get(unquote(part), unquote(part)), safe="") for part in path.split("/")[3:]]
    again = requests.Request(asked.method, "/".join([*path.split("/")[:3], *parts]) + mark + query)
    sent = SESSION.prepare_request(again)
    sent.headers.update({**asked.headers, "Authorization": f"Bearer {OTHER[0]}"})
    sent.body = asked.body
    answer = SESSION.send(sent, timeout=60)
    body = answer.content
    for name, other in absent.items():
        body = body.replace(other.encode(), name.encode())
    return answer.status_code, answer.headers.get("content-type", ""), body


def own_or_any(names: dict[str, str], field: str, strategy: Any) -> Any:
    """Values of a field: the name of something that is there, or anything."""
    return st.one_of(st.just(names[field]), strategy) if field in names else strategy
