"""What a call declaration is. One file ``calls/q_<name>.py`` a call; docs, client, decoder and tests derive from it."""

from __future__ import annotations

import msgspec


class Call(msgspec.Struct, frozen=True):
    """One call of the ABI.

    ``request`` and ``reply`` are msgspec Structs; ``rights`` what the caller must hold; ``errors`` names in
    ``base.errors.KINDS`` beyond JSON-RPC's own; ``aliases`` other method names; ``journaled`` whether the reply
    promises something that must survive a crash.
    """

    name: str
    doc: str
    request: type
    reply: type
    rights: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    journaled: bool = False
