"""The command line: `nmstate-controller run` is the agent; `crd` prints the CRD."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from nmstate_controller import __version__
from nmstate_controller.errors import NmstateControllerError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status. Each imports what it needs: `crd` works without libnmstate."""
    parser = argparse.ArgumentParser(prog="nmstate-controller", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("run", help="run the agent on this node; settings are environment variables, see README")
    commands.add_parser("crd", help="print the CustomResourceDefinition as YAML")
    command = parser.parse_args(arguments).command
    try:
        if command == "run":
            _run()
        else:
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

    asyncio.run(agent.run(loaded))


def _crd() -> None:
    from nmstate_controller.api.crd import to_yaml

    sys.stdout.write(to_yaml())


if __name__ == "__main__":
    sys.exit(main())
