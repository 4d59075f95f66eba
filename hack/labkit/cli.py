"""The command line of `hack/lab`; modules are imported when a command needs them, because `exec` has to be quick."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from labkit.errors import LabError
from labkit.place import Place, default_name

EPILOG = """\
Several labs run side by side when their names differ: --name, or LAB_NAME in the environment.  Without either the
name is made from the checkout's path.  LAB_MANIFESTS names another folder to deploy, LAB_AGENT_COMMAND another
command to start as the agent.

examples:
  hack/lab up --nodes 3
  hack/lab up --nodes 1 --kubelet
  hack/lab kubectl get nodenetworkstates
  hack/lab exec node01 -- nmcli device
  hack/lab agent node01 restart --env NMSTATE_LOG_LEVEL=debug
  hack/lab reboot node01 --power-cut
"""


def parser() -> argparse.ArgumentParser:
    """The grammar of the command line."""
    root = argparse.ArgumentParser(
        prog="hack/lab",
        description="A Kubernetes control plane and nodes with their own kernel and NetworkManager, on this machine.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    root.add_argument(
        "--name", default=os.environ.get("LAB_NAME") or default_name(), help="the lab's name (%(default)s)"
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str, more: str = "") -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}. {more}".strip())

    up = command(
        "up",
        "start the lab, or what is missing of it",
        "Missing Debian packages are installed and missing programs built first. Run again, it only repairs.",
    )
    up.add_argument("--nodes", type=int, default=2, metavar="N", help="how many nodes to have at least (2)")
    up.add_argument("--no-agent", action="store_true", help="deploy everything, but start no agent")
    up.add_argument(
        "--kubelet",
        action="store_true",
        help="nodes that run pods: the agent is the DaemonSet's (with --no-agent nothing is deployed)",
    )
    command("status", "show what runs, and where; the exit status is 1 if something does not")
    command("kubectl", "run kubectl as the lab's administrator, with all arguments that follow")
    execute = command(
        "exec",
        "run a command on a node as root",
        "Input, output and exit status are the command's; it works however broken the node's network is.",
    )
    execute.add_argument("node", metavar="NODE")
    execute.usage = "hack/lab exec NODE -- COMMAND ..."
    logs = command("logs", "print what a node's agents have logged since the lab was made")
    logs.add_argument("node", metavar="NODE")
    logs.add_argument("-f", "--follow", action="store_true", help="go on printing what is added")
    agent = command("agent", "start or end the agent on a node")
    agent.add_argument("node", metavar="NODE")
    agent.add_argument("action", choices=["start", "stop", "kill", "restart"], help="stop is SIGTERM, kill is SIGKILL")
    agent.add_argument(
        "--env",
        action="append",
        metavar="NAME=VALUE",
        help="with start and restart: a variable for the agent, repeatable; kept until the next start with --env",
    )
    agent.add_argument("--no-env", action="store_true", help="with start and restart: forget earlier --env")
    reboot = command("reboot", "boot a node again; what it has on disk is kept, and a running agent runs again after")
    reboot.add_argument("node", metavar="NODE")
    reboot.add_argument("--power-cut", action="store_true", help="without telling the node first")
    api = command("apiserver", "start or end the apiserver alone, to see what nodes do without it")
    api.add_argument("action", choices=["start", "stop", "kill"], help="stop is SIGTERM, kill is SIGKILL")
    etcd = command("etcd", "save what the cluster knows, or put it back, as after a disaster; the apiserver restarts")
    etcd.add_argument("action", choices=["save", "restore"])
    command("down", "remove the lab and all that is left of it")
    command("kubeconfig", "print the path of the administrator's kubeconfig (usable inside the lab's namespace)")
    command("binaries", "build the Kubernetes and etcd programs that are missing, and print where all are")
    command("packages", "install the Debian packages that are missing")
    command(
        "image",
        "build the agent's image and print the path of its archive",
        "From the Dockerfile, with buildah: no Docker and no registry is needed. Nothing is done twice.",
    )
    return root


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    own, passed_on = _split(sys.argv[1:] if argv is None else argv)
    options = parser().parse_args(own)
    options.arguments = passed_on
    try:
        return dispatch(options)
    except LabError as error:
        print(f"hack/lab: {error}", file=sys.stderr)
        return 255 if options.command == "exec" else 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader of our output has left; Python would complain once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


def _split(argv: list[str]) -> tuple[list[str], list[str]]:
    """Part what is ours from what is for kubectl or for a node, whose options argparse would take for its own."""
    index = 0
    while index < len(argv) and argv[index].partition("=")[0] == "--name":
        index += 1 if "=" in argv[index] else 2
    end = index + {"kubectl": 1, "exec": 2}.get(argv[index] if index < len(argv) else "", len(argv))
    return argv[:end], argv[end:]


def dispatch(options: argparse.Namespace) -> int:
    """Do what the parsed command line says."""
    place = Place(options.name)
    match options.command:
        case "exec":
            return _exec(place, options)
        case "kubectl":
            from labkit import cluster

            return cluster.kubectl_here(place, options.arguments)
        case "logs":
            return _logs(place, options.node, options.follow)
        case "agent":
            return _agent(place, options)
        case "kubeconfig":
            print(place.kubeconfig)
            return 0
        case "binaries":
            from labkit import binaries

            for name, path in binaries.build_missing().items():
                print(f"{name:16} {path}")
            return 0
        case "packages":
            from labkit import packages

            packages.ensure()
            return 0
        case "image":
            from labkit import image

            print(image.ensure())
            return 0
        case _:
            return _whole(place, options)


def _whole(place: Place, options: argparse.Namespace) -> int:
    from labkit import lab

    match options.command:
        case "up":
            if not 1 <= options.nodes <= lab.MAX_NODES:
                raise LabError(f"a lab has 1 to {lab.MAX_NODES} nodes")
            lab.up(place, options.nodes, not options.no_agent, options.kubelet)
        case "status":
            return lab.status(place)
        case "reboot":
            lab.reboot(place, options.node, options.power_cut)
        case "apiserver":
            lab.apiserver(place, options.action)
        case "etcd":
            lab.etcd(place, options.action == "restore")
        case "down":
            lab.down(place)
    return 0


def _exec(place: Place, options: argparse.Namespace) -> int:
    from labkit import channel

    arguments = options.arguments[1:] if options.arguments[:1] == ["--"] else options.arguments
    if not arguments:
        raise LabError("exec needs a command: hack/lab exec NODE -- COMMAND")
    # Its default action ends this process, and with the connection the command on the node.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return channel.execute_here(place, place.require_node(options.node), arguments)


def _no_pods(place: Place) -> None:
    if place.kubelets.exists():
        raise LabError(f"the agents of lab {place.name} are pods: hack/lab kubectl -n nmstate-controller get pods")


def _agent(place: Place, options: argparse.Namespace) -> int:
    from labkit.agent import Agent
    from labkit.node import Node

    _no_pods(place)
    agent = Agent(Node(place, place.require_node(options.node)))
    env = None
    if options.env or options.no_env:
        pairs = [pair.partition("=") for pair in options.env or []]
        if wrong := [name for name, equals, _ in pairs if not equals or not name]:
            raise LabError(f"--env takes NAME=VALUE, not {wrong[0]!r}")
        env = {name: value for name, _, value in pairs}
    if options.action in ("stop", "restart"):
        agent.stop()
    if options.action == "kill":
        agent.stop(signal.SIGKILL)
    if options.action in ("start", "restart"):
        agent.start(env)
    return 0


def _logs(place: Place, node: str, follow: bool) -> int:
    _no_pods(place)
    path = place.node(place.require_node(node)) / "log" / "agent.log"
    while follow and not path.exists():
        time.sleep(0.2)
    if not path.exists():
        return 0
    _copy(path, follow)
    return 0


def _copy(path: Path, follow: bool) -> None:
    import shutil

    with path.open("rb") as file:
        while True:
            shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
            if not follow or not path.exists():
                return
            time.sleep(0.1)
