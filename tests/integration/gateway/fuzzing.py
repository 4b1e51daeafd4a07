"""What schemathesis has to know of our schemas: values of our scalars, and requests that no answer can be about. Its
command loads this file by ``SCHEMATHESIS_HOOKS``."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes, scalar

LINE_BYTES = 60_000
"""A longer address is refused before it is read as a request of HTTP, and so without a problem."""

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
    """Leaves out unknown headers, which HTTP has everybody ignore, and addresses that are too long."""
    names = {str(name).lower() for name in case.headers or {}}
    query = sum(len(str(name)) + 6 * len(str(value)) for name, value in (case.query or {}).items())
    return "x-schemathesis-unknown-property" not in names and query < LINE_BYTES
