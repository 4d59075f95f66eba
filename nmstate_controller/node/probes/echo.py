"""Asking a gateway for an echo: ICMP (RFC 792) and ICMPv6 (RFC 4443). Loop only."""

import random
import socket
import struct
from contextlib import ExitStack
from functools import partial
from ipaddress import IPv4Address
from typing import Final

from nmstate_controller.node.probes.questions import Question
from nmstate_controller.node.probes.routes import Gateway

_HEADER: Final = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence
_REQUEST_4: Final = 8
_REPLY_4: Final = 0
_REQUEST_6: Final = 128
_REPLY_6: Final = 129

_PAYLOAD_BYTES: Final = 16


def ask_echo(gateway: Gateway, sockets: ExitStack) -> Question:
    """Send an echo request out of the gateway's own interface. Raises OSError."""
    # Drawn anew each time, so that an answer to an earlier attempt, or to another program, is not taken for ours.
    identifier, payload = random.getrandbits(16), random.randbytes(_PAYLOAD_BYTES)
    if isinstance(gateway.address, IPv4Address):
        asking = raw_socket(socket.AF_INET, socket.IPPROTO_ICMP, gateway.interface, sockets)
        asking.connect((str(gateway.address), 0))
        asking.send(echo_request_4(identifier, payload))
        return Question(asking, partial(_is_reply_4, identifier, payload))
    asking = raw_socket(socket.AF_INET6, socket.IPPROTO_ICMPV6, gateway.interface, sockets)
    asking.connect((str(gateway.address), 0, 0, gateway.index))
    asking.send(_HEADER.pack(_REQUEST_6, 0, 0, identifier, 1) + payload)  # the kernel adds the checksum
    return Question(asking, partial(_is_reply_6, identifier, payload))


def raw_socket(family: socket.AddressFamily, protocol: int, interface: str, sockets: ExitStack) -> socket.socket:
    """A raw socket that does not block and uses one interface only."""
    made = sockets.enter_context(socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
    return made


def echo_request_4(identifier: int, payload: bytes) -> bytes:
    """An ICMP message with its checksum."""
    blank = _HEADER.pack(_REQUEST_4, 0, 0, identifier, 1) + payload
    return _HEADER.pack(_REQUEST_4, 0, _checksum(blank), identifier, 1) + payload


def _is_reply_4(identifier: int, payload: bytes, packet: bytes, _hops: int | None) -> bool:
    """The source is the gateway, because the socket is connected; the packet starts with its IP header."""
    if not packet:
        return False
    header_bytes = (packet[0] & 0xF) * 4
    return _is_reply(_REPLY_4, identifier, payload, packet[header_bytes:])


def _is_reply_6(identifier: int, payload: bytes, packet: bytes, _hops: int | None) -> bool:
    return _is_reply(_REPLY_6, identifier, payload, packet)


def _is_reply(kind: int, identifier: int, payload: bytes, message: bytes) -> bool:
    if len(message) < _HEADER.size:
        return False
    found, code, _, *ours = _HEADER.unpack_from(message)
    return (found, code, ours, message[_HEADER.size :]) == (kind, 0, [identifier, 1], payload)


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
