"""Write the description of the REST API, ``docs/reference/openapi.json``, and its page, ``docs/reference/rest.md``."""

from __future__ import annotations

import sys

from pages import NOTICE, table, write_or_check

from qmk.base.errors import KINDS, QmkError
from qmk.gateway.http import status_of
from qmk.gateway.rest import openapi, page
from qmk.gateway.rest.asked import upload_path
from qmk.gateway.service.operation import COMMON, Operation
from qmk.gateway.service.operations import OPERATIONS, RESOURCES
from qmk.rpc import describe

INTRO = """# The REST API

After this page you know every request of the API that [the gateway](../howto/rest.md) serves under `/v1`.
[openapi.json](openapi.json) describes it for programs (OpenAPI 3.1); a running gateway has both, at `/v1` and
`/openapi.json`. Fields of a GET are in its query, lists as names that come again, objects as JSON. Fields of a POST are
its JSON body. Unknown fields are refused.

An operation on a program also takes the program as it is, in the body, at the address with `/upload`; its other fields
are then in the query. The media type is `text/plain`, `application/octet-stream`, or `application/vnd.qmk.` and the
name of a format.

Errors are problem details (RFC 9457): `type`, `title`, `status`, `detail`, and of ours `kind`, `code`, `retryable`,
`help`, `field`, `findings` and `fields`. From every operation may come {common}.

"""


def rest_page() -> str:
    """The page."""
    common = ", ".join(f"`{name}` ({status_of(QmkError(name, ''))})" for name in COMMON)
    parts = [NOTICE.format(script="generate_rest.py"), INTRO.format(common=common)]
    for resource, doc in RESOURCES.items():
        rows = [each for each in OPERATIONS if each.resource == resource]
        parts += [f"## {resource.capitalize()}\n{doc}\n\n", *map(_section, rows)]
    return "".join(parts)


def _section(operation: Operation) -> str:
    call = operation.call
    parts = [f"### {call.name}\n`{operation.method} {operation.path}`"]
    if operation.takes_program:
        parts.append(f", or `POST {upload_path(operation)}`")
    parts.append(f"\n\n{call.doc} {operation.note}".rstrip())
    reply = "text of this media type: `" + operation.media + "`" if operation.media else _fields(call.reply)
    parts.append(f" It answers {'201 and ' if operation.made else ''}{reply}.\n\n")
    rows = [(f"`{name}`", *rest) for name, *rest in page.request_rows(operation)]
    parts.append(table(("field", "where", "type", "", "meaning"), rows) + "\n" if rows else "")
    own = [
        f"`{name}` ({status_of(QmkError(name, ''))})" for name in call.errors if name in KINDS and name not in COMMON
    ]
    parts.append(f"Errors: {', '.join(own)}. " if own else "")
    parts.append(f"Rights: {', '.join(call.rights)}.\n\n" if call.rights else "\n\n" if own else "")
    return "".join(parts)


def _fields(struct: type) -> str:
    return ", ".join(f"`{name}`" for name in describe.names(struct))


if __name__ == "__main__":
    pages = {"docs/reference/openapi.json": openapi.text(), "docs/reference/rest.md": rest_page()}
    sys.exit(write_or_check(pages, sys.argv[1:]))
