"""The command line: `nmstate-controller run` is the agent; `show`, `diff` and `crd` need no cluster."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from nmstate_controller import __version__
from nmstate_controller.errors import NmstateControllerError


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
    prune = commands.add_parser(
        "prune",
        help="list the objects whose node is gone; they are kept when a node leaves, for it may come back",
        description="Works with the current kubeconfig, whose user must be allowed to list nodes; the agent's is not.",
    )
    prune.add_argument("--delete", action="store_true", help="delete them")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status.

    Each command imports what it needs when it runs: `crd` works without libnmstate.
    """
    options = _parser().parse_args(arguments)
    try:
        match options.command:
            case "run":
                _run()
            case "show":
                _show(options.leave_out, options.kernel_only)
            case "diff":
                return _diff(options.file)
            case "prune":
                _prune(delete=options.delete)
            case _:
                _crd()
    except NmstateControllerError as error:
        print(f"nmstate-controller: {error}", file=sys.stderr)
        return 2 if options.command == "diff" else 1
    return 0


def _run() -> None:
    from nmstate_controller import logging, settings

    loaded = settings.load()
    logging.configure(loaded.log_level, loaded.log_format)
    from nmstate_controller.controller import agent
    from nmstate_controller.node import lock

    with lock.held(loaded.run_directory):
        asyncio.run(agent.run(loaded))


def _show(patterns: list[str], kernel_only: bool) -> None:
    from nmstate_controller.controller.show import show

    sys.stdout.write(asyncio.run(show(patterns, kernel_only=kernel_only)))


def _diff(path: str) -> int:
    from nmstate_controller.controller.diff import diff

    found = asyncio.run(diff(path))
    sys.stdout.write(found)
    return 1 if found else 0


def _prune(*, delete: bool) -> None:
    from nmstate_controller.cluster.prune import prune

    for line in asyncio.run(prune(delete=delete)):
        print(line)


def _crd() -> None:
    from nmstate_controller.api.crd import to_yaml

    sys.stdout.write(to_yaml())


if __name__ == "__main__":
    sys.exit(main())
