"""The command line: `nmstate-controller run` is the agent; `show` and `crd` need no cluster."""

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
        "--leave-out", action="append", default=[], metavar="PATTERN", help="interfaces to leave out, such as 'cali*'"
    )
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
            case _:
                _crd()
    except NmstateControllerError as error:
        print(f"nmstate-controller: {error}", file=sys.stderr)
        return 1
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


def _crd() -> None:
    from nmstate_controller.api.crd import to_yaml

    sys.stdout.write(to_yaml())


if __name__ == "__main__":
    sys.exit(main())
