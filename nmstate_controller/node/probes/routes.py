"""Which default gateways the kernel has now, in the main table. Loop only.

Asked over rtnetlink: /proc/net/ipv6_route mixes all tables, and /proc/net/route knows only one next hop of several.
Message formats: linux/rtnetlink.h.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

_NLMSG: Final = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_RTMSG: Final = struct.Struct("=8BI")  # family, dst_len, src_len, tos, table, protocol, scope, type, flags
_RTA: Final = struct.Struct("=HH")  # length, type
_RTNH: Final = struct.Struct("=HBBi")  # length, flags, hops, ifindex

_NLM_F_REQUEST: Final = 0x1
_NLM_F_DUMP: Final = 0x300
_NLMSG_ERROR: Final = 2
_NLMSG_DONE: Final = 3
_RTM_NEWROUTE: Final = 24
_RTM_GETROUTE: Final = 26
_RT_TABLE_MAIN: Final = 254
_RTN_UNICAST: Final = 1
_RTNH_F_DEAD: Final = 1
_RTA_OIF: Final = 4
_RTA_GATEWAY: Final = 5
_RTA_PRIORITY: Final = 6
_RTA_MULTIPATH: Final = 9
_RTA_TABLE: Final = 15
_RTA_VIA: Final = 18

_BYTES: Final = 65536


@dataclass(frozen=True, slots=True)
class Gateway:
    """A next hop. IPv4 routes may have one with an IPv6 address (RFC 8950)."""

    address: IPv4Address | IPv6Address
    interface: str
    index: int

    def __str__(self) -> str:
        return f"{self.address} on {self.interface}"


async def default_gateways(family: socket.AddressFamily) -> list[Gateway]:
    """The gateways of the default routes with the lowest metric that have one; several if those share the traffic.

    Raises OSError.
    """
    found = [hop for message in await _dump(family) for hop in _next_hops(message)]
    best = min((metric for metric, _, _ in found), default=0)
    gateways = []
    for metric, address, index in found:
        # An interface that went away since has no name any more.
        with contextlib.suppress(OSError):
            if metric == best:
                gateways.append(Gateway(address, socket.if_indextoname(index), index))
    return gateways


async def _dump(family: socket.AddressFamily) -> list[bytes]:
    """All routes of a family: what follows the header of each message."""
    loop = asyncio.get_running_loop()
    routes: list[bytes] = []
    kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK
    with socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE) as asking:
        asking.bind((0, 0))
        length = _NLMSG.size + _RTMSG.size
        header = _NLMSG.pack(length, _RTM_GETROUTE, _NLM_F_REQUEST | _NLM_F_DUMP, 1, 0)
        await loop.sock_sendall(asking, header + _RTMSG.pack(family, *[0] * 8))
        while True:
            # A dump that a change interrupts may miss a route. That is no worse than having asked a moment earlier.
            data = memoryview(await loop.sock_recv(asking, _BYTES))
            while data:
                length, message, _flags, _sequence, _port = _NLMSG.unpack_from(data)
                if message == _NLMSG_DONE:
                    return routes
                if message == _NLMSG_ERROR:
                    (code,) = struct.unpack_from("=i", data, _NLMSG.size)
                    raise OSError(-code, "the kernel does not tell its routes")
                if message == _RTM_NEWROUTE:
                    routes.append(bytes(data[_NLMSG.size : length]))
                data = data[(length + 3) & ~3 :]


def _next_hops(route: bytes) -> Iterator[tuple[int, IPv4Address | IPv6Address, int]]:
    """Metric, address and interface index of each living gateway, if this is a default route of the main table."""
    _family, dst_len, src_len, _tos, table, _protocol, _scope, kind, flags = _RTMSG.unpack_from(route)
    if dst_len or src_len or kind != _RTN_UNICAST:
        return
    attributes = _attributes(route[_RTMSG.size :])
    if _number(attributes, _RTA_TABLE, table) != _RT_TABLE_MAIN:
        return
    metric = _number(attributes, _RTA_PRIORITY, 0)
    hops = [(flags, _number(attributes, _RTA_OIF, 0), attributes)]
    hops += _multipath(attributes.get(_RTA_MULTIPATH, b""))
    for flags, index, hop in hops:
        # RTA_VIA starts with the address family, in two bytes.
        address = hop.get(_RTA_GATEWAY) or hop.get(_RTA_VIA, b"")[2:]
        if address and not flags & _RTNH_F_DEAD:
            yield metric, ip_address(address), index


def _multipath(data: bytes) -> Iterator[tuple[int, int, dict[int, bytes]]]:
    """Flags, interface index and attributes of each next hop."""
    while data:
        length, flags, _hops, index = _RTNH.unpack_from(data)
        yield flags, index, _attributes(data[_RTNH.size : length])
        data = data[(length + 3) & ~3 :]


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    while data:
        length, kind = _RTA.unpack_from(data)
        found[kind] = data[_RTA.size : length]
        data = data[(length + 3) & ~3 :]
    return found


def _number(attributes: dict[int, bytes], kind: int, default: int) -> int:
    return int(struct.unpack("=I", attributes[kind])[0]) if kind in attributes else default
