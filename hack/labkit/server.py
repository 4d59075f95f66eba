"""What runs on a node and does what `hack/lab` asks: commands, and the agent's start and end.

It is reached over a network interface that lives in a namespace which nothing else on the node can see, so it works
however broken the node's network is.  The commands themselves run in the node's own namespace.  One thread serves one
connection.  Run as `python3 -m labkit.server INTERFACE ADDRESS/PREFIX PORT`.
"""

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from labkit.frames import CHUNK, REPLY, REQUEST, STDERR, STDIN, STDOUT, Unpacker, pack

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "USER": "root",
    "SHELL": "/bin/sh",
}
_CLONE_NEWNET = 0x40000000
_POWER_OFF = 0x4321FEDC
_LINGER = 0.2
"""Seconds to wait for more output after a command has ended and left its pipes to a process in the background."""


class Services:
    """Processes that outlive the connection that started them; the only state that connections share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a service unless it runs; its output is appended to a file."""
        with self._lock:
            old = self._running.get(request["name"])
            if old is not None and old.poll() is None:
                return {"pid": old.pid, "started": False}
            with open(request["log"], "ab") as log:  # noqa: PTH123
                process = _spawn(request["argv"], {**ENVIRONMENT, **request["env"]}, None, log, log)
            self._running[request["name"]] = process
        return {"pid": process.pid, "started": True}

    def state(self, request: dict[str, Any]) -> dict[str, Any]:
        """Tell whether a service runs; with `wait`, wait that long for its end first."""
        process = self._running.get(request["name"])
        if process is None:
            return {"running": False, "pid": None, "status": None}
        with suppress(subprocess.TimeoutExpired):
            process.wait(request.get("wait", 0))
        return {"running": process.poll() is None, "pid": process.pid, "status": process.poll()}

    def signal(self, request: dict[str, Any]) -> dict[str, Any]:
        """Signal a service if it runs, and tell its state."""
        process = self._running.get(request["name"])
        if process is not None and process.poll() is None:
            process.send_signal(request["signal"])
        return self.state(request)


def _spawn(argv: list[str], env: dict[str, str], stdin: Any, stdout: Any, stderr: Any) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        stdout=stdout,
        stderr=stderr,
        env=env,
        cwd="/",
        start_new_session=True,
    )
    with suppress(OSError), open(f"/proc/{process.pid}/oom_score_adj", "w") as file:  # noqa: PTH123
        file.write("0")
    return process


def execute(connection: socket.socket, unpacker: Unpacker, early: list[tuple[bytes, bytes]], argv: list[str]) -> None:
    """Run one command for one connection, passing its input and output, until it ends or the client leaves."""
    pipe = subprocess.PIPE
    process = _spawn(argv, ENVIRONMENT, pipe, pipe, pipe)
    if not (process.stdin and process.stdout and process.stderr):
        raise RuntimeError("a process that was asked for pipes has none")
    ended = os.pidfd_open(process.pid)
    outputs = {process.stdout.fileno(): STDOUT, process.stderr.fileno(): STDERR}
    try:
        if _pump(connection, unpacker, early, process.stdin.fileno(), outputs, ended):
            status = process.wait()
            # A command that a signal ended has, as in a shell, the status 128 + n.
            reply = {"status": status if status >= 0 else 128 - status}
            connection.sendall(pack(REPLY, json.dumps(reply).encode()))
        else:
            _end_group(process)
    except OSError:
        _end_group(process)
    finally:
        os.close(ended)
        for stream in (process.stdin, process.stdout, process.stderr):
            with suppress(OSError):
                stream.close()


def _pump(
    connection: socket.socket,
    unpacker: Unpacker,
    frames: list[tuple[bytes, bytes]],
    stdin: int,
    outputs: dict[int, bytes],
    ended: int,
) -> bool:
    """Move bytes between client and command; True when the command has ended, False when the client has left."""
    os.set_blocking(stdin, False)
    pending = bytearray()
    open_outputs = dict(outputs)
    stdin_open, last_input = True, False
    linger: float | None = None
    while True:
        for kind, payload in frames:
            if kind == STDIN and payload:
                pending += payload
            elif kind == STDIN:
                last_input = True
        frames = []
        if stdin_open and last_input and not pending:
            stdin_open = False
            _close_early(stdin)
        poll = select.poll()
        for descriptor in open_outputs:
            poll.register(descriptor, select.POLLIN)
        if linger is None:
            poll.register(ended, select.POLLIN)
        # A command that reads slowly must slow the client down, not fill this machine's memory.
        poll.register(connection, select.POLLIN if len(pending) < 8 * CHUNK else 0)
        if pending and stdin_open:
            poll.register(stdin, select.POLLOUT)
        ready = dict(poll.poll(None if linger is None else max(0.0, linger - time.monotonic()) * 1000))
        if not ready or (linger is not None and (not open_outputs or time.monotonic() > linger + 5)):
            return True
        for descriptor in [one for one in open_outputs if one in ready]:
            data = os.read(descriptor, CHUNK)
            if data:
                connection.sendall(pack(outputs[descriptor], data))
            else:
                del open_outputs[descriptor]
        if ended in ready and linger is None:
            linger = time.monotonic() + _LINGER
        if linger is not None and not open_outputs:
            return True
        if stdin in ready and stdin_open:
            try:
                del pending[: os.write(stdin, pending[:CHUNK])]
            except BlockingIOError:
                pass
            except OSError:  # the command does not read its input: what a shell would let it miss
                pending.clear()
                stdin_open = False
                _close_early(stdin)
        if connection.fileno() in ready:
            data = connection.recv(CHUNK)
            if not data:
                return False
            frames = unpacker.feed(data)
            if not stdin_open:
                frames = []


def _close_early(descriptor: int) -> None:
    """Close a pipe's end that a Popen still owns, leaving a harmless descriptor in its place."""
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    os.dup2(null, descriptor, inheritable=False)
    os.close(null)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a command whose client has left: politely, then not."""
    for number, patience in ((signal.SIGTERM, 2.0), (signal.SIGKILL, 5.0)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            return


def write_file(request: dict[str, Any]) -> dict[str, Any]:
    """Put a file into place at once and whole, as a kubelet does with a token."""
    path = request["path"]
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
    descriptor = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, request["mode"])
    with os.fdopen(descriptor, "w") as file:
        file.write(request["content"])
    os.replace(path + ".new", path)  # noqa: PTH105
    return {}


def http_status(request: dict[str, Any]) -> dict[str, Any]:
    """Fetch a page from this node itself and return its status, or None if nothing listens."""
    line = b""
    with suppress(OSError), socket.create_connection((request["host"], request["port"]), timeout=5) as client:
        client.sendall(f"GET {request['path']} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        line = client.recv(64)
    words = line.split()
    return {"status": int(words[1]) if len(words) > 1 and words[1].isdigit() else None}


def power_off(_: dict[str, Any]) -> dict[str, Any]:
    """Write everything out and switch the node off, without a reply."""
    os.sync()
    ctypes.CDLL(None).reboot(_POWER_OFF)
    return {}


def serve(connection: socket.socket, services: Services) -> None:
    """Handle one connection."""
    operations = {
        "ping": lambda _: {},
        "start": services.start,
        "state": services.state,
        "signal": services.signal,
        "write": write_file,
        "http": http_status,
        "power-off": power_off,
    }
    with connection:
        unpacker = Unpacker()
        frames: list[tuple[bytes, bytes]] = []
        while not frames:
            data = connection.recv(CHUNK)
            if not data:
                return
            frames = unpacker.feed(data)
        (kind, payload), *rest = frames
        if kind != REQUEST:
            return
        request = json.loads(payload)
        try:
            if request["op"] == "execute":
                execute(connection, unpacker, rest, request["argv"])
                return
            reply = operations[request["op"]](request)
        except FileNotFoundError as error:
            reply = {"error": f"{error.filename}: not found", "status": 127}
        except PermissionError as error:
            reply = {"error": f"{error.filename}: cannot be run or written", "status": 126}
        except Exception as error:  # noqa: BLE001  (whatever it was, the client is told and the server lives on)
            reply = {"error": f"{type(error).__name__}: {error}"}
        connection.sendall(pack(REPLY, json.dumps(reply).encode()))


def _quietly(connection: socket.socket, services: Services) -> None:
    with suppress(OSError):
        serve(connection, services)


def listen(interface: str, address: str, port: int) -> socket.socket:
    """Move `interface` into a namespace of its own, listen there, and return to the node's."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def check(result: int) -> None:
        if result != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, env=ENVIRONMENT)

    check(libc.unshare(_CLONE_NEWNET))
    away = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    check(libc.setns(home, _CLONE_NEWNET))
    # Nothing is mounted for the namespace: the listening socket keeps it, and no tool lists it.
    ip("link", "set", interface, "netns", f"/proc/{os.getpid()}/fd/{away}")
    check(libc.setns(away, _CLONE_NEWNET))
    ip("link", "set", "lo", "up")
    ip("address", "add", address, "dev", interface)
    ip("link", "set", interface, "up")
    listener = socket.create_server((address.split("/")[0], port), backlog=64)
    check(libc.setns(home, _CLONE_NEWNET))
    os.close(away)
    return listener


def main() -> None:
    """Serve until the node ends."""
    interface, address, port = sys.argv[1:]
    listener = listen(interface, address, int(port))
    with open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
        file.write("-999")  # a node short of memory must stay reachable
    services = Services()
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_quietly, args=(connection, services), daemon=True).start()


if __name__ == "__main__":
    main()
