"""A plug-in of pytest for the suites of other projects: tests that are not expected to pass, with their reasons."""

from __future__ import annotations

import os

import pytest
from suites import SUITES


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reasons = SUITES[os.environ["QMK_SUITE"]].reasons
    for item in items:
        reason = reasons.get(getattr(item, "originalname", item.name))
        if reason is not None:
            item.add_marker(pytest.mark.xfail(reason=reason), append=False)
