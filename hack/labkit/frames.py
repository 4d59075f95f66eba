"""The wire format between `hack/lab` and a node's server: a kind of one byte, a length, a payload."""

import struct

HEADER = struct.Struct("!cI")
CHUNK = 65_536

REQUEST = b"r"  # client: JSON, the first frame of a connection
STDIN = b"i"  # client: bytes for the command; empty for end of file
STDOUT = b"o"  # server
STDERR = b"e"  # server
REPLY = b"x"  # server: JSON, the last frame of a connection


def pack(kind: bytes, payload: bytes) -> bytes:
    """Return one frame."""
    return HEADER.pack(kind, len(payload)) + payload


class Unpacker:
    """Cuts a stream of bytes into frames, however they were split on the way."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """Add received bytes and return the frames that they complete, as (kind, payload)."""
        self._buffer += data
        frames = []
        while len(self._buffer) >= HEADER.size:
            kind, length = HEADER.unpack_from(self._buffer)
            if len(self._buffer) < HEADER.size + length:
                break
            frames.append((kind, bytes(self._buffer[HEADER.size : HEADER.size + length])))
            del self._buffer[: HEADER.size + length]
        return frames
