"""Write the schemas of GraphQL and gRPC, and ``docs/reference/protocols.md``, which says what each operation is called.

New fields of messages get their numbers here: a line of each is appended to ``numbers.txt``, and none is ever changed.
"""

from __future__ import annotations

import sys

from pages import NOTICE, ROOT, table, write_or_check

from qmk.gateway.graphql import schema
from qmk.gateway.grpc import proto, shapes
from qmk.gateway.grpc.shapes import method_of, service_of, stream_of
from qmk.gateway.service.operations import OPERATIONS, RESOURCES

NUMBERS = "src/qmk/gateway/grpc/numbers.txt"
INTRO = """# One service, three protocols

After this page you know what each operation of the service is called in each protocol. All three are made from one
table: an operation has the same fields, bounds, rights and errors everywhere, and the same token opens it. The schemas
are [openapi.json](openapi.json) for [REST](../howto/rest.md), [schema.graphql](schema.graphql) for
[GraphQL](../howto/graphql.md), and [qmk.proto](qmk.proto) for [gRPC](../howto/grpc.md). What every field means stands
in each of them, and in the [requests of the REST API](rest.md).

"""


def page() -> str:
    """The page."""
    parts = [NOTICE.format(script="generate_protocols.py"), INTRO]
    for resource, doc in RESOURCES.items():
        rows: list[tuple[str, ...]] = []
        for each in (each for each in OPERATIONS if each.resource == resource):
            kind = "query" if each.method == "GET" else "mutation"
            kind += ", subscription" if each.follow else ""
            stream = f", `{stream_of(each)}` (stream)" if stream_of(each) else ""
            name = each.call.name.replace(".", "_")
            rows.append((f"`{each.method} {each.path}`", f"`{name}` ({kind})", f"`{method_of(each)}`{stream}"))
        head = ("REST", "GraphQL", f"gRPC, `{service_of(resource)}`")
        parts.append(f"## {resource.capitalize()}\n{doc}\n\n{table(head, rows)}\n")
    return "".join(parts).rstrip("\n") + "\n"


def main(arguments: list[str]) -> int:
    """Write or check the files."""
    numbers = (ROOT / NUMBERS).read_text() + "".join(f"{line}\n" for line in shapes.missing_numbers())
    failed = write_or_check({NUMBERS: numbers}, arguments)
    shapes.numbers.cache_clear()
    shapes.messages.cache_clear()
    pages = {
        "docs/reference/schema.graphql": schema.text(),
        "docs/reference/qmk.proto": proto.text(),
        "docs/reference/protocols.md": page(),
    }
    return failed or write_or_check(pages, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
