"""Two gateways in folders of their own, with their tables in one database: what one does, the other knows."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from litestar.testing import TestClient
from psycopg.sql import SQL, Identifier

from qmk.base.errors import QmkError
from qmk.cli.gateway import ledger_of
from qmk.gateway.accounts.accounts import Accounts
from qmk.gateway.accounts.roles import OPERATOR
from qmk.gateway.accounts.sessions import cipher_of
from qmk.gateway.app import make_app
from qmk.gateway.records import Record, Records
from qmk.host import backup
from qmk.sql.gateway import Server, is_empty
from qmk.sql.tables import COPIED
from tests.conftest import RunningDaemon, eventually
from tests.integration.gateway.test_accounts import Site, set_up
from tests.integration.gateway.test_webhooks import Receiver, types
from tests.integration.gateway.test_webhooks import Site as PlayedSite

KEYS = ("gateway.key", "keys/acts.key", "keys/acts.pub")


def copy_keys(source: Path, target: Path) -> None:
    for name in KEYS:
        (target / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy2(source / name, target / name)


class Pair:
    """Two gateways of one daemon, whose journal is in the same database."""

    def __init__(self, daemon: RunningDaemon, url: str, folder: Path) -> None:
        self.daemon, self.url, self.folders = daemon, url, (folder / "one", folder / "two")
        self.sites: list[Site] = []

    def open(self, number: int) -> TestClient[Any]:
        state = self.daemon.folder / "state"
        path = self.folders[number] / "gateway.db"
        read = ledger_of(state, self.url)
        app = make_app(self.daemon.socket, path, needs_token=True, data_dir=state, ledger=read, database=self.url)
        return TestClient(app, base_url="http://127.0.0.1")


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    url = request.getfixturevalue("postgres_server").new_schema()
    running = RunningDaemon(tmp_path_factory.mktemp("daemon"), require_token=True, database=url).start()
    made = Pair(running, url, tmp_path_factory.mktemp("gateways"))
    try:
        with made.open(0) as first:
            copy_keys(*made.folders)
            with made.open(1) as second:
                made.sites = [Site(http, made.folders[0]) for http in (first, second)]
                made.sites[1].tokens = made.sites[0].tokens
                made.sites[0].call(set_up, made.sites[0])
                yield made
    finally:
        running.kill()


def test_a_token_of_one_gateway_is_good_and_void_at_the_other(pair: Pair) -> None:
    one, two = pair.sites
    one.member("ann", "owner")
    assert [row["user"] for row in two.ask("root", "GET", "/v1/users")["users"]] == ["ann", "root"]
    assert two.submit("ann", shots=5)["state"]
    (row,) = two.ask("ann", "GET", "/v1/tokens?user=ann")["tokens"]
    assert one.ask("ann", "DELETE", f"/v1/tokens/{row['serial']}")["serial"] == row["serial"]
    headers = {"authorization": f"Bearer {two.tokens['ann']}"}
    assert two.http.get("/v1/jobs", headers=headers).status_code == 401
    two.issue("ann")
    assert one.submit("ann", shots=5)["state"]


def test_a_budget_is_spent_once_by_both(pair: Pair) -> None:
    one, two = pair.sites
    one.ask("root", "POST", "/v1/organisations", {"organisation": "thin", "prices": "few"}, 201)
    one.member("tim", "owner", "thin")
    two.ask("root", "PUT", "/v1/prices/few", {"currency": "EUR", "rates": {"*": {"shot": "1"}}, "since": 0})
    two.ask("root", "PUT", "/v1/organisations/thin/budget", {"amount": "12"})
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: pair.sites[number % 2].submit("tim", shots=2), range(24)))
    assert sum("job_id" in answer for answer in answers) == 6
    assert {answer["kind"] for answer in answers if "job_id" not in answer} == {"QUOTA_EXCEEDED"}
    assert one.submit("tim", shots=1)["kind"] == two.submit("tim", shots=1)["kind"] == "QUOTA_EXCEEDED"
    states = [site.ask("tim", "GET", "/v1/organisations/thin/budget") for site in pair.sites]
    assert [(each["left"], each["amount"]) for each in states] == [("0", "12")] * 2


def test_a_browser_goes_from_one_gateway_to_the_other(pair: Pair) -> None:
    one, two = pair.sites
    begin = lambda: one.accounts.sessions.begin(  # noqa: E731
        one.tokens["root"], "root", "chem", ["submit"], one.accounts.clock()
    )
    cookie = one.call(begin)
    found = [site.call(site.accounts.sessions.find, cookie, site.accounts.clock()) for site in pair.sites]
    assert found[0] == found[1]
    assert (found[0].token, len(found[0].csrf)) == (one.tokens["root"], 64)
    assert two.call(two.accounts.sessions.end, found[0].id)
    assert one.call(one.accounts.sessions.find, cookie, one.accounts.clock()) is None


def test_acts_of_both_are_one_chain(pair: Pair) -> None:
    one, two = pair.sites

    def add(number: int) -> None:
        pair.sites[number % 2].ask("root", "POST", "/v1/users", {"user": f"u{number}"}, 201)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, range(30)))
    found = [site.ask("root", "GET", "/v1/organisations/chem/acts/verified") for site in (one, two)]
    assert found[0] == found[1]
    assert (found[0]["acts"] >= 30, found[0]["broken"]) == (True, 0)
    with psycopg.connect(pair.url, autocommit=True) as connection:
        (schema,) = connection.execute("SELECT current_schema() || '_gateway'").fetchone() or ("",)
        query = SQL("DELETE FROM {0} WHERE seq = (SELECT max(seq) FROM {0})").format(Identifier(schema, "acts"))
        connection.execute(query)
    cut = [site.ask("root", "GET", "/v1/organisations/chem/acts/verified") for site in (one, two)]
    assert any("cut off" in each.get("why", "") for each in cut)


def test_a_lost_connection_is_made_again(pair: Pair) -> None:
    with psycopg.connect(pair.url, autocommit=True) as connection:
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'qmk gateway%'"
        assert len(connection.execute(end).fetchall()) >= 2
    for site in pair.sites:
        assert site.ask("root", "GET", "/v1/organisations/chem")["organisation"] == "chem"


def test_a_gateway_with_another_key_does_not_start(pair: Pair, tmp_path: Path) -> None:
    cipher_of(tmp_path)
    with pytest.raises(QmkError, match=r"gateway\.key is another key than that of the gateways that share") as caught:
        Accounts(Records(tmp_path / "gateway.db", database=pair.url), tmp_path)
    assert "copy gateway.key" in caught.value.fields["help"]
    assert "://qmk@" in caught.value.message


def test_webhooks_are_sent_once(tmp_path: Path, postgres_url: str) -> None:
    receiver = Receiver()

    async def main() -> None:
        def open_site(name: str) -> PlayedSite:
            made = PlayedSite(tmp_path / name, receiver, postgres_url)
            made.now = 1000.0
            return made

        (tmp_path / "one").mkdir()
        one = open_site("one")
        copy_keys(tmp_path / "one", tmp_path / "two")
        two = open_site("two")
        two.jobs = one.jobs
        await one.add(receiver, "job.completed")
        for turn in range(12):
            for number in range(3):
                one.job(f"j{turn}-{number}", "COMPLETED", 1001.0 + 50 * turn + number)
            two.jobs = one.jobs
            await asyncio.gather(one.look(), two.look())
        assert sorted(types(receiver)) == sorted(
            ("job.completed", f"j{turn}-{number}") for turn in range(12) for number in range(3)
        )
        for site in (one, two):
            site.accounts.records.close()

    try:
        asyncio.run(main())
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()


def test_one_gateway_at_a_time_changes_a_record(tmp_path: Path, postgres_url: str) -> None:
    async def count_up(records: Records) -> None:
        for _ in range(10):
            async with records.lock("k", "t", "r"):
                found = await records.get("k", "t", "r")
                number = int(found.body) if found else 0
                await asyncio.sleep(0.001)
                await records.put("k", "t", Record("r", 1.0, str(number + 1).encode()))

    async def main() -> bytes:
        both = [Records(tmp_path / name / "gateway.db", database=postgres_url) for name in ("one", "two")]
        await asyncio.gather(*(count_up(each) for each in (*both, *both)))
        found = await both[0].get("k", "t", "r")
        for each in both:
            each.close()
        assert found is not None
        return found.body

    assert asyncio.run(main()) == b"40"


def test_records_are_kept_alike_in_both(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        records = Records(tmp_path / "gateway.db", 3, database=database_url)
        for number in range(5):
            await records.put("k", "t", Record(f"r{number}", float(number), b"x" * number, (f"m{number % 2}", "all")))
        assert [row.id for row in (await records.page("k", "t", 9))[0]] == ["r4", "r3", "r2"]
        found, total = await records.page("k", "t", 9, member="m0", oldest_first=True)
        assert ([row.id for row in found], total) == (["r2", "r4"], 2)
        await records.put("k", "t", Record("r9", 9.0, b"123456"), kept_bytes=8)
        assert [row.id for row in (await records.page("k", "t", 9))[0]] == ["r9"]
        assert await records.with_member("k", "t", "all") is None
        await records.drop("k", "t", "r9")
        assert (await records.page("k", "t", 9)) == ([], 0)
        records.close()

    asyncio.run(main())


def test_text_that_the_database_cannot_keep_is_refused(tmp_path: Path, postgres_url: str) -> None:
    records = Records(tmp_path / "gateway.db", database=postgres_url)
    with pytest.raises(QmkError, match="cannot be kept in the database") as caught:
        asyncio.run(records.put("k", "t", Record("a\0b", 1.0, b"")))
    assert caught.value.kind.name == "INVALID_PARAMS"
    asyncio.run(records.put("k", "t", Record("ab", 1.0, b"")))
    records.close()


def fill(folder: Path, database: str = "") -> None:
    """A user, an act, a session and a record."""
    records = Records(folder / "gateway.db", database=database)
    accounts = Accounts(records, folder)

    async def main() -> None:
        def write(base: Any) -> None:
            base.execute(
                "INSERT INTO users (user, title, email, service_of, operator, created) "
                "VALUES ('ann', '', '', '', 0, 1.5)"
            )
            accounts.note(base, OPERATOR, "user.add", "", user="ann")

        await accounts.run(write)
        await accounts.sessions.begin("token", "ann", "chem", ["submit"], accounts.clock())
        await records.put("k", "t", Record("r", 1.0, b"\0\xff", ("m",)))

    asyncio.run(main())
    records.close()


def contents(folder: Path, database: str = "") -> dict[str, list[Any]]:
    records = Records(folder / "gateway.db", database=database)
    read = lambda base: {  # noqa: E731
        name: sorted(map(tuple, base.execute(f"SELECT {_columns(name)} FROM {name}").fetchall())) for name in COPIED
    }
    found = asyncio.run(records.read(read))
    records.close()
    return found


def _columns(name: str) -> str:
    return (
        "hash, id, user, began, token, agent"
        if name == "browser_sessions"
        else "*"
        if name not in ("tokens", "webhooks", "deliveries")
        else "count(*)"
    )


def test_the_former_file_moves_into_the_database_once(tmp_path: Path, postgres_url: str) -> None:
    fill(tmp_path)
    held = contents(tmp_path)
    assert [len(held[name]) for name in ("users", "acts", "browser_sessions", "records", "members")] == [1] * 5
    kept = tmp_path / "kept.db"
    shutil.copy(tmp_path / "gateway.db", kept)
    assert contents(tmp_path, postgres_url) == held
    assert not (tmp_path / "gateway.db").exists()
    assert (tmp_path / "gateway.db.moved").stat().st_size
    fill_more = Records(tmp_path / "gateway.db", database=postgres_url)
    asyncio.run(fill_more.put("k", "t", Record("r2", 1.0, b"")))  # its number goes on after those that moved
    fill_more.close()
    (tmp_path / "gateway.db.moved").rename(tmp_path / "gateway.db")  # as a start leaves it that was cut short
    assert len(contents(tmp_path, postgres_url)["records"]) == 2
    (tmp_path / "other").mkdir()
    shutil.copy(kept, tmp_path / "other" / "gateway.db")
    with pytest.raises(QmkError, match="holds accounts or tasks, and so does the database"):
        Records(tmp_path / "other" / "gateway.db", database=postgres_url)
    assert (tmp_path / "other" / "gateway.db").exists()


def test_gateways_of_one_folder_move_its_file_once(tmp_path: Path, postgres_url: str) -> None:
    fill(tmp_path)
    held = contents(tmp_path)
    ready = threading.Barrier(6)

    def start(_: int) -> None:
        ready.wait()
        Records(tmp_path / "gateway.db", database=postgres_url).close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(start, range(6)))
    assert not (tmp_path / "gateway.db").exists()
    (tmp_path / "kept").mkdir()
    shutil.copy(tmp_path / "gateway.db.moved", tmp_path / "kept" / "gateway.db")
    assert contents(tmp_path / "kept") == contents(tmp_path, postgres_url) == held


def test_one_gateway_does_what_is_done_for_all_until_it_ends(tmp_path: Path, postgres_url: str) -> None:
    one, two = (Records(tmp_path / name / "gateway.db", database=postgres_url) for name in ("one", "two"))
    assert [asyncio.run(each.is_first("canary")) for each in (one, two, one)] == [True, False, True]
    one.close()
    eventually(lambda: asyncio.run(two.is_first("canary")), "the other one's turn")
    two.close()


def test_gateways_that_start_at_once_make_the_tables_once(postgres_url: str) -> None:
    ready = threading.Barrier(6)

    def start(_: int) -> bool:
        ready.wait()
        server = Server(postgres_url)
        found = server.transact(is_empty, writes=False)
        server.close()
        return found

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(start, range(6)))


@pytest.mark.parametrize("target", ["file", "server"])
def test_a_backup_takes_the_accounts_along(
    make_daemon: Callable[..., Any], tmp_path: Path, postgres_server: Any, target: str
) -> None:
    url, again = postgres_server.new_schema(), postgres_server.new_schema() if target == "server" else ""
    daemon = make_daemon("live", database=url)
    state = tmp_path / "live" / "state"
    fill(state, url)
    held = contents(state, url)
    backup.create(state, tmp_path / "backup", url, bytes(32))
    daemon.stop()
    backup.restore(tmp_path / "backup", tmp_path / "restored", again, bytes(32))
    assert (tmp_path / "restored" / "gateway.db").exists() == (target == "file")
    assert contents(tmp_path / "restored", again) == held
    accounts = Accounts(Records(tmp_path / "restored" / "gateway.db", database=again), tmp_path / "restored")
    assert asyncio.run(accounts.run(accounts.record.verify)).broken == 0
    accounts.records.close()
    if target == "server":
        with pytest.raises(QmkError, match="holds"):
            backup.restore(tmp_path / "backup", tmp_path / "more", again)
