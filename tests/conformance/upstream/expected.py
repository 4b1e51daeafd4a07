"""A plug-in of pytest for the suites of other projects: tests that are not expected to pass, with their reasons."""

from __future__ import annotations

import os

import pytest
from suites import SUITES


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that are expected to fail. One of them that passes fails, as does a name without a test."""
    reasons = dict(SUITES[os.environ["QMK_SUITE"]].reasons)
    unused = set(reasons)
    for item in items:
        name = getattr(item, "originalname", item.name)
        within = getattr(item, "cls", None)
        name = name if within is None else f"{within.__name__}.{name}"
        if name in reasons:
            item.add_marker(pytest.mark.xfail(reason=reasons[name], strict=True), append=False)
            unused.discard(name)
    if unused:
        raise pytest.UsageError(f"no test has the name that a reason is listed for: {', '.join(sorted(unused))}")
