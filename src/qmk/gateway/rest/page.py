"""The API as one page for readers: no script, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from functools import cache
from html import escape

from qmk.abi.shapes import INT_MAX
from qmk.gateway.accounts.operations import ACCOUNT_RESOURCES
from qmk.gateway.rest.asked import KEY_HEADER, upload_path
from qmk.gateway.service.operation import Operation
from qmk.gateway.service.operations import OPERATIONS, RESOURCES
from qmk.rpc import describe

STYLE = """
:root{color-scheme:light dark;--ink:#1d2327;--soft:#5b6670;--paper:#fff;--line:#d9dee2;--tint:#f3f5f7;--link:#00599b}
@media(prefers-color-scheme:dark){:root{--ink:#e4e8eb;--soft:#a3adb5;--paper:#15191c;--line:#343b41;--tint:#1e2428;
--link:#7cc0f5}}
*{box-sizing:border-box}body{margin:0 auto;padding:1.5rem;max-width:62rem;background:var(--paper);color:var(--ink);
font:1rem/1.5 system-ui,sans-serif}a{color:var(--link)}h1{font-size:1.6rem}h2{margin-top:2.5rem;font-size:1.25rem}
nav ul{columns:17rem;padding:0;list-style:none}nav li{margin:.15rem 0}code{font:.9em ui-monospace,monospace}
details{border:1px solid var(--line);border-radius:.4rem;margin:.6rem 0;padding:.5rem .8rem}
summary{cursor:pointer;overflow-wrap:anywhere}summary b{display:inline-block;min-width:3.2rem;color:var(--link)}
summary span,.soft{color:var(--soft)}.box{overflow-x:auto}
table{border-collapse:collapse;width:100%;margin:.5rem 0;font-size:.92rem}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line)}
td:last-child{min-width:20rem}td:nth-child(4):not(:last-child){white-space:nowrap}
@media(max-width:44rem){thead{display:none}tr{display:block;padding:.3rem 0;border-bottom:1px solid var(--line)}
td{display:inline;border:0}td:last-child{display:block;color:var(--soft)}}
pre{background:var(--tint);padding:.6rem;border-radius:.3rem;overflow-x:auto;white-space:pre-wrap;
overflow-wrap:anywhere}
"""


def policy_for(style: str) -> str:
    """The content security policy of a page that has this style and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


POLICY = policy_for(STYLE)


@cache
def html() -> str:
    """The page."""
    title = "QMK: REST API"
    sections = "".join(_section(name, doc) for name, doc in RESOURCES.items())
    links = "".join(f'<li><a href="#{each.call.name}">{each.call.name}</a></li>' for each in OPERATIONS)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head><body>'
        f"<h1>{title}</h1><p>Send a token as <code>Authorization: Bearer</code>; on this machine none is needed unless "
        "the gateway asks for one. Errors are problem details (RFC 9457). "
        'For programs: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>'
        f'<nav aria-label="Operations"><ul>{links}</ul></nav><main>{sections}</main></body></html>'
    )


def _section(resource: str, doc: str) -> str:
    rows = "".join(_details(each) for each in OPERATIONS if each.resource == resource)
    return f'<section><h2 id="{resource}">{resource.capitalize()}</h2><p>{escape(doc)}</p>{rows}</section>'


def _details(operation: Operation) -> str:
    call = operation.call
    head = (
        f"<summary><b>{operation.method}</b> <code>{escape(operation.path)}</code> <span>{call.name}</span></summary>"
    )
    doc = f"{call.doc} {operation.note}".strip()
    parts = [f"<p>{_markup(doc)}</p>"]
    if call.rights:
        parts.append(f'<p class="soft">Rights: {", ".join(call.rights)}</p>')
    given = [(f"<code>{name}</code>", *map(_markup, rest)) for name, *rest in request_rows(operation)]
    parts.append(_table(("field", "where", "type", "", "meaning"), given) if given else "")
    parts.append(f"<pre><code>{escape(curl(operation))}</code></pre>")
    if not operation.media:
        rows = [(f"<code>{row.path}</code>", escape(row.type), _markup(row.doc)) for row in describe.fields(call.reply)]
        table = _table(("field", "type", "meaning"), rows)
        parts.append(f"<details><summary>Answer: {len(rows)} fields</summary>{table}</details>")
    parts.append(f'<p class="soft">Errors: {", ".join(call.errors)}</p>')
    return f'<details open id="{call.name}">{head}{"".join(parts)}</details>'


def request_rows(operation: Operation) -> Iterator[tuple[str, str, str, str, str]]:
    """A row for each field of the request: name, where it is, type, whether it is needed, and what it means."""
    for row in describe.fields(operation.call.request):
        name = row.path.partition(".")[0].partition("[")[0]
        place: str = operation.places[name]
        shown = KEY_HEADER if place == "header" else row.path
        need = "required" if row.required else f"default {row.default}" if row.default not in ("", "null") else ""
        yield shown, place, row.type.replace(str(INT_MAX), "2^63 - 1"), need, row.doc


def curl(operation: Operation) -> str:
    """An example of the operation for curl, at the URL ``$url``."""
    if operation.takes_program:
        return f"curl --data-binary @bell.qasm -H 'Content-Type: text/plain' \"$url{upload_path(operation)}\""
    path = re.sub(r"\{(\w+?)(_id)?\}", r"$\1", operation.path)
    if operation.call.name == "batches.submit":
        return f'curl --json @batch.json "$url{path}"'
    more = " -N -H 'Accept: text/event-stream'" if operation.follow is not None else ""
    if operation.fields_at("body") and operation.resource in ACCOUNT_RESOURCES:
        more = f" --json @{operation.resource.removesuffix('s')}.json"
    method = "" if operation.method == "GET" else f" -X {operation.method}"
    return f'curl{method}{more} "$url{path}"'


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="box"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _markup(text: str) -> str:
    """Text in which backquotes mark code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))
