"""URLs of servers, and the file of contexts."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.client import contexts
from qmk.client.address import Server, is_url, read_server
from qmk.client.contexts import Context, Contexts


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QMK_CONFIG_DIR", str(tmp_path / "config"))
    for name in ("QMK_TOKEN", "QMK_TOKEN_FILE", "QMK_SOCKET"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "config" / "contexts.json"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://qmk.example", "https://qmk.example"),
        ("HTTPS://QMK.example:443/", "https://qmk.example"),
        ("https://qmk.example:8451/lab/", "https://qmk.example:8451/lab"),
        ("http://127.0.0.1:8451", "http://127.0.0.1:8451"),
        ("http://[::1]:8451", "http://[::1]:8451"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_a_server_has_one_spelling(text: str, url: str) -> None:
    assert read_server(text).url == url
    assert read_server(url) == read_server(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://qmk.example", "plain http to qmk.example"),
        ("http://127.0.0.1.qmk.example", "plain http"),
        ("http://localhost.qmk.example", "plain http"),
        ("http://0.0.0.0", "plain http"),
        ("ftp://qmk.example", "'ftp' is not a protocol"),
        ("https://user:secret@qmk.example", "user name"),
        ("http://127.0.0.1:80@qmk.example", "user name"),
        ("https://qmk.example/?a=b", "behind the path"),
        ("https://qmk.example/#a", "behind the path"),
        ("https://", "not the URL"),
        ("https://qmk.example:99999", "not a URL"),
        ("https://qmk.example/a b", "not the URL"),
        ("https://a\r\nHost: b", "not a URL"),
        ("https://[::1", "not a URL"),
    ],
)
def test_what_is_no_server_is_refused_without_showing_secrets(text: str, why: str) -> None:
    with pytest.raises(QmkError, match=why) as caught:
        read_server(text)
    assert caught.value.kind.name == "INVALID_PARAMS"
    assert "secret" not in str(caught.value)
    assert caught.value.fields["help"]


def test_plain_http_to_another_machine_can_be_allowed() -> None:
    assert read_server("http://qmk.example", allow_http=True) == Server("http", "qmk.example", 80)


def test_paths_are_not_urls() -> None:
    assert [is_url(each) for each in ("/run/qmk.sock", "http:/x", Path("https://a"), None, "HTTP://a")] == [
        False,
        False,
        False,
        False,
        True,
    ]


def test_contexts_are_kept_for_the_user_alone(config: Path) -> None:
    assert contexts.load() == Contexts()
    made = Context("lab", "https://qmk.example", "qmk1.a")
    contexts.save(Contexts().put(made, current=True))
    assert contexts.load() == Contexts("lab", (made,))
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.parent.stat().st_mode) == 0o700
    assert [each.name for each in config.parent.iterdir()] == ["contexts.json"]
    assert contexts.load().remove("lab") == Contexts()
    with pytest.raises(QmkError, match="no context 'other'"):
        contexts.load().find("other")


@pytest.mark.parametrize("text", ["{", "[]", '{"current": 1}', '{"contexts": [{"name": "a"}]}', '{"more": 1}'])
def test_a_damaged_file_of_contexts_is_named(config: Path, text: str) -> None:
    contexts.save(Contexts())
    config.write_text(text)
    with pytest.raises(QmkError, match="not a file of contexts"):
        contexts.load()


def test_a_file_that_others_may_read_is_not_used(config: Path) -> None:
    contexts.save(Contexts())
    os.chmod(config, 0o640)
    with pytest.raises(QmkError, match="others may read") as caught:
        contexts.load()
    assert "chmod 600" in caught.value.fields["help"]


def test_a_token_goes_to_its_own_server_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("qmk1.b\n")
    known = Contexts().put(Context("a", "https://a.example", "qmk1.a", cafile="/ca.pem"))
    known = known.put(Context("b", "https://a.example:8451", token_file=str(tmp_path / "token")))
    contexts.save(known.put(Context("c", "http://c.example", allow_http=True)))
    for url, token, cafile in (("https://a.example", "qmk1.a", "/ca.pem"), ("https://a.example:8451", "qmk1.b", "")):
        place = contexts.place_of(url)
        assert isinstance(place, Server)
        assert (contexts.token_for(place), place.cafile or "") == (token, cafile)
    assert contexts.token_for(read_server("https://b.example")) == ""
    assert contexts.token_for(None) == ""
    assert contexts.place_of("http://c.example") == Server("http", "c.example", 80)
    monkeypatch.setenv("QMK_TOKEN", "qmk1.env")
    assert contexts.token_for(read_server("https://a.example")) == "qmk1.env"


@pytest.mark.parametrize("name", ["", "a b", "../a", "-a", "a" * 65, "ä"])
def test_names_of_contexts_are_plain(name: str) -> None:
    with pytest.raises(QmkError, match="not a name"):
        contexts.check_name(name)
