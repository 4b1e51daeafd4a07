"""A plugin of pytest for PennyLane's device tests: it registers the device ``qmk`` as its entry point does, and has
stand-ins for ``flaky`` (nothing is run twice) and ``pytest-mock`` where these are not installed."""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from typing import Any
from unittest import mock

import pytest

if importlib.util.find_spec("flaky") is None:
    stand_in: Any = types.ModuleType("flaky")

    def once(**_options: Any) -> Callable[[Any], Any]:
        return lambda test: test

    stand_in.flaky = once
    sys.modules["flaky"] = stand_in


def pytest_configure(config: pytest.Config) -> None:
    from pennylane.devices import device_constructor

    entry = EntryPoint("qmk", "qmk.integrations.pennylane:QmkDevice", "pennylane.plugins")
    device_constructor.plugin_devices["qmk"] = entry


if importlib.util.find_spec("pytest_mock") is None:

    @pytest.fixture
    def mocker() -> Iterator[Any]:
        patches: list[Any] = []

        class Mocker:
            def spy(self, owner: Any, name: str) -> Any:
                patches.append(mock.patch.object(owner, name, wraps=getattr(owner, name)))
                return patches[-1].start()

        yield Mocker()
        for patch in patches:
            patch.stop()
