"""The command line: `nmstate-controller run` is the agent; `show`, `diff` and `crd` need no cluster.

Every command returns what it prints, and every way out of the process leads through `exit_process`.
"""

import argparse
import asyncio
import contextlib
import math
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

from nmstate_controller import __version__
from nmstate_controller.errors import NmstateControllerError

# As a shell tells of a program that died of SIGINT or SIGPIPE.
_INTERRUPTED: Final = 130
_BROKEN_PIPE: Final = 141

# How long a thread that has nothing left to do may take to end.
_THREAD_SECONDS: Final = 1.0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nmstate-controller", description="A node's network as a Kubernetes object.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("run", help="run the agent on this node; settings are environment variables, see README")
    commands.add_parser("crd", help="print the CustomResourceDefinition as YAML")
    show = commands.add_parser("show", help="print this host as a NodeNetworkState; no cluster is needed")
    show.add_argument("--kernel-only", action="store_true", help="do not ask NetworkManager")
    show.add_argument(
        "--leave-out",
        action="append",
        default=[],
        metavar="PATTERN",
        help="interfaces to leave out, such as 'cali*'; may be given several times",
    )
    diff = commands.add_parser(
        "diff",
        help="print what a document would change on this host, and change nothing",
        description="Exit status: 0 when nothing would change, 1 when something would, 2 when that cannot be said.",
    )
    diff.add_argument("-f", "--file", required=True, help="an nmstate document or a NodeNetworkState; - for stdin")
    for reader in (show, diff):
        reader.add_argument(
            "--timeout",
            type=_seconds,
            default=60.0,
            metavar="SECONDS",
            help="how long one look at this host may take (default: 60)",
        )
    prune = commands.add_parser(
        "prune",
        help="list the objects whose node is gone; they are kept when a node leaves, for it may come back",
        description="Works with the current kubeconfig, whose user must be allowed to list nodes; the agent's is not.",
    )
    prune.add_argument("--delete", action="store_true", help="delete them")
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < math.inf:
        raise ValueError(text)
    return seconds


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and end the process with its exit status."""
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as end:
        # --help or --version was printed, or what is wrong with the arguments.
        status = int(end.code or 0)
        exit_process(_told(lambda: (status, ""), failure=1))
    exit_process(_told(lambda: _command(options), failure=2 if options.command == "diff" else 1))


def exit_process(status: int) -> NoReturn:
    """End the process, also when a call into libnmstate hangs: the interpreter would wait for its thread forever."""
    deadline = time.monotonic() + _THREAD_SECONDS
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                os._exit(status)
    sys.exit(status)


def _told(command: Callable[[], tuple[int, str]], *, failure: int) -> int:
    """Run a command that returns exit status and output, print that, and say what went wrong; the exit status."""
    try:
        status, output = command()
        return _printed(output, status, failure)
    except NmstateControllerError as error:
        _complain(str(error))
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception:  # noqa: BLE001 (a defect: the interpreter would tell of it only once every thread has ended)
        traceback.print_exc()
    return failure


def _printed(output: str, status: int, failure: int) -> int:
    try:
        print(output, end="", flush=True)
    except BrokenPipeError:
        _discard_output()
        return _BROKEN_PIPE
    except OSError as error:
        _discard_output()
        _complain(f"the output cannot be written: {error.strerror}")
        return failure
    return status


def _complain(message: str) -> None:
    with contextlib.suppress(OSError):
        print(f"nmstate-controller: {message}", file=sys.stderr, flush=True)


def _discard_output() -> None:
    """Nobody reads it, or it has no room: the interpreter must not try once more at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _command(options: argparse.Namespace) -> tuple[int, str]:
    """Exit status and output of one command.

    Each imports what it needs when it runs: `crd` works without libnmstate.
    """
    match options.command:
        case "run":
            return _run()
        case "show":
            from nmstate_controller.commands.show import show

            shown = show(options.leave_out, kernel_only=options.kernel_only, timeout=options.timeout)
            return 0, asyncio.run(shown)
        case "diff":
            from nmstate_controller.commands.diff import diff

            found = asyncio.run(diff(options.file, timeout=options.timeout))
            return (1 if found else 0), found
        case "prune":
            from nmstate_controller.commands.prune import prune

            return 0, "".join(f"{line}\n" for line in asyncio.run(prune(delete=options.delete)))
        case _:
            from nmstate_controller.api.crd import to_yaml

            return 0, to_yaml()


def _run() -> NoReturn:
    from nmstate_controller import logging, settings

    loaded = settings.load()
    logging.configure(loaded.log_level, loaded.log_format)
    from nmstate_controller import agent
    from nmstate_controller.node import lock

    with lock.held(loaded.run_directory):
        # Inside: while a call into libnmstate hangs, no other agent may begin.
        exit_process(_told(lambda: (asyncio.run(agent.run(loaded)), ""), failure=1))


if __name__ == "__main__":
    main()
