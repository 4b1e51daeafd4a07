"""No request carries an integer that a journal or another process cannot hold: each one is bounded on both sides."""

from collections.abc import Iterator

import msgspec
import pytest
from msgspec.inspect import DictType, IntType, ListType, Metadata, StructType, Type, UnionType, type_info

from qmk.abi.calls import CALLS
from qmk.rpc import frame

BOUND = 1 << 63


def integers(kind: Type, path: str) -> Iterator[tuple[str, IntType]]:
    match kind:
        case IntType():
            yield path, kind
        case Metadata(type=inner):
            yield from integers(inner, path)
        case StructType(fields=fields):
            for field in fields:
                yield from integers(field.type, f"{path}.{field.encode_name}")
        case UnionType(types=kinds):
            for one in kinds:
                yield from integers(one, path)
        case ListType(item_type=one) | DictType(value_type=one):
            yield from integers(one, path)
        case _:
            pass


FIELDS = [pair for call in CALLS for pair in integers(type_info(call.request), call.name)]
assert len(FIELDS) > 10


@pytest.mark.parametrize(("path", "kind"), FIELDS, ids=[path for path, _ in FIELDS])
def test_every_integer_of_a_request_is_bounded(path: str, kind: IntType) -> None:
    low, high = kind.ge if kind.ge is not None else kind.gt, kind.le if kind.le is not None else kind.lt
    assert low is not None, path
    assert high is not None, path
    assert -BOUND <= low <= high < BOUND


@pytest.mark.parametrize("value", [10**30, -(10**30), 1 << 63])
@pytest.mark.parametrize("field", ["shots", "policy.deadline_epochs", "policy.seed", "policy.priority"])
def test_an_integer_beyond_64_bits_is_refused_by_name(field: str, value: int) -> None:
    head, _, tail = field.partition(".")
    params = {"session_id": "s", "graph": {}, head: {tail: value} if tail else value}
    text = msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": "q_submit", "params": {**params, head: "@"}})
    number = f'{{"{tail}":{value}}}' if tail else str(value)
    (call,) = frame.decode(text.replace(b'"@"', number.encode())).calls
    assert call.error is not None
    assert call.error.kind.name == "INVALID_PARAMS"
    assert field in call.error.message
