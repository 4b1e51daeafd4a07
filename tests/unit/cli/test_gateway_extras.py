"""What is missing for the gateway or for gRPC is told with the extra that brings it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest
from click.testing import CliRunner

from qmk.base.errors import QmkError
from qmk.cli import gateway
from qmk.cli.serve import command


@pytest.mark.parametrize("name", ["strawberry", "grpc"])
def test_a_missing_package_is_told_with_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(wanted: str) -> Any:
        return None if wanted == name else find_spec(wanted)

    monkeypatch.setattr(gateway, "find_spec", found)
    with pytest.raises(QmkError, match=f"needs the package '{name}'") as caught:
        gateway.require_packages(grpc=True)
    assert caught.value.fields["help"] == "pip install 'quantum-microkernel[gateway,grpc]'"
    if name == "grpc":
        gateway.require_packages()  # which says nothing of gRPC where it is not asked for


def test_grpc_goes_with_http() -> None:
    found = CliRunner().invoke(command, ["--grpc", "127.0.0.1:8452"])
    assert (found.exit_code, "goes with --http" in found.output) == (2, True)


def test_an_address_in_use_is_refused_before_anything_starts() -> None:
    with gateway.listen("127.0.0.1", 0) as taken, pytest.raises(QmkError, match=r"cannot listen at 127\.0\.0\.1"):
        gateway.free_place(*taken.getsockname()[:2])
