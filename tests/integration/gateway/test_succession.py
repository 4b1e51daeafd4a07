"""A new authority in two steps: under load no request is lost, and the one before is not trusted after."""

from __future__ import annotations

import datetime
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.gateway import authority, succession
from qmk.gateway.authority import end_of, make_server, renew_server
from qmk.gateway.issued import issue, list_issued, revoke, revoked_serials
from qmk.secrets import certificates
from tests.integration.gateway.test_mutual_tls import Gateway, site

__all__ = ["site"]
Eventually = Callable[[Callable[[], bool], str], None]


def is_refused(site: Gateway, cert: str) -> bool:
    try:
        site.ask(cert)
    except (ssl.SSLError, ConnectionError):
        return True
    return False


class Caller:
    """A client that makes a connection for each request, with its own copies of what it trusts and shows."""

    def __init__(self, site: Gateway, folder: Path) -> None:
        self._site, self._folder = site, folder
        folder.mkdir()
        self.take_ca()
        self.take_certificate()
        self.done, self.failed, self.seen = threading.Event(), list[BaseException](), set[str]()
        self.asked = 0
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def take_ca(self) -> None:
        draft = self._folder / "draft"
        draft.write_bytes(Path(self._site.ca).read_bytes())
        draft.replace(self._folder / "ca.pem")

    def take_certificate(self) -> None:
        issue(self._site.folder, self._folder.name, self._folder / "own.pem")

    def _run(self) -> None:
        own = Gateway.__new__(Gateway)
        own.port, own.ca = self._site.port, str(self._folder / "ca.pem")
        while not self.done.is_set():
            try:
                status, serial = own.ask(f"file:{self._folder}/own.pem")
                assert status == 200
                self.seen.add(serial)
                self.asked += 1
            except BaseException as error:
                self.failed.append(error)


def test_a_new_authority_under_load_loses_no_request_and_the_one_before_is_dropped(
    site: Gateway, tmp_path: Path, eventually: Eventually
) -> None:
    issue(site.folder, "late", tmp_path / "late.pem")
    callers = [Caller(site, tmp_path / name) for name in ("one", "two")]
    try:
        before = Path(site.ca).read_bytes()
        succession.begin(site.folder)
        assert Path(site.ca).read_bytes().endswith(before)
        for caller in callers:  # certificates first: clients trust what they did until they have the new file
            caller.take_certificate()
        asked = [caller.asked for caller in callers]
        eventually(lambda: all(c.asked > n + 5 for c, n in zip(callers, asked, strict=True)), "requests amid")
        assert succession.waiting(site.folder) == ["lab", "late"]
        with pytest.raises(QmkError, match="these have no certificate of the new authority: lab, late"):
            succession.finish(site.folder)
        for caller in callers:
            caller.take_ca()
        issue(site.folder, "lab", site.folder / "lab.pem")
        revoke(site.folder, "late")
        succession.finish(site.folder)
        eventually(lambda: is_refused(site, f"file:{tmp_path}/late.pem"), "the refusal of the authority before")
        for caller in callers:
            caller.take_ca()
        asked = [caller.asked for caller in callers]
        eventually(lambda: all(c.asked > n + 5 for c, n in zip(callers, asked, strict=True)), "requests after")
    finally:
        for caller in callers:
            caller.done.set()
            caller.thread.join()
    assert [caller.failed for caller in callers] == [[], []]
    assert all(len(caller.seen) == 2 for caller in callers), "the gateway's certificates of both authorities"
    assert Path(site.ca).read_bytes() not in before
    assert site.ask(f"file:{site.folder}/lab.pem")[0] == 200


def test_a_gateway_that_runs_trusts_a_dropped_authority_no_longer(
    site: Gateway, tmp_path: Path, eventually: Eventually
) -> None:
    """Not because its certificates are on the list of revoked ones: that is emptied here."""
    issue(site.folder, "old", tmp_path / "old.pem")
    assert not is_refused(site, f"file:{tmp_path}/old.pem")
    succession.begin(site.folder)
    assert not is_refused(site, f"file:{tmp_path}/old.pem")
    succession.finish(site.folder, force=True)
    revoked = site.tls.revoked
    assert revoked is not None
    issue(tmp_path, "x", tmp_path / "x.pem")
    listed = {int(row.serial, 16) for row in list_issued(site.folder) if row.name == "old"}
    assert listed < revoked_serials(revoked)
    revoked.unlink()
    from qmk.gateway.issued import write_revoked

    write_revoked(site.folder)
    assert not revoked_serials(revoked)
    site.tls.follow()
    assert is_refused(site, f"file:{tmp_path}/old.pem")
    issue(site.folder, "lab", site.folder / "lab.pem")
    assert not is_refused(site, f"file:{site.folder}/lab.pem")


def test_steps_out_of_order_are_refused_and_lists_say_whose_a_certificate_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(succession, "SHOWN_S", 0.0)
    with pytest.raises(QmkError, match="no rotation of the authority is under way"):
        succession.finish(tmp_path)
    ca, server = make_server(tmp_path, ["127.0.0.1"])
    issue(tmp_path, "lab", tmp_path / "lab.pem")
    shown = server.read_bytes()
    succession.begin(tmp_path)
    with pytest.raises(QmkError, match="a rotation of the authority is under way"):
        succession.begin(tmp_path)
    make_server(tmp_path, ["127.0.0.1"])
    assert server.read_bytes() == shown, "the former authority's is good still"
    renew_server(tmp_path)
    certificates.context(str(ca))
    issue(tmp_path, "lab", tmp_path / "lab.pem")
    assert [row.of_former for row in list_issued(tmp_path)] == [False, True]
    assert len(revoke(tmp_path, "lab", older=True)) == 1
    succession.finish(tmp_path)
    assert [row.revoked for row in list_issued(tmp_path)] == [False, True]
    assert not (ca.parent / authority.FORMER).exists()
    shown = server.read_bytes()
    make_server(tmp_path, ["127.0.0.1"])
    assert server.read_bytes() == shown


def test_an_authority_before_that_ends_soon_signs_nothing(tmp_path: Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    _, server = make_server(tmp_path, ["127.0.0.1"], now - datetime.timedelta(days=authority.AUTHORITY_DAYS - 100))
    succession.begin(tmp_path, now)
    make_server(tmp_path, ["127.0.0.1"], now + datetime.timedelta(days=20))
    assert end_of(server) > (now + datetime.timedelta(days=authority.SERVER_DAYS)).timestamp()


def test_what_is_written_over_a_file_of_authorities_is_trusted(tmp_path: Path) -> None:
    ca, _ = make_server(tmp_path, ["127.0.0.1"])
    before = certificates.context(str(ca))
    assert certificates.context(str(ca)) is before
    (tmp_path / "tls" / "authority.pem").unlink()
    make_server(tmp_path, ["127.0.0.1"])
    assert certificates.context(str(ca)) is not before
