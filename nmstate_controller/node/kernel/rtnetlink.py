"""Requests to the kernel over rtnetlink and their replies. Blocking, for a few milliseconds; any thread.

The network namespace is that of the thread. Message formats: linux/netlink.h, linux/rtnetlink.h.
"""

import os
import socket
import struct
import sys
from collections.abc import Iterator, Mapping
from typing import Final

NLM_F_REQUEST: Final = 0x1
NLM_F_ACK: Final = 0x4
NLM_F_DUMP: Final = 0x300
NLM_F_EXCL: Final = 0x200
NLM_F_CREATE: Final = 0x400

RTM_NEWLINK: Final = 16
RTM_GETLINK: Final = 18
RTM_NEWADDR: Final = 20
RTM_GETADDR: Final = 22
RTM_NEWROUTE: Final = 24
RTM_DELROUTE: Final = 25
RTM_GETROUTE: Final = 26
RTM_NEWRULE: Final = 32
RTM_GETRULE: Final = 34

_HEADER: Final = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_ATTRIBUTE: Final = struct.Struct("=HH")  # length, type
_TYPE_MASK: Final = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER
_ERROR: Final = 2
_DONE: Final = 3
_SECONDS: Final = 5.0
_BYTES: Final = 1 << 18


class RouteSocket:
    """One socket. Close it with `with`. Every method raises OSError."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.settimeout(_SECONDS)
        self._socket.bind((0, 0))
        self._sequence = 0

    def __enter__(self) -> "RouteSocket":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def dump(self, kind: int, header: bytes) -> list[bytes]:
        """The bodies of all messages that answer a dump request; `header` is the body of the request."""
        self._send(kind, NLM_F_REQUEST | NLM_F_DUMP, header)
        return list(self._replies())

    def change(self, kind: int, flags: int, body: bytes) -> None:
        """Have the kernel change something, and wait for its word."""
        self._send(kind, NLM_F_REQUEST | NLM_F_ACK | flags, body)
        list(self._replies())

    def _send(self, kind: int, flags: int, body: bytes) -> None:
        self._sequence += 1
        self._socket.sendall(_HEADER.pack(_HEADER.size + len(body), kind, flags, self._sequence, 0) + body)

    def _replies(self) -> Iterator[bytes]:
        while True:
            data = memoryview(self._socket.recv(_BYTES))
            while data:
                length, kind, _flags, sequence, _port = _HEADER.unpack_from(data)
                body = bytes(data[_HEADER.size : length])
                data = data[(length + 3) & ~3 :]
                if sequence != self._sequence:
                    continue
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    (code,) = struct.unpack_from("=i", body)
                    if code:
                        raise OSError(-code, os.strerror(-code))
                    return
                yield body


def attributes(data: bytes) -> dict[int, bytes]:
    """The attributes of a message by type, in the order of the message; of several of one type the last."""
    found = {}
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if length < _ATTRIBUTE.size:
            break
        found[kind & _TYPE_MASK] = data[_ATTRIBUTE.size : length]
        data = data[(length + 3) & ~3 :]
    return found


def packed(found: Mapping[int, bytes]) -> bytes:
    """Attributes as a message carries them."""
    return b"".join(
        _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)
        for kind, value in found.items()
    )


def number(found: Mapping[int, bytes], kind: int, default: int = 0) -> int:
    """An attribute of 32 bits."""
    return int.from_bytes(found[kind][:4], sys.byteorder) if kind in found else default
