"""``qmk serve``: the daemon, in the foreground."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qmk.cli import beside, choices, gateway, log, observing, options, parameters, request, terminal

if TYPE_CHECKING:
    from qmk.base.decoding import Decoding
    from qmk.host.config import HostConfig, Retention


PORT_S = 10.0


@click.command()
@options.listen_option
@options.data_option("Where the journal and the results are kept.")
@click.option(
    "--workers", type=click.IntRange(1, 256), metavar="N", help="Jobs run at once; the usable cores if not given."
)
@click.option(
    "--cluster",
    metavar="PLACE",
    help="Run jobs on a cluster: 'slurm' has Slurm start the workers; 'ray' starts Ray on this machine, HOST:PORT or "
    "ray://HOST:PORT joins it.",
)
@click.option(
    "--cluster-option",
    "cluster_options",
    multiple=True,
    type=parameters.ClusterOption(),
    metavar="NAME=VALUE",
    help="With --cluster slurm: partition, account, qos, time, gres, qpu, mem, constraint or reservation of its jobs, "
    "or the folder that all nodes share; may be given several times.",
)
@click.option(
    "--durability",
    type=click.Choice(["process", "power"]),
    help="What an accepted job survives: any end of the daemon (process, if not given), or a power failure too.",
)
@options.database_option
@click.option(
    "--blobs",
    envvar="QMK_BLOBS",
    metavar="URL",
    help="With --database, keep saved states, large programs and large results in an object store, such as "
    "s3://BUCKET/PREFIX, rather than in the data folder.",
)
@click.option(
    "--warm",
    multiple=True,
    metavar="ENGINE",
    shell_complete=choices.engines,
    help="Start a worker of this engine at once; may be given several times.",
)
@click.option("--require-token", is_flag=True, help="Refuse callers without a token.")
@click.option(
    "--socket-mode",
    metavar="OCTAL",
    help="Who may connect, such as 660 or 666; others than the owner then need a token, and so does the owner.",
)
@click.option(
    "--quota",
    "quotas",
    multiple=True,
    type=parameters.Limit(),
    metavar="NAME=LIMIT",
    help="Limit what jobs without a token may use together; may be given several times.",
)
@click.option(
    "--keep-results",
    type=parameters.Keeping(),
    metavar="AGE",
    help="How long an ended job is kept, with its result: 7d, 12h, ever; 30d if not given.",
)
@click.option(
    "--keep-checkpoints",
    type=parameters.Keeping(),
    metavar="AGE",
    help="How long its checkpoints are kept after its end; 7d if not given.",
)
@click.option(
    "--keep",
    "bounds",
    multiple=True,
    type=parameters.Limit(),
    metavar="NAME=LIMIT",
    help="Keep at most so much of what ended: jobs, checkpoints, checkpoint_bytes of a tenant, job_bytes of all.",
)
@click.option(
    "--cache-bytes",
    type=click.IntRange(0),
    metavar="N",
    help="Results of one tenant that answer a repeated job with a seed; 0: every job runs; 256 MiB if not given.",
)
@click.option(
    "--decoder",
    metavar="TEXT",
    help="What decodes while machines of logical qubits run, such as event=1.2e-7,cores=4,round=1e-6 (seconds); their "
    "load is not bounded if not given.",
)
@click.option(
    "--standby",
    is_flag=True,
    help="Where another daemon uses the data folder or the database, wait for its end, and take its place.",
)
@click.option("--no-hedging", is_flag=True, help="Start no second engine on an idle worker for an uncertain run.")
@request.option("isolation", "isolation")
@options.engine_python_option
@options.worker_env_option
@click.option(
    "--worker-nice",
    type=click.IntRange(0, 19),
    metavar="N",
    help="How far the processor time of workers gives way to that of other processes; 5 if not given.",
)
@click.option(
    "--http",
    type=parameters.Address(),
    metavar="ADDRESS",
    help="Run a gateway too, at this address, such as 127.0.0.1:8451 or 0.0.0.0:443; see 'qmk gateway'.",
)
@gateway.grpc_option
@gateway.edge_options
@observing.observe_options
@log.format_option
@click.option("--verbose", "-v", is_flag=True, help="Log what happens on standard error.")
def command(
    socket_path: str | None,
    data_dir: Path | None,
    workers: int | None,
    cluster: str | None,
    cluster_options: tuple[tuple[str, str], ...],
    durability: str | None,
    database: str | None,
    blobs: str | None,
    warm: tuple[str, ...],
    require_token: bool,
    socket_mode: str | None,
    quotas: tuple[tuple[str, int], ...],
    keep_results: float | None,
    keep_checkpoints: float | None,
    bounds: tuple[tuple[str, int], ...],
    cache_bytes: int | None,
    decoder: str | None,
    standby: bool,
    no_hedging: bool,
    isolation: str,
    worker_nice: int | None,
    http: tuple[str, int] | None,
    grpc: tuple[str, int] | None,
    tls: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    client_ca: str | None,
    allowed_hosts: tuple[str, ...],
    address_connections: int,
    observing: observing.Observing,
    log_format: str,
    verbose: bool,
) -> None:
    """Run the daemon until Ctrl-C or SIGTERM. Jobs it had accepted go on at its next start."""

    log.start_log(verbose, log_format)
    given: dict[str, Any] = {
        "socket": Path(socket_path) if socket_path else None,
        "data_dir": data_dir,
        "workers": workers,
        "cluster": cluster or None,
        "cluster_options": parameters.collect_params(cluster_options, "--cluster-option") or None,
        "durability": durability,
        "database": database or None,
        "blobs": blobs,
        "prestart": warm or None,
        "worker_nice": worker_nice,
        "isolation": isolation,
        "require_token": require_token,
        "socket_mode": _mode(socket_mode),
        "quotas": dict(quotas) or None,
        "cache_bytes": cache_bytes,
        "decoding": _decoding(decoder) if decoder else None,
        "standby": standby,
        "hedging": False if no_hedging else None,
        "keep": _retention(keep_results, keep_checkpoints, parameters.collect_params(bounds, "--keep")),
    }
    own = {"tls": tls, "tls-cert": tls_cert, "tls-key": tls_key, "client-ca": client_ca}
    edge = _edge(http is not None, grpc is not None, own, allowed_hosts, observing)
    more = [f"--address-connections={address_connections}", f"--log-format={log_format}"]
    _serve(_config(given), http, grpc, own, allowed_hosts, [*edge, *more])


def _edge(
    http: bool, grpc: bool, own: dict[str, str | None], allowed_hosts: tuple[str, ...], observing: observing.Observing
) -> list[str]:
    """The options of the gateway's edge that were given, for its own command line."""
    edge = [f"--{name}={value}" for name, value in own.items() if value]
    edge += [*(f"--allowed-host={name}" for name in allowed_hosts), *observing.arguments()]
    if not http and (edge or grpc):
        raise click.UsageError(f"{edge[0].partition('=')[0] if edge else '--grpc'} goes with --http")
    return edge


def _config(given: dict[str, Any]) -> HostConfig:
    """The configuration with the options that were given; the others have their defaults."""
    from qmk.host.config import HostConfig

    return HostConfig(**{name: value for name, value in given.items() if value is not None})


def _serve(
    config: HostConfig,
    http: tuple[str, int] | None,
    grpc: tuple[str, int] | None,
    tls: dict[str, str | None],
    allowed_hosts: tuple[str, ...],
    edge: list[str],
) -> None:
    """Serves until told to end; at ``http`` with a gateway beside it that has these options of the edge."""
    from qmk.host.daemon import serve

    if http is None:
        serve(config, announce, announce_waiting)
        return
    gateway.require_packages(grpc=grpc is not None)
    gateway.check_tls(tls["tls"], tls["tls-cert"], tls["tls-key"], tls["client-ca"])
    place = grpc if config.standby or grpc is None else gateway.free_place(*grpc)
    edge = [*edge, f"--grpc={gateway.address_of(*place)}"] if place else edge
    hosts = [http[0], *allowed_hosts] if tls["tls"] else []
    secure = bool(tls["tls"] or tls["tls-cert"])
    with run_beside(config, http, edge, hosts, secure=secure, grpc=place) as ready:
        serve(config, ready, announce_waiting)


def _authority(config: HostConfig, hosts: list[str]) -> Path | None:
    if not hosts:
        return None
    from qmk.gateway.authority import make_server

    return make_server(config.data_dir, hosts)[0]


@contextlib.contextmanager
def run_beside(
    config: HostConfig,
    http: tuple[str, int],
    edge: list[str],
    hosts: list[str],
    *,
    secure: bool,
    grpc: tuple[str, int] | None = None,
) -> Generator[Callable[[HostConfig], None]]:
    """What is to be done once the daemon is ready, where a gateway runs beside it until its end. ``hosts``: make it a
    certificate for these. A daemon that stands by listens once it takes over: the port is that of whom it waits for."""
    listening = None if config.standby else gateway.listen(*http, patience_s=PORT_S)
    arguments = ["--socket", str(config.socket), "--data-dir", str(config.data_dir), "--host", http[0], *edge]
    arguments += ["--require-token"] if config.require_token else []
    arguments += ["--verbose"] if logging.getLogger().isEnabledFor(logging.INFO) else []
    database = {"QMK_DATABASE": config.database} if config.database else {}
    with contextlib.ExitStack() as ending:
        if listening is not None:
            ending.callback(listening.close)

        def ready(config: HostConfig) -> None:
            place = listening or gateway.listen(*http, patience_s=PORT_S)
            announce(config)
            gateway.announce(place, secure, grpc, _authority(config, hosts))
            process = beside.GatewayProcess(place, arguments, database)
            ending.callback(process.stop)
            process.start()

        yield ready


def _retention(results_s: float | None, checkpoints_s: float | None, bounds: dict[str, int]) -> Retention:
    from qmk.host.config import Retention

    names = ("jobs", "job_bytes", "checkpoints", "checkpoint_bytes")
    for name in bounds:
        if name not in names:
            raise click.UsageError(f"--keep bounds one of {', '.join(names)}, not '{name}'")
    ages = {"results_s": results_s, "checkpoints_s": checkpoints_s}
    return Retention(**bounds, **{name: int(age) for name, age in ages.items() if age is not None})


def _decoding(text: str) -> Decoding:
    from qmk.base.decoding import Decoding

    return Decoding.parse(text)


def _mode(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(text, 8)
    except ValueError:
        raise click.UsageError(f"--socket-mode is octal, such as 660, not '{text}'") from None


def announce_waiting(holder: str) -> None:
    terminal.say(f"standing by: {holder}; Ctrl-C stops", err=True)


def announce(config: HostConfig) -> None:
    """Said once calls are answered; scripts may wait for this line."""
    terminal.say(f"listening on {config.socket}, data in {config.data_dir}; Ctrl-C stops", err=True)
