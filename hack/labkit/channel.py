"""The way to a node that does not depend on the node's network: requests to the server that runs on it.

One connection is one request.  The node's end is `server`; its death is noticed through the node's process, because a
connection to a machine without power stays open.
"""

import json
import os
import select
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from labkit import network
from labkit.errors import LabError, NodeDown
from labkit.frames import CHUNK, REPLY, REQUEST, STDERR, STDIN, STDOUT, Unpacker, pack
from labkit.place import Place

CONNECT_SECONDS = 5.0
"""How long a node may take to accept: it answers in a millisecond, unless the host is very busy."""


class Channel:
    """Requests to one node; instances may be used by several threads, each call has its own connection."""

    def __init__(self, place: Place, node: str) -> None:
        self._place = place
        self._node = node

    def execute(
        self,
        argv: list[str],
        *,
        stdin: int | bytes = b"",
        stdout: BinaryIO,
        stderr: BinaryIO,
        seconds: float | None = None,
    ) -> int:
        """Run a command on the node and return its exit status (128 + n if signal n ended it).

        `stdin` is what the command reads: bytes, or a file descriptor that is read as the command takes it.
        Leaving (KeyboardInterrupt too) closes the connection, which ends the command on the node.
        """
        reply = self._talk({"op": "execute", "argv": argv}, stdin, stdout, stderr, seconds)
        if "error" in reply:
            if "status" not in reply:
                raise LabError(f"{self._node}: {reply['error']}")
            _write(stderr, f"{reply['error']}\n".encode())
        return int(reply["status"])

    def output(self, argv: list[str], *, stdin: bytes = b"", seconds: float = 30) -> str:
        """Run a command and return what it printed; raises LabError if it fails."""
        from io import BytesIO  # (not needed by `hack/lab exec`)

        out, err = BytesIO(), BytesIO()
        status = self.execute(argv, stdin=stdin, stdout=out, stderr=err, seconds=seconds)
        if status != 0:
            said = (err.getvalue() or out.getvalue()).decode(errors="replace").strip()
            raise LabError(f"`{' '.join(argv)[:200]}` on {self._node} failed with status {status}: {said[-1000:]}")
        return out.getvalue().decode(errors="replace")

    def ask(self, op: str, seconds: float = 30, **fields: Any) -> dict[str, Any]:
        """Make a request that is no command (see `server`) and return the reply; raises LabError if refused."""
        reply = self._talk({"op": op, **fields}, b"", None, None, seconds)
        if "error" in reply:
            raise LabError(f"{self._node}: {reply['error']}")
        return reply

    def answers(self) -> bool:
        """Whether the node's server can be talked to now."""
        try:
            self.ask("ping", seconds=2)
        except LabError:
            return False
        return True

    def _talk(
        self,
        request: dict[str, Any],
        stdin: int | bytes,
        stdout: BinaryIO | None,
        stderr: BinaryIO | None,
        seconds: float | None,
    ) -> dict[str, Any]:
        life = self._life()
        try:
            patience = min(CONNECT_SECONDS, seconds or CONNECT_SECONDS)
            host = network.channel_address(self._node)
            with network.connect(self._place, host, network.CHANNEL_PORT, patience) as connection:
                return self._exchange(connection, life, request, stdin, {STDOUT: stdout, STDERR: stderr}, seconds)
        except (ConnectionError, TimeoutError, OSError) as error:
            if isinstance(error, BrokenPipeError) and error.filename == "local":
                raise
            raise NodeDown(f"{self._node} does not answer: {error.strerror or error}") from error
        finally:
            os.close(life)

    def _life(self) -> int:
        """A descriptor that becomes readable when the node's process ends."""
        path = self._place.state / "uml" / self._node / "pid"
        try:
            return os.pidfd_open(int(path.read_text()))
        except (OSError, ValueError) as error:
            raise NodeDown(f"{self._node} is not running: `hack/lab status` tells more") from error

    def _exchange(
        self,
        connection: socket.socket,
        life: int,
        request: dict[str, Any],
        stdin: int | bytes,
        outputs: dict[bytes, BinaryIO | None],
        seconds: float | None,
    ) -> dict[str, Any]:
        connection.setblocking(False)
        deadline = None if seconds is None else time.monotonic() + seconds
        pending = bytearray(pack(REQUEST, json.dumps(request).encode()))
        source: int | None = None
        if isinstance(stdin, int):
            source = stdin
        else:
            if stdin:
                pending += pack(STDIN, stdin)
            pending += pack(STDIN, b"")
        unpacker = Unpacker()
        while True:
            poll = select.poll()
            poll.register(connection, select.POLLIN | (select.POLLOUT if pending else 0))
            poll.register(life, select.POLLIN)
            if source is not None and not pending:
                poll.register(source, select.POLLIN)
            wait = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
            ready = dict(poll.poll(wait))
            if not ready:
                raise LabError(f"{self._node} did not answer within {seconds:.0f} s")
            events = ready.get(connection.fileno(), 0)
            if events & (select.POLLIN | select.POLLHUP | select.POLLERR):
                data = connection.recv(CHUNK * 4)
                if not data:
                    raise NodeDown(f"{self._node} broke off: its server or the node itself has gone")
                for kind, payload in unpacker.feed(data):
                    if kind == REPLY:
                        reply: dict[str, Any] = json.loads(payload)
                        return reply
                    output = outputs.get(kind)
                    if output is not None:
                        _write(output, payload)
                continue
            if life in ready:
                raise NodeDown(f"{self._node} has died: its process has ended")
            if source is not None and source in ready:
                data = os.read(source, CHUNK)
                pending += pack(STDIN, data)
                if not data:
                    source = None
            if events & select.POLLOUT or pending:
                with suppress(BlockingIOError):
                    del pending[: connection.send(pending)]


def _write(output: BinaryIO, payload: bytes) -> None:
    """Pass output on at once: whoever reads it may be waiting for just these bytes."""
    try:
        output.write(payload)
        output.flush()
    except BrokenPipeError as error:
        # Nobody reads any more (`hack/lab exec … | head`): not the node's fault, so marked apart.
        error.filename = "local"
        raise


def execute_here(place: Place, node: str, argv: list[str]) -> int:
    """`hack/lab exec`: this command's own standard input, output and error are the remote command's."""
    return Channel(place, node).execute(
        argv, stdin=sys.stdin.fileno() if sys.stdin else b"", stdout=sys.stdout.buffer, stderr=sys.stderr.buffer
    )


def remove_socket_folder(folder: Path) -> None:
    """Remove what a node's kernel leaves under its uml_dir when its power is cut; else its name counts as in use."""
    for path in folder.glob("*") if folder.is_dir() else ():
        path.unlink()
    with suppress(FileNotFoundError):
        folder.rmdir()
