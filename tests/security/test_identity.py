"""Attacks on who one is and what one may do: each would succeed without one particular defence."""

from __future__ import annotations

import ast
import base64
import hmac
import inspect
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmk.abi.token import Bounds, Token, attenuate, extend, link, read, write
from qmk.base.errors import QmkError
from qmk.kernel import tokens
from qmk.kernel.effects import Reply
from qmk.qvm.graph import Graph, Node
from tests.unit.kernel.conftest import KEY, Bench

SECOND = 10**9
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture
def bench() -> Bench:
    return Bench(local_allowed=False)


def answer(bench: Bench, token: str, **known: Any) -> dict[str, Any]:
    return bench.refusal("q_negotiate_caps", token=token, **known).to_dict()


def uniform() -> dict[str, Any]:
    return tokens.refusal().to_dict()


# Tokens


def test_no_bit_of_a_token_can_be_changed(bench: Bench) -> None:
    good = attenuate(bench.enrol("chem", expires=9000), shots=10)
    raw = base64.urlsafe_b64decode(good[5:] + "=" * (-len(good[5:]) % 4))
    for bit in range(8 * len(raw)):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        text = "qmk1." + base64.urlsafe_b64encode(bytes(changed)).rstrip(b"=").decode()
        assert answer(bench, text) == uniform(), bit
    assert bench.ask("q_negotiate_caps", token=good).tenant == "chem"


@pytest.mark.parametrize("tenant", ["chem", "chemi", "chemis"])
def test_no_character_of_a_token_can_be_changed(bench: Bench, tenant: str) -> None:
    """Among them those that base64 does not tell apart, which depend on the length: there is one text for a token."""
    good = bench.enrol(tenant)
    for at in range(len(good)):
        for other in ALPHABET + ".=\n ":
            if other != good[at]:
                assert answer(bench, good[:at] + other + good[at + 1 :]) == uniform()
    for text in (good + "=", good + "A", good[:-1], good + "\n", " " + good, good.upper(), good[5:], good * 2):
        assert answer(bench, text) == uniform()


def test_forging_needs_the_key(bench: Bench) -> None:
    real = read(bench.enrol("chem"))
    for key in (b"", bytes(32), KEY[:-1], KEY[::-1], real.signature):
        forged, _ = tokens.mint(key, "chem", b"e" * 16, Bounds())
        assert answer(bench, forged) == uniform()
        own = Token(real.serial, "chem", (), link(key, b"qmk1 token\0" + real.serial + b"chem"))
        assert answer(bench, write(own)) == uniform()


def test_a_caveat_cannot_be_taken_away_reordered_or_moved(bench: Bench) -> None:
    token = read(attenuate(attenuate(bench.enrol("chem", shots=50), shots=10), rights=["CAP_STATUS"]))
    other = read(bench.enrol("chem"))
    one, two, three = token.caveats
    for caveats in ((), (one,), (one, two), (two, one, three), (one, three), (three,), (one, two, "rights=CAP_SUBMIT")):
        assert answer(bench, write(Token(token.serial, token.tenant, caveats, token.signature))) == uniform()
    assert answer(bench, write(Token(other.serial, "chem", (), token.signature))) == uniform()
    assert answer(bench, write(Token(token.serial, "bio", token.caveats, token.signature))) == uniform()


def test_a_caveat_of_the_attackers_own_widens_nothing(bench: Bench) -> None:
    narrow = read(bench.enrol("chem", expires=2000, shots=5, rights=["CAP_STATUS"]))
    wide = write(extend(narrow, ["expires=999999", "shots=1000000", "rights=CAP_STATUS,CAP_SUBMIT,CAP_CANCEL"]))
    reply = bench.ask("q_negotiate_caps", token=wide)
    assert (reply.rights, reply.expires) == (["CAP_STATUS"], 2000.0)
    for caveat in ("tenant=bio", "rights", "expires=", "shots=-1", "root=yes", "rights=*"):
        assert answer(bench, write(extend(narrow, [caveat]))) == uniform()


def test_revoked_tokens_are_not_told_from_unknown_ones(bench: Bench) -> None:
    good = bench.enrol("chem")
    narrowed = attenuate(good, shots=1)
    bench.ask("q_negotiate_caps", token=narrowed)
    bench.operate("op_token_revoke", tenant="chem")
    unknown, _ = tokens.mint(KEY, "chem", b"never issued....", Bounds())
    nobody, _ = tokens.mint(KEY, "nobody", b"never issued....", Bounds())
    for text in (good, narrowed, unknown, nobody, "qmk1.AAAA", "password"):
        assert answer(bench, text) == uniform()
    again = bench.restarted()
    assert answer(again, good) == uniform(), "a restart revives nothing"


def test_only_a_good_signature_is_told_that_it_has_expired(bench: Bench) -> None:
    text = bench.enrol("chem", expires=1500)
    bench.ask("q_negotiate_caps", token=text)
    bench.now_s = 1500
    assert "expired" in answer(bench, text)["message"]
    token = read(text)
    wrong = Token(token.serial, token.tenant, token.caveats, bytes(32))
    assert answer(bench, write(wrong)) == uniform()
    later = Token(token.serial, token.tenant, ("expires=9999",), token.signature)
    assert answer(bench, write(later)) == uniform()
    for now_s in (100, 1499.9):
        bench.now_s = now_s
        assert bench.ask("q_negotiate_caps", token=text).tenant == "chem", "by the clock as it is"


def test_a_token_of_one_user_is_worth_nothing_to_another(bench: Bench) -> None:
    text = bench.enrol("chem", uid=1001)
    bench.ask("q_negotiate_caps", token=text, uid=1001)
    for uid in (-1, 0, 1002):
        assert answer(bench, text, uid=uid) == uniform()


def test_suspension_is_told_to_the_tenant_alone(bench: Bench) -> None:
    good = bench.enrol("chem")
    bench.operate("op_tenant_suspend", tenant="chem")
    forged, _ = tokens.mint(bytes(32), "chem", b"e" * 16, Bounds())
    assert answer(bench, forged) == uniform()
    assert answer(bench, good)["data"]["name"] == "TENANT_SUSPENDED"


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(max_examples=300)
def test_no_text_makes_the_check_fail_otherwise(data: bytes) -> None:
    for text in (
        data.decode("latin-1"),
        "qmk1." + data.decode("latin-1"),
        "qmk1." + base64.urlsafe_b64encode(data).rstrip(b"=").decode(),
    ):
        with pytest.raises(QmkError) as caught:
            tokens.check(KEY, text, 0, -1)
        assert caught.value.to_dict() == uniform()


def test_without_a_token_nobody_is_anybody_where_one_is_needed(bench: Bench) -> None:
    assert answer(bench, "")["data"]["name"] == "AUTH_FAILED"
    for name in ("q_status", "q_submit", "q_alloc"):
        params = {"job_id": "job_x"} if name == "q_status" else {"n": 1} if name == "q_alloc" else {}
        assert bench.refusal(name, session_id="ses_none", **params).kind.name == "SESSION_NOT_FOUND"


# Timing: by structure, since a clock would only find what is large


def test_a_signature_is_compared_whole_after_the_same_work(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    good = read(attenuate(bench.enrol("chem"), shots=5))
    work: list[str] = []
    real_digest, real_compare = hmac.digest, hmac.compare_digest

    def digest(key: bytes, message: bytes, name: str) -> bytes:
        work.append("link")
        return real_digest(key, message, name)

    def compare(one: bytes, other: bytes) -> bool:
        work.append(f"compare {len(one)} {len(other)}")
        return real_compare(one, other)

    monkeypatch.setattr(hmac, "digest", digest)
    monkeypatch.setattr(hmac, "compare_digest", compare)
    seen: set[tuple[str, ...]] = set()
    for wrong in range(33):
        signature = good.signature[:wrong] + bytes(byte ^ 255 for byte in good.signature[wrong:])
        work.clear()
        bench.call("q_negotiate_caps", token=write(Token(good.serial, good.tenant, good.caveats, signature)))
        seen.add(tuple(work))
    assert seen == {("link", "link", "compare 32 32")}


def test_no_signature_is_compared_otherwise() -> None:
    """Nothing in the two modules that know signatures compares one by ``==``, ``in`` or any other operator."""
    import qmk.abi.token

    for module in (tokens, qmk.abi.token):
        for node in ast.walk(ast.parse(Path(inspect.getfile(module)).read_text())):
            if isinstance(node, ast.Compare):
                text = ast.unparse(node)
                assert "signature" not in text, text
                assert "link(" not in text, text


# Handles


def test_handles_of_another_session_are_like_none(bench: Bench) -> None:
    token = bench.enrol("chem")
    for stranger_token in (token, bench.enrol("bio")):
        mine = bench.ask("q_negotiate_caps", token=token)
        stranger = bench.ask("q_negotiate_caps", token=stranger_token)
        handles = bench.ask("q_alloc", session_id=mine.session_id, n=1).handles
        ids = [mine.root, *(row.capability for row in mine.granted)]

        def tried(name: str, field: str, real: str, absent: str, who: Any = stranger, **params: Any) -> None:
            value = [real] if field == "handles" else real
            none = [absent] if field == "handles" else absent
            seen = bench.refusal(name, session_id=who.session_id, **{field: value}, **params).to_dict()
            expected = bench.refusal(name, session_id=who.session_id, **{field: none}, **params).to_dict()
            assert repr(seen).replace(real, absent) == repr(expected)

        tried("q_release", "handles", handles[0], "lq_" + "0" * 32 + "_0")
        for id in ids:
            tried("q_revoke", "capability", id, "cap_" + "0" * 32)
            tried("q_delegate", "capability", id, "cap_" + "0" * 32, rights=["CAP_STATUS"])
        assert bench.ask("q_release", session_id=mine.session_id, handles=handles).released == handles


def test_a_session_answers_only_to_the_user_who_opened_it(bench: Bench) -> None:
    session = bench.ask("q_negotiate_caps", token=bench.enrol("chem"), uid=1001).session_id
    seen = bench.refusal("q_get_telemetry", session_id=session, uid=1002).to_dict()
    absent = bench.refusal("q_get_telemetry", session_id="ses_none", uid=1002).to_dict()
    assert repr(seen).replace(session, "ses_none") == repr(absent)
    bench.ask("q_get_telemetry", session_id=session, uid=1001)


def test_ids_carry_128_bits_of_the_hosts_entropy_and_nothing_else() -> None:
    """The same entropy gives the same ids, other entropy shares nothing: neither time nor a counter is in them."""

    def ids(entropy: bytes, now_s: float) -> list[str]:
        bench = Bench()
        bench.now_s = now_s
        from qmk.abi.calls import METHODS
        from qmk.kernel.events import CallReceived

        effects = bench.step(
            CallReceived,
            conn=1,
            ref=1,
            method="q_negotiate_caps",
            params=METHODS["q_negotiate_caps"].request(),
            entropy=entropy,
        )
        (effect,) = [effect for effect in effects if isinstance(effect, Reply)]
        reply = effect.result
        return [reply.session_id, reply.root, *(row.capability for row in reply.granted)]

    one, two = ids(b"a" * 16, 1000.0), ids(b"b" * 16, 1000.0)
    assert ids(b"a" * 16, 5000.0) == one
    assert len({id.partition("_")[2] for id in one + two}) == len(one) + len(two)
    assert all(len(id.partition("_")[2]) == 32 for id in one)


def test_guessing_finds_nothing(bench: Bench) -> None:
    owner = bench.ask("q_negotiate_caps", token=bench.enrol("chem"))
    job = bench.submit(owner.session_id)
    stranger = bench.ask("q_negotiate_caps", token=bench.enrol("bio"))
    for at in range(4, len(job)):
        guess = job[:at] + ("0" if job[at] != "0" else "1") + job[at + 1 :]
        for name in ("q_status", "q_cancel", "q_result"):
            near = bench.refusal(name, session_id=stranger.session_id, job_id=guess).to_dict()
            real = bench.refusal(name, session_id=stranger.session_id, job_id=job).to_dict()
            assert repr(near).replace(guess, job) == repr(real)


# Authority of one's own making


def test_a_program_cannot_grant_itself_what_its_session_lacks(bench: Bench) -> None:
    token = bench.enrol("chem", rights=["CAP_SUBMIT", "CAP_ALLOC"])
    session = bench.ask("q_negotiate_caps", token=token).session_id
    every = ("CAP_ALLOC", "CAP_LINK", "CAP_MAGIC", "CAP_MEASURE", "CAP_TELEPORT")
    ops = {
        "CAP_MEASURE": Node("x", "core.mz", vqs=("q",), produces=("e",), caps=every),
        "CAP_MAGIC": Node("x", "magic.inject_t", vqs=("q",), caps=every),
    }
    for missing, node in ops.items():
        graph = Graph(
            nodes=(Node("a", "core.alloc", vqs=("q",), caps=every), node),
            vqs=("q",),
            events=("e",) if node.produces else (),
            caps=every,
        )
        error = bench.refusal("q_submit", session_id=session, graph=graph)
        assert error.kind.name == "INSUFFICIENT_CAPS"
        assert missing in error.fields["missing"]


def test_asking_for_more_than_the_token_has_gives_nothing_more(bench: Bench) -> None:
    token = bench.enrol("chem", rights=["CAP_STATUS"])
    reply = bench.ask("q_negotiate_caps", token=token, requested=["CAP_ALLOC", "CAP_CANCEL", "CAP_STATUS", "ROOT"])
    assert [row.name for row in reply.granted] == ["CAP_STATUS"]
    assert {row.name for row in reply.denied} == {"CAP_ALLOC", "CAP_CANCEL", "ROOT"}
    assert reply.rights == ["CAP_STATUS"]


def test_a_right_given_up_does_not_come_back_by_a_detour(bench: Bench) -> None:
    reply = bench.ask("q_negotiate_caps", token=bench.enrol("chem"), requested=["CAP_ALLOC"])
    me = reply.session_id
    copy = bench.ask("q_delegate", session_id=me, capability=reply.root, rights=["CAP_ALLOC"]).capability
    away = bench.ask(
        "q_delegate", session_id=me, capability=reply.root, rights=["CAP_ALLOC"], to_tenant="chem"
    ).capability
    bench.ask("q_revoke", session_id=me, capability=reply.granted[0].capability)
    for source in (reply.root, copy, away):
        bench.refusal("q_delegate", session_id=me, capability=source, rights=["CAP_ALLOC"])
    assert bench.refusal("q_alloc", session_id=me, n=1).kind.name == "INSUFFICIENT_CAPS"


def test_a_delegation_never_reaches_past_its_tenants_border(bench: Bench) -> None:
    """A capability of one tenant does not cover another's jobs, whoever holds it and whatever jobs it names."""
    chem = bench.ask("q_negotiate_caps", token=bench.enrol("chem"))
    bio = bench.ask("q_negotiate_caps", token=bench.enrol("bio"))
    secret = bench.submit(bio.session_id)
    for jobs in ([secret], [bench.submit(chem.session_id), secret], ["job_absent"]):
        error = bench.refusal(
            "q_delegate", session_id=chem.session_id, capability=chem.root, rights=["CAP_STATUS"], jobs=jobs
        )
        assert error.kind.name == "JOB_NOT_FOUND"
    own = bench.ask("q_delegate", session_id=chem.session_id, capability=chem.root, rights=["CAP_RESULT"])
    assert own.jobs is None
    assert bench.refusal("q_result", session_id=chem.session_id, job_id=secret).kind.name == "JOB_NOT_FOUND"
