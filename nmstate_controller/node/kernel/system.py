"""The kernel that this process runs on: looked at, and given back what NetworkManager does not bring back.

NetworkManager brings back what its profiles say. What somebody set up by hand (`ip address add`, `ip link set down`, a
route of a network plugin) it takes away with the next activation of the interface. Nothing is taken away here but a
route that is there with another metric as well.
"""

import asyncio
import errno
import socket
import struct
from collections.abc import Callable, Collection, Iterable
from typing import Protocol, TypeVar

import structlog

from nmstate_controller.errors import NmstateFailed
from nmstate_controller.node.kernel import links as link_flags
from nmstate_controller.node.kernel.messages import (
    FAMILIES,
    IFADDR,
    IFF_UP,
    IFINFO,
    IFLA_ADDRESS,
    IFLA_MASTER,
    IFLA_MTU,
    RTMSG,
    RULE,
    address,
    links,
    moved,
    route,
    rule,
)
from nmstate_controller.node.kernel.rtnetlink import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    RTM_DELROUTE,
    RTM_GETADDR,
    RTM_GETLINK,
    RTM_GETROUTE,
    RTM_GETRULE,
    RTM_NEWLINK,
    RouteSocket,
    packed,
)
from nmstate_controller.node.kernel.snapshot import Entry, KernelSnapshot

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Kernel(Protocol):
    """The kernel of the node; a test may put something else in its place."""

    async def snapshot(self) -> KernelSnapshot:
        """What there is now. Raises NmstateFailed."""

    async def restore(self, before: KernelSnapshot, interfaces: Collection[str]) -> None:
        """Give those interfaces back what they have no more, as far as the kernel takes it. Raises NmstateFailed."""

    def is_up(self, name: str) -> bool | None:
        """Whether a link is administratively up; None when there is no such link. Any thread."""

    def set_up(self, names: Iterable[str]) -> None:
        """Set links administratively up, as far as the kernel takes it."""


class SystemKernel:
    """The kernel that this process runs on, in the network namespace of the process."""

    async def snapshot(self) -> KernelSnapshot:
        return await asyncio.to_thread(_translated, _snapshot)

    async def restore(self, before: KernelSnapshot, interfaces: Collection[str]) -> None:
        await asyncio.to_thread(_translated, lambda: _restore(before, interfaces))

    def is_up(self, name: str) -> bool | None:
        return link_flags.is_up(name)

    def set_up(self, names: Iterable[str]) -> None:
        for name in names:
            try:
                link_flags.set_up(name)
            except OSError as error:
                log.warning("a link could not be set administratively up", interface=name, error=error.strerror)


def _translated(function: Callable[[], T]) -> T:
    try:
        return function()
    except OSError as error:
        raise NmstateFailed(f"the kernel does not tell its links, addresses and routes: {error.strerror}") from error


def _snapshot() -> KernelSnapshot:
    with RouteSocket() as kernel:
        bodies = kernel.dump(RTM_GETLINK, IFINFO.pack(socket.AF_UNSPEC, 0, 0, 0, 0))
        found = dict(links(bodies))
        names = {link.index: name for name, link in found.items()}
        entries: dict[str, Entry] = {}
        for family in FAMILIES:
            for body in kernel.dump(RTM_GETADDR, IFADDR.pack(family, 0, 0, 0, 0)):
                _add(entries, address(body, names))
            for body in kernel.dump(RTM_GETROUTE, RTMSG.pack(family, *[0] * 8)):
                _add(entries, route(body, names))
            for body in kernel.dump(RTM_GETRULE, RULE.pack(family, *[0] * 8)):
                _add(entries, rule(body))
    return KernelSnapshot(links=found, entries=entries)


def _restore(before: KernelSnapshot, interfaces: Collection[str]) -> None:
    now = _snapshot()
    indexes = {before.links[name].index: link.index for name, link in now.links.items() if name in before.links}
    with RouteSocket() as kernel:
        for name in interfaces:
            if name in before.links and name in now.links:
                _restore_link(kernel, name, before, now)
        # Addresses first, and routes on the link before those through a gateway.
        missing = before.of(interfaces).items() - now.of(interfaces).items()
        for label, entry in sorted(missing, key=lambda item: (item[1].kind, " via " in item[0])):
            if label not in now.entries:
                _give(kernel, label, entry, indexes)
        for label in before.superseding(now, interfaces):
            _take(kernel, label, now.entries[label])


def _add(entries: dict[str, Entry], found: tuple[str, Entry] | None) -> None:
    if found is not None:
        entries.setdefault(*found)


def _restore_link(kernel: RouteSocket, name: str, before: KernelSnapshot, now: KernelSnapshot) -> None:
    old, new = before.links[name], now.links[name]
    change: dict[int, bytes] = {}
    if old.mtu != new.mtu:
        change[IFLA_MTU] = struct.pack("=I", old.mtu)
    if old.controller != new.controller and (not old.controller or old.controller in now.links):
        index = now.links[old.controller].index if old.controller else 0
        change[IFLA_MASTER] = struct.pack("=I", index)
    if old.mac != new.mac and old.mac and not old.controller:
        change[IFLA_ADDRESS] = bytes.fromhex(old.mac)
    if not change and old.up == new.up:
        return
    header = IFINFO.pack(socket.AF_UNSPEC, 0, new.index, IFF_UP if old.up else 0, IFF_UP)
    try:
        kernel.change(RTM_NEWLINK, 0, header + packed(change))
    except OSError as error:
        log.warning("the link could not be set back", interface=name, error=error.strerror)


def _take(kernel: RouteSocket, label: str, entry: Entry) -> None:
    """Remove a route that stands there with another metric: what it is for is there as it was."""
    try:
        kernel.change(RTM_DELROUTE, 0, bytes.fromhex(entry.raw))
    except OSError as error:
        log.warning("a route with another metric could not be removed", entry=label, error=error.strerror)


def _give(kernel: RouteSocket, label: str, entry: Entry, indexes: dict[int, int]) -> None:
    try:
        body = moved(entry.kind, bytes.fromhex(entry.raw), indexes)
        kernel.change(entry.kind, NLM_F_CREATE | NLM_F_EXCL, body)
    except KeyError:
        log.warning("its interface is gone", entry=label)
    except OSError as error:
        if error.errno != errno.EEXIST:
            log.warning("the kernel refused to restore something", entry=label, error=error.strerror)
    else:
        log.info("restored in the kernel", entry=label)
