"""From the kernel's messages to entries of a snapshot, and back. Pure functions.

An entry keeps the message word for word, so that what somebody set up by hand can be given back with all its details.
Message formats: linux/rtnetlink.h, linux/if_addr.h, linux/fib_rules.h.
"""

import hashlib
import socket
import struct
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from nmstate_controller.node.kernel.rtnetlink import (
    RTM_NEWADDR,
    RTM_NEWROUTE,
    RTM_NEWRULE,
    attributes,
    number,
    packed,
)
from nmstate_controller.node.kernel.snapshot import Entry, Link

IFINFO: Final = struct.Struct("=BxHiII")  # family, type, index, flags, change
IFADDR: Final = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, index
RTMSG: Final = struct.Struct("=8BI")  # family, dst_len, src_len, tos, table, protocol, scope, type, flags
RULE: Final = struct.Struct("=8BI")  # family, dst_len, src_len, tos, table, -, -, action, flags
_NEXT_HOP: Final = struct.Struct("=HBBi")  # length, flags, hops, index

IFF_UP: Final = 0x1
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_MASTER = 1, 3, 4, 10
_IFA_ADDRESS, _IFA_LOCAL, _IFA_CACHEINFO, _IFA_FLAGS = 1, 2, 6, 8
_IFA_F_PERMANENT: Final = 0x80
_RT_SCOPE_LINK: Final = 253
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_MULTIPATH, _RTA_CACHEINFO = 1, 4, 5, 6, 9, 12
_RTA_TABLE, _RTA_VIA, _RTA_EXPIRES = 15, 18, 23
_FRA_PRIORITY, _FRA_PROTOCOL = 6, 21
_RTM_F_CLONED: Final = 0x200
_RTM_FLAGS_KEPT: Final = 0x2 | 0x4
"""RTNH_F_PERVASIVE and RTNH_F_ONLINK; the others are for the kernel to say."""
_LOCAL: Final = 255
_UNICAST: Final = 1
_KERNEL: Final = 2
_PROTOCOLS: Final = (_KERNEL, 3, 4)
"""Routes by the kernel, at boot (`ip route add` without a protocol) and static; others belong to daemons."""
FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)


def links(bodies: list[bytes]) -> Iterator[tuple[str, Link]]:
    found = []
    for body in bodies:
        _family, _type, index, flags, _change = IFINFO.unpack_from(body)
        own = attributes(body[IFINFO.size :])
        found.append((own[IFLA_IFNAME].rstrip(b"\0").decode(errors="replace"), index, flags, own))
    names = {index: name for name, index, _, _ in found}
    for name, index, flags, own in found:
        controller = names.get(number(own, IFLA_MASTER), "")
        yield (
            name,
            Link(
                index=index,
                up=bool(flags & IFF_UP),
                mtu=number(own, IFLA_MTU),
                controller=controller,
                mac=own.get(IFLA_ADDRESS, b"").hex(),
            ),
        )


def address(body: bytes, names: dict[int, str]) -> tuple[str, Entry] | None:
    _family, length, flags, scope, index = IFADDR.unpack_from(body)
    own = attributes(body[IFADDR.size :])
    address = ip_address(own.get(_IFA_LOCAL) or own[_IFA_ADDRESS])
    permanent = number(own, _IFA_FLAGS, flags) & _IFA_F_PERMANENT
    if not permanent or (address.version == 6 and scope == _RT_SCOPE_LINK) or index not in names:
        return None
    raw = body[: IFADDR.size] + packed({kind: value for kind, value in own.items() if kind != _IFA_CACHEINFO})
    return f"address {address}/{length} on {names[index]}", Entry(
        kind=RTM_NEWADDR, interfaces=(names[index],), raw=raw.hex()
    )


def route(body: bytes, names: dict[int, str]) -> tuple[str, Entry] | None:
    family, length, _src, tos, table, protocol, _scope, kind, flags = RTMSG.unpack_from(body)
    own = attributes(body[RTMSG.size :])
    table = number(own, _RTA_TABLE, table)
    if flags & _RTM_F_CLONED or table == _LOCAL or protocol not in _PROTOCOLS or _RTA_EXPIRES in own:
        return None
    zero = bytes(4 if family == socket.AF_INET else 16)
    destination = ip_address(own.get(_RTA_DST, zero))
    if destination.version == 6 and (destination.is_link_local or destination.is_multicast):
        return None
    hops = [(number(own, _RTA_OIF), own), *_next_hops(own.get(_RTA_MULTIPATH, b""))]
    interfaces = tuple(names[index] for index, _ in hops if index in names)
    metric = number(own, _RTA_PRIORITY)
    ways = "".join(_way(names.get(index, ""), hop) for index, hop in hops)
    label = f"route {destination}/{length}{ways} table {table}"
    label += f" tos {tos}" if tos else ""
    label += f" type {kind}" if kind != _UNICAST else ""
    header = RTMSG.pack(*body[:8], flags & _RTM_FLAGS_KEPT)
    raw = header + packed({kind: value for kind, value in own.items() if kind != _RTA_CACHEINFO})
    return f"{label} metric {metric}", Entry(
        kind=RTM_NEWROUTE, interfaces=interfaces, raw=raw.hex(), but_metric=label, metric=metric
    )


def _next_hops(data: bytes) -> Iterator[tuple[int, dict[int, bytes]]]:
    while len(data) >= _NEXT_HOP.size:
        length, _flags, _hops, index = _NEXT_HOP.unpack_from(data)
        yield index, attributes(data[_NEXT_HOP.size : length])
        data = data[(length + 3) & ~3 :]


def _way(name: str, hop: dict[int, bytes]) -> str:
    gateway = hop.get(_RTA_GATEWAY) or hop.get(_RTA_VIA, b"")[2:]
    return (f" via {ip_address(gateway)}" if gateway else "") + (f" dev {name}" if name else "")


def rule(body: bytes) -> tuple[str, Entry] | None:
    own = attributes(body[RULE.size :])
    if own.get(_FRA_PROTOCOL) == bytes([_KERNEL]):
        return None
    family = "IPv4" if body[0] == socket.AF_INET else "IPv6"
    # Few people give two rules one priority, but they may.
    label = f"{family} rule {number(own, _FRA_PRIORITY)} ({hashlib.sha256(body).hexdigest()[:6]})"
    return label, Entry(kind=RTM_NEWRULE, interfaces=(), raw=body.hex())


def moved(kind: int, body: bytes, indexes: dict[int, int]) -> bytes:
    """The message for interfaces that may have other indexes now. Raises KeyError when one is gone."""
    if kind == RTM_NEWADDR:
        *header, index = IFADDR.unpack_from(body)
        return IFADDR.pack(*header, indexes[index]) + body[IFADDR.size :]
    if kind == RTM_NEWROUTE:
        own = attributes(body[RTMSG.size :])
        if _RTA_OIF in own:
            own[_RTA_OIF] = struct.pack("=I", indexes[number(own, _RTA_OIF)])
        if _RTA_MULTIPATH in own:
            own[_RTA_MULTIPATH] = b"".join(_moved_hops(own[_RTA_MULTIPATH], indexes))
        return body[: RTMSG.size] + packed(own)
    return body


def _moved_hops(data: bytes, indexes: dict[int, int]) -> Iterator[bytes]:
    while len(data) >= _NEXT_HOP.size:
        length, flags, hops, index = _NEXT_HOP.unpack_from(data)
        yield _NEXT_HOP.pack(length, flags & 0x4, hops, indexes[index]) + data[_NEXT_HOP.size : (length + 3) & ~3]
        data = data[(length + 3) & ~3 :]
