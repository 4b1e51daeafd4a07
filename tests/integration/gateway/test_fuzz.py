"""A sample of what ``make conformance`` does whole: requests drawn from the schemas are never answered with 5xx."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from qmk.gateway.grpc.files import class_of
from qmk.gateway.grpc.shapes import SCALARS, messages, method_of, names, service_of
from qmk.gateway.service.operations import OPERATIONS
from tests.conftest import RunningDaemon
from tests.integration.gateway import fuzzing  # noqa: F401 - which registers what it has
from tests.integration.gateway.tenants import serving_both

REFERENCE = Path(__file__).resolve().parents[3] / "docs" / "reference"
SAMPLE = settings(
    max_examples=2,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
SERVER_ERRORS = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS)


@pytest.fixture(scope="module")
def both(daemon: RunningDaemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, str]]:
    with serving_both(daemon, tmp_path_factory.mktemp("fuzz") / "gateway.db", needs_token=False) as found:
        yield found


def test_rest_keeps_to_its_schema(both: tuple[httpx.Client, str]) -> None:
    schema = schemathesis.openapi.from_path(REFERENCE / "openapi.json")
    schema.config.update(base_url=str(both[0].base_url))
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @settings(SAMPLE, max_examples=1)
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            case.call_and_validate(excluded_checks=[positive_data_acceptance])

        ask()


def test_graphql_answers_whatever_fits_its_schema(both: tuple[httpx.Client, str]) -> None:
    schema = schemathesis.graphql.from_path(REFERENCE / "schema.graphql")
    schema.config.update(base_url=f"{both[0].base_url}/graphql")
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @SAMPLE
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            answer = case.call()
            assert answer.status_code == 200
            for error in answer.json().get("errors", ()):
                assert error["extensions"]["status"] < 500, error

        ask()


def of_shape(shape: Any, depth: int) -> Any:
    """Values of a field of a message."""
    scalars: dict[str, Any] = {
        "int64": st.integers(-(2**63), 2**63 - 1),
        "double": st.floats(),
        "string": st.text(max_size=20),
        "bool": st.booleans(),
        "bytes": st.binary(max_size=20),
    }
    if shape.type in SCALARS.values():
        one = scalars[shape.type]
    elif shape.type.startswith("google."):
        one = st.just(class_of(shape.type)())
    else:
        one = of_message(shape.type, depth - 1)
    if shape.many == "map":
        return st.dictionaries(st.text(max_size=5), one, max_size=2) if shape.type in SCALARS.values() else st.just({})
    return st.lists(one, max_size=2) if shape.many else one


def of_message(name: str, depth: int = 4) -> Any:
    """Messages whose fields are set to anything, or not."""
    if depth == 0:
        return st.just(class_of(name)())
    fields = {each.name: of_shape(each.shape, depth) for each in messages()[name].fields}
    return st.fixed_dictionaries({}, optional=fields).map(lambda given: class_of(name)(**given))


@seed(20)
@settings(SAMPLE, max_examples=40)
@given(st.data())
def test_grpc_answers_whatever_is_sent(both: tuple[httpx.Client, str], data: Any) -> None:
    operation = data.draw(st.sampled_from(OPERATIONS))
    sent = data.draw(
        of_message(names()[operation.call.request]).map(lambda each: each.SerializeToString()) | st.binary()
    )
    with grpc.insecure_channel(both[1]) as channel:
        ask: Any = channel.unary_unary(f"/{service_of(operation.resource)}/{method_of(operation)}")
        answer = ask.future(sent, timeout=30)
        assert answer.code() not in SERVER_ERRORS, (operation.call.name, answer)  # which waits for the end
