"""What decodes, as text and as a load."""

from __future__ import annotations

import pytest

from qmk.base.decoding import Decoding
from qmk.base.errors import QmkError


def test_the_load_is_time_over_time() -> None:
    made = Decoding.parse("event=2e-7, cores=4, round=1e-5")
    assert made == Decoding(event_s=2e-7, cores=4, round_s=1e-5)
    assert made.load(100.0) == pytest.approx(100 * 2e-7 / (4 * 1e-5))
    assert Decoding.parse("event=1e-7").load(5.0) == pytest.approx(0.5), "one core and a microsecond, if not told"


@pytest.mark.parametrize(
    "text",
    ["", "event", "event=x", "cores=2", "event=1e-7,cores=1.5", "event=1e-7,event=1e-7", "event=0", "event=nan",
     "event=1e-7,cores=0", "event=1e-7,round=inf", "event=1e-7,speed=3"],
)  # fmt: skip
def test_what_is_no_decoder_is_refused_with_the_way_to_write_one(text: str) -> None:
    with pytest.raises(QmkError) as caught:
        Decoding.parse(text)
    assert (caught.value.kind.name, caught.value.fields["field"]) == ("INVALID_PARAMS", "decoder")
    assert "event" in caught.value.fields["help"]
