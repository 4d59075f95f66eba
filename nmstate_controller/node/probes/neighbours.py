"""Asking a gateway for its hardware address: ARP (RFC 826) and neighbour solicitation (RFC 4861). Loop only.

Routers that drop echo requests answer these, as nobody could reach them otherwise. Only layer 2 is proved.
"""

import fcntl
import socket
import struct
from contextlib import ExitStack
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from nmstate_controller.node.probes.echo import raw_socket
from nmstate_controller.node.probes.questions import Question
from nmstate_controller.node.probes.routes import Gateway

_SIOCGIFFLAGS: Final = 0x8913
_SIOCGIFHWADDR: Final = 0x8927
_IFF_NOARP: Final = 0x80
_ARPHRD_ETHER: Final = 1

_ETH_P_ARP: Final = 0x0806
_ETH_P_IP: Final = 0x0800
_ARP: Final = struct.Struct("!HHBBH6s4s6s4s")
_ARP_REQUEST: Final = 1
_ARP_REPLY: Final = 2

_SOLICITATION: Final = 135
_ADVERTISEMENT: Final = 136
_SOLICITED: Final = 0x40
_HOPS: Final = 255  # RFC 4861 §7.1: what has passed a router is not believed

_DISCARD_PORT: Final = 9  # nothing is sent there


def hardware_address(interface: str) -> bytes | None:
    """The Ethernet address of an interface; None if it has none or does not resolve neighbours. Raises OSError."""
    request = struct.pack("16s240x", interface.encode())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        flags = fcntl.ioctl(asking, _SIOCGIFFLAGS, request)
        found = fcntl.ioctl(asking, _SIOCGIFHWADDR, request)
    kind, address = struct.unpack_from("=H6s", found, 16)
    no_arp = struct.unpack_from("=H", flags, 16)[0] & _IFF_NOARP
    return address if kind == _ARPHRD_ETHER and not no_arp else None


def ask_neighbour(gateway: Gateway, own: bytes, sockets: ExitStack) -> Question:
    """Send an ARP request or a neighbour solicitation from an interface that has the Ethernet address `own`.

    Raises OSError.
    """
    if isinstance(gateway.address, IPv4Address):
        return _ask_arp(gateway.address, gateway.interface, own, sockets)
    return _ask_solicitation(gateway.address, gateway, own, sockets)


def _ask_arp(address: IPv4Address, interface: str, own: bytes, sockets: ExitStack) -> Question:
    # The kernel says which of the interface's addresses it would use: routers do not answer to a foreign subnet.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trying:
        trying.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        trying.connect((str(address), _DISCARD_PORT))
        source = IPv4Address(trying.getsockname()[0])
    kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
    asking = sockets.enter_context(socket.socket(socket.AF_PACKET, kind, 0))
    asking.bind((interface, _ETH_P_ARP))  # until then it receives nothing, with 0 as its protocol
    request = _ARP.pack(_ARPHRD_ETHER, _ETH_P_IP, 6, 4, _ARP_REQUEST, own, source.packed, bytes(6), address.packed)
    asking.sendto(request, (interface, _ETH_P_ARP, 0, _ARPHRD_ETHER, b"\xff" * 6))
    return Question(asking, partial(_is_arp_reply, address, source))


def _is_arp_reply(sender: IPv4Address, target: IPv4Address, packet: bytes, _hops: int | None) -> bool:
    """The target is checked as well: a gratuitous reply is no answer. Ethernet may have padded the packet."""
    if len(packet) < _ARP.size:
        return False
    *header, _sender_hardware, found_sender, _target_hardware, found_target = _ARP.unpack_from(packet)
    return (header, found_sender, found_target) == (
        [_ARPHRD_ETHER, _ETH_P_IP, 6, 4, _ARP_REPLY],
        sender.packed,
        target.packed,
    )


def _ask_solicitation(address: IPv6Address, gateway: Gateway, own: bytes, sockets: ExitStack) -> Question:
    asking = raw_socket(socket.AF_INET6, socket.IPPROTO_ICMPV6, gateway.interface, sockets)
    asking.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, _HOPS)
    asking.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
    # The solicited-node group (RFC 4291 §2.7.1), and our own address as an option, so that the answer finds its way.
    group = IPv6Address(IPv6Address("ff02::1:ff00:0").packed[:13] + address.packed[13:])
    request = struct.pack("!BBHI16sBB6s", _SOLICITATION, 0, 0, 0, address.packed, 1, 1, own)
    asking.sendto(request, (str(group), 0, 0, gateway.index))  # the kernel adds the checksum
    return Question(asking, partial(_is_advertisement, address))


def _is_advertisement(address: IPv6Address, packet: bytes, hops: int | None) -> bool:
    """An answer to a solicitation, not an announcement."""
    if len(packet) < 24 or hops != _HOPS:
        return False
    kind, code, _checksum, flags, target = struct.unpack_from("!BBHB3x16s", packet)
    return (kind, code, flags & _SOLICITED, target) == (_ADVERTISEMENT, 0, _SOLICITED, address.packed)
