"""What passes between the daemon, the bridge and the slots of a cluster.

The daemon speaks to the bridge, a child process, and the bridge to the slots by way of the cluster's own calls. What is
for a slot passes the bridge unread: ``Tell.orders`` and ``News.said`` are MessagePack of ``Order`` and ``Said``. A slot
is named by its number and its generation, which is one more each time that it is made anew.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from qmk.host.cluster.resources import CPU
from qmk.host.launcher import Loss
from qmk.host.spawn import External
from qmk.kernel.effects import Interrupt, Launch
from qmk.kernel.objects.alternative import Alternative
from qmk.worker.messages import Done, Failed, NotDone, RunProgress, StateSaved

Key = tuple[str, int]
"""A launch: its job and its fence."""


class Settings(msgspec.Struct, frozen=True):
    """What a slot is made with. One that was made with others is ended and made anew: the floor of isolation is among
    them. ``isolation`` is what the operator asks for, ``version`` that of QMK, ``resources`` what it has besides
    ``threads`` processors (``cluster.resources``)."""

    version: str
    threads: int
    processes: int
    idle_s: float
    nice: int
    isolation: str
    external: dict[str, External] = {}
    resources: dict[str, float] = {}


class Join(msgspec.Struct, frozen=True, tag="join"):
    """To the bridge, first: the cluster at ``address``, or one that it starts on this machine when that is empty;
    ``folder`` is where it keeps what it must know of that one after a restart. ``name`` sets the slots of this daemon
    apart from those of others. ``resources``: what is said of each slot, by its number; of others nothing is.
    ``idle_s``: only the slots of the last ``Want`` are made, as an idle one is given up after that time; 0: all are.
    ``options``: the operator's, for what the cluster runs for us."""

    address: str
    folder: str
    name: str
    slots: int
    settings: Settings
    resources: list[dict[str, float]] = []
    idle_s: float = 0.0
    options: dict[str, str] = {}

    def resources_of(self, slot: int) -> dict[str, float]:
        """What is said of a slot."""
        return self.resources[slot] if slot < len(self.resources) else {}

    def settings_of(self, slot: int) -> Settings:
        """What a slot is made with."""
        said = dict(self.resources_of(slot))
        threads = int(said.pop(CPU, self.settings.threads))
        return msgspec.structs.replace(self.settings, threads=threads, resources=said)

    def by_kind(self, slots: Iterable[int]) -> list[list[int]]:
        """The numbers of these slots, those together that are made alike."""
        kinds: dict[bytes, list[int]] = {}
        for slot in slots:
            kinds.setdefault(pack(self.settings_of(slot)), []).append(slot)
        return list(kinds.values())


class Tell(msgspec.Struct, frozen=True, tag="tell"):
    """To the bridge: an ``Order``, packed, for a slot."""

    slot: int
    generation: int
    order: bytes


class Want(msgspec.Struct, frozen=True, tag="want"):
    """To the bridge: make these slots, and end the others."""

    slots: list[int]


class Leave(msgspec.Struct, frozen=True, tag="leave"):
    """To the bridge: end the slots, and the cluster if it was started for us, then exit."""


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """Run the launch. ``graph`` is None where the slot holds ``launch.digest``."""

    launch: Launch
    graph: bytes | None
    state: bytes | None


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """End the launch as ``Launcher.cancel`` does."""

    job: str
    fence: int
    grace_s: float


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Interrupt the launch. The same one twice is one."""

    interrupt: Interrupt


class Begun(msgspec.Struct, frozen=True, tag="begun"):
    """A worker has the launch."""


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The isolation of the launch's worker refused so many system calls of each name."""

    launch: Launch
    calls: dict[str, int]


class Said(msgspec.Struct, frozen=True):
    """News of a launch, in the order of ``number`` within its slot. ``version`` and ``hedge`` go with ``Done``,
    ``loss`` with ``Failed``. ``waited_s``: how long the launch was ready to run and had no processor."""

    number: int
    job: str
    fence: int
    what: Begun | RunProgress | StateSaved | NotDone | Done | Failed | Refused
    version: str = ""
    hedge: Alternative | None = None
    loss: Loss | None = None
    waited_s: float = 0.0

    @property
    def is_end(self) -> bool:
        """Whether the launch is over with it."""
        ended = isinstance(self.what, Done) or (isinstance(self.what, Failed) and not self.what.missing_graph)
        return ended or (isinstance(self.what, StateSaved) and self.what.stopped)


class Running(msgspec.Struct, frozen=True):
    """A launch that a slot has: its end may be among the news that nobody has heard."""

    launch: Launch
    begun: bool


class Census(msgspec.Struct, frozen=True):
    """What a slot has. ``memory_bytes``: of its machine, for all slots there together; ``settings`` as it was made."""

    settings: Settings
    runs: list[Running]
    memory_bytes: int
    pid: int


class SlotUp(msgspec.Struct, frozen=True, tag="up"):
    """From the bridge: the slot takes orders of ours from now on. ``census`` is packed."""

    slot: int
    generation: int
    node: str
    census: bytes


GIVEN_UP = "was given up, as nothing needed it"
"""Why a slot is down that was not wanted any more."""


class SlotDown(msgspec.Struct, frozen=True, tag="down"):
    """From the bridge: the slot is gone, with all it had."""

    slot: int
    generation: int
    why: str


class Joined(msgspec.Struct, frozen=True, tag="joined"):
    """From the bridge: every slot that is there has been named by a ``SlotUp``. ``cpus`` and ``nodes`` that the cluster
    has; ``address`` at which others can join it."""

    address: str
    nodes: int
    cpus: int


class News(msgspec.Struct, frozen=True, tag="news"):
    """From the bridge: what a slot said, ``list[Said]`` packed."""

    slot: int
    generation: int
    said: bytes


class NoCluster(msgspec.Struct, frozen=True, tag="no-cluster"):
    """From the bridge, before it exits: it cannot join."""

    message: str
    help: str = ""


ToBridge = Join | Tell | Want | Leave
FromBridge = Joined | SlotUp | SlotDown | News | NoCluster
Order = Begin | Stop | Ask

pack = msgspec.msgpack.Encoder().encode
unpack_order = msgspec.msgpack.Decoder(Order).decode
unpack_said = msgspec.msgpack.Decoder(list[Said]).decode
unpack_census = msgspec.msgpack.Decoder(Census).decode
unpack_settings = msgspec.msgpack.Decoder(Settings).decode
