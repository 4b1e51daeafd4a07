"""Results: pages of packed events as text, checks on what an engine answers, the cache of recent ones."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from qmk.abi.calls import q_result
from qmk.base.errors import QmkError
from qmk.host import results
from qmk.host.results import RecentResults, Result
from qmk.qvm.graph import Output
from qmk.qvm.outputs import Estimate, Point, Values
from qmk.worker.messages import Done


def make_done(bits: list[str], widths: list[int], **changes: object) -> Done:
    width = sum(widths)
    packed = b"".join(int(row.ljust((width + 7) // 8 * 8, "0"), 2).to_bytes((width + 7) // 8, "big") for row in bits)
    fields: dict[str, object] = {
        "fence": 1,
        "counts": dict(Counter(bits)),
        "registers": [Output("c", ("m0", None), True)],
        "event_names": [f"m{number}" for number in range(len(widths))],
        "event_widths": widths,
        "event_bits": packed,
        "shots": len(bits),
        "prepare_s": 0.25,
        "run_s": 0.5,
        "cpu_s": 0.7,
        "peak_rss_bytes": 10,
        "notes": {"kept": 1},
    }
    return Done(**{**fields, **changes})  # type: ignore[arg-type]


def known(job: str, shots: int) -> q_result.Reply:
    provenance = q_result.Provenance(digest="d", engine="e", method="", seed=5)
    return q_result.Reply(job_id=job, shots=shots, seed=5, provenance=provenance)


@pytest.mark.parametrize("widths", [[1], [1, 1, 1], [1, 2], [1] * 8, [1] * 9, [1] * 70])
def test_rows_read_as_the_bits_that_were_packed(widths: list[int]):
    width = sum(widths)
    bits = [format((number * 2654435761) % (1 << width), f"0{width}b") for number in range(50)]
    result = results.of_done(make_done(bits, widths), "1.2")
    reply = results.reply(known("j", 50), result.head, 0, result.page)
    assert reply.events is not None
    assert reply.events.rows == bits
    assert reply.events.next_shot is None
    assert reply.provenance.version == "1.2"
    assert reply.provenance.notes == {"kept": 1}
    assert reply.registers == [q_result.Register("c", ["m0", None], True)]


def test_pages_together_are_the_whole_and_each_names_the_next():
    shots, width = 25_000, 2
    bits = [format(number % 4, "02b") for number in range(shots)]
    result = results.of_done(make_done(bits, [1] * width), "")
    pages, at = [], 0
    while at is not None:
        page = results.reply(known("j", shots), result.head, at, result.page).events
        assert page is not None
        pages.append(page)
        at = page.next_shot
    assert [page.from_shot for page in pages] == [0, 10_000, 20_000]
    assert [row for page in pages for row in page.rows] == bits


def test_a_page_may_begin_anywhere():
    bits = [format(number % 2, "b") for number in range(20)]
    result = results.of_done(make_done(bits, [1]), "")
    page = results.reply(known("j", 20), result.head, 13, result.page).events
    assert page is not None
    assert (page.from_shot, page.rows) == (13, bits[13:])


def test_wide_rows_make_short_pages():
    head = results.of_done(make_done(["0" * 80_000], [1] * 80_000), "").head
    assert head.page_shots == results.PAGE_BYTES // 10_000


def test_no_events_kept_is_said_with_none():
    result = results.of_done(make_done(["1", "0"], [1], event_bits=b""), "")
    assert results.reply(known("j", 2), result.head, 0, result.page).events is None


@pytest.mark.parametrize(
    "changes", [{"shots": 3}, {"counts": {"0": 1}}, {"event_bits": b"123"}, {"event_names": ["a", "b"]}]
)
def test_an_answer_that_contradicts_itself_is_the_engines_failure(changes: dict[str, object]):
    with pytest.raises(QmkError, match="contradicts itself") as caught:
        results.of_done(make_done(["1", "0"], [1], **changes), "")
    assert caught.value.kind.name == "JOB_FAILED"


def test_the_recent_ones_stay_within_their_bytes():
    recent = RecentResults(limit_bytes=10_000)
    for number in range(10):
        recent.put(f"j{number}", results.of_done(make_done(["1", "0"], [1]), ""))
    kept = [number for number in range(10) if recent.get(f"j{number}") is not None]
    assert 1 <= len(kept) <= 5
    assert kept == list(range(10))[-len(kept) :]
    recent.drop("j9")
    assert recent.get("j9") is None


def test_a_large_head_is_shown_as_the_same_json_without_being_unpacked():
    """Of counts, of a state with its base64, of figures large and small, and of texts that JSON escapes."""
    point = Point(
        expectations=[Estimate(1e-9, 0.25), Estimate(-1e22)], state=bytes(range(256)) * 2, amplitudes=[(0.1, -0.0)]
    )
    counts = {f'{number:030b} "\\\n': 7 * number for number in range(10_000)}
    made = results.of_done(make_done(["1", "0"], [1]), "1.0").head
    head = msgspec.structs.replace(made, counts=counts, values=Values(engine="\u00e4", points=[point]), shots=2)
    packed = results.encode_head(head)
    opened = results.open_head(packed)
    assert isinstance(opened, results.PackedHead)
    assert results.encode_head(results.decode_head(packed)) == packed
    shown = [
        msgspec.json.decode(msgspec.json.encode(results.reply(known("j", 2), each, 2, lambda number: b"")))
        for each in (head, opened)
    ]
    assert shown[0] == shown[1]
    assert len(shown[1]["counts"]) == 10_000
    assert shown[1]["values"]["points"][0]["amplitudes"] == [[0.1, -0.0]]


def test_a_large_head_without_values_has_none():
    counts = {f"{number:060b}": 1 for number in range(5_000)}
    head = msgspec.structs.replace(results.of_done(make_done(["1", "0"], [1]), "1.0").head, counts=counts)
    reply = results.reply(known("j", 2), results.open_head(results.encode_head(head)), 2, lambda number: b"")
    assert msgspec.json.decode(msgspec.json.encode(reply))["values"] is None


def test_results_with_large_answers_are_not_kept_for_the_loop_to_show():
    recent = RecentResults()
    small = results.of_done(make_done(["1", "0"], [1]), "")
    wide = msgspec.structs.replace(small.head, counts={f"{number:060b}": 1 for number in range(5_000)})
    state = msgspec.structs.replace(small.head, values=Values(points=[Point(state=bytes(1 << 18))]))
    for name, result in (("small", small), ("wide", Result(wide, b"")), ("state", Result(state, b""))):
        recent.put(name, result)
    recent.put("events", Result(small.head, bytes(1 << 16)))
    assert [name for name in ("small", "wide", "state", "events") if recent.get(name) is not None] == ["small"]
