"""A lab as a whole: put up, described and taken down."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from labkit import binaries, certificates, cluster, controlplane, kubelet, network, packages, process
from labkit.agent import Agent
from labkit.errors import LabError
from labkit.node import Node
from labkit.place import Place, file_lock
from labkit.progress import say, step

MAX_NODES = 9


def up(place: Place, count: int, agents: bool, kubelets: bool = False) -> None:
    """Put up what is missing of a lab with at least `count` nodes; what runs is left alone.

    With kubelets the agents are pods, which come with the manifests: without agents, these are not applied.
    """
    _require_root()
    with place.lock():
        place.make()
        kubelets = kubelet.claim(place, kubelets)
        packages.ensure(*(kubelet.SECTIONS if kubelets else ()))
        binaries.ensure(place)
        certificates.ensure(place)
        if kubelets:
            binaries.ensure(place, (binaries.KUBELET,))
            archives = kubelet.images(place)
        if not network.exists(place):
            process.stop(place, None)  # what runs in a namespace that nobody can enter any more
        network.create(place)
        names = sorted({*place.nodes(), *(f"node{n:02d}" for n in range(1, count + 1))})
        nodes = [Node(place, name) for name in names]
        down = [node for node in nodes if not node.answers()]
        # Nodes boot while the control plane starts, and the other way round.
        for node in down:
            if kubelets:
                kubelet.prepare(node)
            node.power_on()
        if not controlplane.describe(place)["ready"]:
            with step("starting etcd, kube-apiserver and dnsmasq"):
                controlplane.restart_if_stuck(place)
                controlplane.start(place)
                controlplane.wait_ready(place)
        if kubelets:
            controlplane.start_controllers(place)
        if (agents or not kubelets) and not cluster.deployed(place):
            with step("applying the manifests"):
                cluster.deploy(place)
        if not kubelets:
            cluster.register(place, names)
        booting = [node for node in nodes if not node.booted()]
        if booting:
            with step(f"booting {', '.join(node.name for node in booting)}"):
                for node in booting:
                    node.wait_booted()
        if kubelets:
            with step("importing images and waiting for the kubelets"):
                kubelet.wait_ready(nodes, archives)
            if agents:
                with step("waiting for the agents' pods"):
                    kubelet.wait_deployed(place)
        elif agents:
            _start_agents([Agent(node) for node in nodes])
    say(f"lab {place.name} is up: `hack/lab status` shows it")


def _start_agents(agents: list[Agent]) -> None:
    idle = [agent for agent in agents if agent.running() is None]
    if not idle:
        return
    with step(f"starting the agent on {', '.join(agent.node.name for agent in idle)}"):
        for agent in idle:
            agent.start()
        with ThreadPoolExecutor(len(idle)) as pool:
            for future in [pool.submit(agent.wait_ready) for agent in idle]:
                future.result()


def reboot(place: Place, name: str, power_cut: bool) -> None:
    """Boot a node again, cleanly or by cutting its power; its agent starts again if it was running."""
    node = Node(place, place.require_node(name))
    agent = Agent(node)
    with place.lock(shared=True), file_lock(node.folder / "lock"):
        restart = agent.wanted()
        with step(f"rebooting {name}"):
            if power_cut:
                node.power_cut()
            else:
                if restart and node.channel.answers():
                    agent.end()
                node.shut_down()
            node.power_on()
            node.wait_booted()
        if restart:
            agent.start()


def down(place: Place) -> None:
    """Remove everything that is the lab's: processes, network, folders."""
    _require_root()
    with place.lock():
        there = place.state.exists() or network.exists(place) or bool(process.find(place))
        with step(f"taking lab {place.name} down") if there else step(f"lab {place.name} is not up"):
            controlplane.stop(place)
            process.stop(place, None)
            network.remove(place)
            if place.state.exists():
                shutil.rmtree(place.state)
    with suppress(OSError):
        place.state.parent.rmdir()  # unless there are other labs


def apiserver(place: Place, action: str) -> None:
    """Start or end the apiserver alone: an outage of the cluster, as the nodes see it."""
    if not place.state.exists():
        raise LabError(f"lab {place.name} is not up: `hack/lab up` starts it")
    with place.lock():
        if action == "start":
            controlplane.start(place)
            controlplane.wait_ready(place)
        else:
            controlplane.stop_apiserver(place, at_once=action == "kill")


def etcd(place: Place, restore: bool) -> None:
    """Save what etcd has, or put it back: the control plane then knows what it knew, and counts on from there."""
    data, saved = place.state / "etcd", place.state / "etcd.saved"
    source, target = (saved, data) if restore else (data, saved)
    if not source.exists():
        raise LabError(f"lab {place.name} has no {source.name}: is it up, and saved?")
    with place.lock():
        controlplane.stop_store(place)
        if target.exists():
            shutil.rmtree(target)
        shutil.copytree(source, target)
        controlplane.start(place)
        controlplane.wait_ready(place)


def status(place: Place) -> int:
    """Print what runs; the exit status is 0 if all of the lab does."""
    if not place.state.exists():
        raise LabError(f"lab {place.name} is not up: `hack/lab up` starts it")
    plane = controlplane.describe(place)
    pids = ", ".join(f"{role} {pid or 'not running'}" for role, pid in plane["pids"].items())
    print(f"lab            {place.name}, state in {place.state}")
    print(f"control plane  {'ready' if plane['ready'] else 'NOT READY'}: https://{network.GATEWAY}:{controlplane.PORT}")
    print(f"               in namespace {place.namespace_link.name}; pids: {pids}")
    print(f"\n{'NODE':9}{'STATE':8}{'PID':>9}  {'ETH0':18}{'AGENT'}")
    healthy = bool(plane["ready"])
    for name in place.nodes():
        node = Node(place, name)
        seen = node.describe()
        healthy = healthy and seen["up"]
        state = "up" if seen["up"] else "starting" if seen["pid"] else "down"
        agent = "a pod" if place.kubelets.exists() else Agent(node).describe() if seen["up"] else "-"
        print(f"{name:9}{state:8}{seen['pid'] or '-':>9}  {seen['address'] or '-':18}{agent}")
    return 0 if healthy else 1


def _require_root() -> None:
    if os.geteuid() != 0:
        raise LabError("the lab makes network namespaces and taps, and needs root for it: run it with sudo")
