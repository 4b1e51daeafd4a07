"""``qmk channel``: entanglement channels between tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from qmk.cli import options, output, pages, parameters
from qmk.cli.session import connect

if TYPE_CHECKING:
    from qmk.abi.shapes import ChannelState


@click.group(name="channel")
def command() -> None:
    """Entanglement channels between tenants: one proposes, the other approves, either closes."""


@command.command(name="list")
@options.rows_option
@options.json_option
@options.socket_option
def channels(limit: int, as_json: bool, socket_path: str | None) -> None:
    """List your tenant's channels, and what others have proposed to it, the newest first."""
    with connect(socket_path) as client:
        rows, more = pages.collect(limit, client.channels, "channels")
    table = [
        (
            row.channel,
            row.state,
            " - ".join(row.peers),
            f"{row.fidelity:.4f}",
            f"{row.use_count} of {row.entanglements_max}",
            options.moment(row.expiry),
        )
        for row in rows
    ]
    head = ("channel", "state", "between", "fidelity", "pairs used", "expires")
    pages.show(as_json, rows, more, head, table, "no channels; 'qmk channel open PEER' proposes one")


@command.command(name="open")
@click.argument("peer")
@click.option("--fidelity", type=click.FloatRange(0, 1), required=True, metavar="F", help="The lowest of a Bell pair.")
@click.option("--pairs", type=click.IntRange(1), required=True, metavar="N", help="Bell pairs over its life.")
@click.option("--expires", type=parameters.Moment(), metavar="WHEN", help="After a time (12h, 30d) or on a date.")
@options.json_option
@options.socket_option
def propose(
    peer: str, fidelity: float, pairs: int, expires: int | None, as_json: bool, socket_path: str | None
) -> None:
    """Propose a channel to the tenant PEER, which has to approve it; to your own it is open at once."""
    with connect(socket_path) as client:
        peers = [client.negotiate().tenant, peer]
        _show(client.open_channel(peers, fidelity=fidelity, entanglements_max=pairs, expiry=expires), as_json)


@command.command()
@click.argument("channel")
@click.option("--fidelity", type=click.FloatRange(0, 1), metavar="F", help="At least this, if that is more.")
@click.option("--pairs", type=click.IntRange(1), metavar="N", help="At most so many Bell pairs, if that is fewer.")
@click.option("--expires", type=parameters.Moment(), metavar="WHEN", help="No later than after a time, or on a date.")
@options.json_option
@options.socket_option
def approve(channel: str, as_json: bool, socket_path: str | None, **bounds: Any) -> None:
    """Approve CHANNEL, which another tenant has proposed to yours; what is given here may only narrow it."""
    with connect(socket_path) as client:
        limits = {"fidelity": bounds["fidelity"], "entanglements_max": bounds["pairs"], "expiry": bounds["expires"]}
        _show(client.approve_channel(channel, **limits), as_json)


@command.command()
@click.argument("channel")
@options.json_option
@options.socket_option
def close(channel: str, as_json: bool, socket_path: str | None) -> None:
    """Close CHANNEL: jobs that wait for it fail, running ones are stopped at their next fence."""
    with connect(socket_path) as client:
        _show(client.close_channel(channel), as_json)


@command.command()
@click.argument("channel")
@options.json_option
@options.socket_option
def status(channel: str, as_json: bool, socket_path: str | None) -> None:
    """Say what state CHANNEL is in, and what is left of it."""
    with connect(socket_path) as client:
        _show(client.channel_status(channel), as_json)


def _show(state: ChannelState, as_json: bool) -> None:

    output.show(as_json, state, lines(state))


def lines(state: ChannelState) -> list[str]:
    """State and parties, then what a pair is like and how many are left."""
    waiting = [peer for peer in dict.fromkeys(state.peers) if peer not in state.approved]
    word = f", waits for 'qmk channel approve' by {waiting[0]}" if waiting and state.state == "PROPOSED" else ""
    rounds = f"{state.rounds} {'round' if state.rounds == 1 else 'rounds'} of purification"
    cost = f"asked {state.fidelity_min:g}; {rounds}, {state.raw_pairs:.2f} raw pairs each"
    return [
        f"{state.channel}: {state.state} between {' and '.join(dict.fromkeys(state.peers))}{word}",
        f"  fidelity {state.fidelity:.4f} ({cost})",
        f"  {state.use_count} of {state.entanglements_max} Bell pairs promised to jobs, {state.jobs} under way",
        f"  expires: {options.moment(state.expiry)}",
    ]
