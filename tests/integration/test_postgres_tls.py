"""A journal in a PostgreSQL server that asks for a certificate, which a reference leads to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.gateway.issued import issue
from qmk.host.sql.postgres import PostgresDatabase
from qmk.secrets.store import Store
from qmk.sql.postgres import connect_to_read
from tools.throwaway_postgres import Cluster

pytestmark = pytest.mark.conformance
PORT = 54_329


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The authority's folder of a server that takes the user ``qmk`` by certificate alone."""
    ours = tmp_path_factory.mktemp("authority")
    made = Cluster.start()
    try:
        made.stop()
        data = made.folder / "data"
        issue(ours, "postgres", data / "server.pem", ["127.0.0.1"])
        shutil.copy(ours / "tls" / "ca.pem", data / "ca.pem")
        for name in ("server.pem", "ca.pem"):
            shutil.chown(data / name, data.owner(), data.group())
        settings = ["listen_addresses=127.0.0.1", f"port={PORT}", "ssl=on", "ssl_ca_file=ca.pem"]
        settings += ["ssl_cert_file=server.pem", "ssl_key_file=server.pem"]
        with (data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in (each.split("=") for each in settings))
        (data / "pg_hba.conf").write_text("hostssl all qmk 127.0.0.1/32 cert\n")
        made.resume()
        yield ours
    finally:
        made.remove()


@pytest.mark.parametrize("kind", ["file", "store"])
def test_the_certificate_is_by_reference(
    cluster: Path, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QMK_STATE_DIR", str(tmp_path))
    issue(cluster, "qmk", tmp_path / "qmk.pem")
    Store().write("pg", (tmp_path / "qmk.pem").read_text().strip())
    reference = f"file:{tmp_path}/qmk.pem" if kind == "file" else "store:pg"
    url = f"postgresql://qmk@127.0.0.1:{PORT}/postgres?sslmode=verify-full&sslrootcert={cluster}/tls/ca.pem"
    with pytest.raises(QmkError, match="certificate"):
        PostgresDatabase(url, patience_s=0)
    made = PostgresDatabase(f"{url}&sslcert={reference}", patience_s=0)
    made.close()
    connection, _, _ = connect_to_read(f"{url}&sslcert={reference}")
    connection.close()
