"""The lab as tests see it: `hack/lab` by subprocess, and waits that have a deadline and say what they saw last."""

import contextlib
import itertools
import json
import re
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

Json = dict[str, Any]
T = TypeVar("T")

CHECKOUT = Path(__file__).resolve().parents[1]
PYTHON = str(CHECKOUT / ".venv/bin/python")
# Between looks of `eventually`: a lab command costs about 0.1 s of one of two cores.
_LOOK_SECONDS = 0.25
_PROFILE = "/etc/NetworkManager/system-connections/eth0.nmconnection"


def eventually(look: Callable[[], T], holds: Callable[[T], bool], what: str, *, seconds: float = 60) -> T:
    """Look until `holds`, and return what was seen; fail with what was seen last after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if holds(seen):
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}; seen last: {json.dumps(seen, default=str)[:4000]}")
        time.sleep(_LOOK_SECONDS)


def is_settled(status: Json, generation: int) -> bool:
    """Whether Ready is about that generation, and neither Unknown nor being retried."""
    ready = condition(status, "Ready")
    under_way = ready.get("status") == "Unknown" or bool(condition(status, "Reconciling"))
    return ready.get("observedGeneration") == generation and not under_way


class Lab:
    """One running lab."""

    def __init__(self, name: str) -> None:
        self.name = name

    def command(
        self, *arguments: str, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run `hack/lab` with those arguments; with `check`, a failure raises with what it printed."""
        done = subprocess.run(
            [CHECKOUT / "hack/lab", "--name", self.name, *arguments],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"hack/lab {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def kubectl(
        self, *arguments: str, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the cluster's administrator."""
        return self.command("kubectl", *arguments, stdin=stdin, check=check)

    def kubectl_json(self, *arguments: str) -> Any:
        """What `kubectl … -o json` prints, parsed."""
        return json.loads(self.kubectl(*arguments, "-o", "json").stdout)

    def in_namespace(self, *arguments: str) -> str:
        """What Python prints where the control plane lives."""
        namespace = f"--net=/run/netns/nl-{self.name}"
        return subprocess.run(
            ["nsenter", namespace, "--", PYTHON, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout

    def answers(self, address: str) -> bool:
        """Whether a ping from the namespace of the control plane is answered."""
        command = ["nsenter", f"--net=/run/netns/nl-{self.name}", "--", "ping", "-c", "1", "-W", "2", address]
        return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0

    @contextlib.contextmanager
    def pinging(self, address: str) -> Iterator[list[float]]:
        """Ping from there five times a second; afterwards the list has the longest time without an answer, seconds."""
        command = ["nsenter", f"--net=/run/netns/nl-{self.name}", "--", "ping", "-D", "-i", "0.2", address]
        gap: list[float] = []
        began = time.time()
        with tempfile.TemporaryFile("w+") as output:
            with subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL) as process:
                try:
                    yield gap
                finally:
                    # Upon which it writes what it has not written yet.
                    process.send_signal(signal.SIGINT)
            output.seek(0)
            answered = [float(found) for found in re.findall(r"^\[([\d.]+)\] \d+ bytes", output.read(), re.M)]
        moments = [began, *answered, time.time()]
        gap.append(max(later - earlier for earlier, later in itertools.pairwise(moments)))

    def node(self, name: str) -> "Node":
        """One node by name."""
        return Node(self, name)


class Watch:
    """What kubectl tells of a node's status, the moment it is told; `watching` makes one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._status: Json = {}

    def read(self, lines: Iterable[str]) -> None:
        """Follow what kubectl prints, one status a line, to its end."""
        for line in lines:
            with self._changed:
                self._status = json.loads(line.strip() or "{}")
                self._changed.notify_all()

    def wait(self, holds: Callable[[Json], bool], seconds: float) -> None:
        """Return as soon as `holds` of the newest status; fail after `seconds`."""
        with self._changed:
            if not self._changed.wait_for(lambda: holds(self._status), seconds):
                raise AssertionError(f"not within {seconds:g} s; seen last: {json.dumps(self._status)[:4000]}")


@contextlib.contextmanager
def watching(node: "Node") -> Iterator[Watch]:
    """Watch a node's object meanwhile: quicker than `eventually`, for what is timed."""
    watch = Watch()
    output = "jsonpath={.status}{'\\n'}"
    command = f"hack/lab --name {node.lab.name} kubectl get nns {node.name} --watch -o".split()
    with subprocess.Popen([*command, output], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        reader = threading.Thread(target=watch.read, args=[process.stdout])
        reader.start()
        try:
            yield watch
        finally:
            process.terminate()
            reader.join()


class Node:
    """One node: its kernel by commands, its object by kubectl."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab = lab
        self.name = name
        self._profile = ""
        self._edited_at = time.monotonic()
        self.seconds_to_verdict: list[float] = []
        """From the start of kubectl, for each edit, to the verdict as kubectl saw it."""

    # The node itself.

    def run(self, *command: str, check: bool = True) -> str:
        """What a command prints on the node, run as root."""
        return self.lab.command("exec", self.name, "--", *command, check=check).stdout

    def shell(self, script: str) -> str:
        """What a shell script prints on the node."""
        return self.run("sh", "-ec", script)

    def start(self, script: str) -> str:
        """Start a shell script on the node that goes on after this; returns its files' path without .pid and .log."""
        name = f"/run/lab-{time.monotonic_ns()}"
        # Not before it is in a session of its own.
        self.shell(
            f"setsid sh -c {shlex.quote(f'echo $$ > {name}.pid; {script}')} > {name}.log 2>&1 < /dev/null &"
            f" until [ -s {name}.pid ]; do kill -0 $! || {{ cat {name}.log >&2; exit 1; }}; sleep 0.1; done"
        )
        return name

    @contextlib.contextmanager
    def background(self, script: str) -> Iterator[None]:
        """A shell script that runs on the node meanwhile; fails when it ends by itself, with what it printed."""
        name = self.start(script)
        try:
            yield
        finally:
            ended = self.shell(f'kill -- "-$(cat {name}.pid)" 2>/dev/null || {{ echo ended; cat {name}.log; }}')
        assert not ended, f"{script}: {ended}"

    def python(self, script: str, *arguments: str) -> str:
        """What a Python script prints on the node, with the agent's packages."""
        return self.run(PYTHON, "-c", script, *arguments)

    def links(self) -> dict[str, Json]:
        """The kernel's interfaces by name, as `ip -details -json address` has them."""
        found: list[Json] = json.loads(self.run("ip", "-details", "-json", "address"))
        return {link["ifname"]: link for link in found}

    def ports(self, controller: str) -> set[str]:
        """The interfaces that the kernel has under a bridge, bond or VRF."""
        return {name for name, link in self.links().items() if link.get("master") == controller}

    def agent(self, action: str, **environment: str) -> None:
        """start, stop, kill or restart the agent, with settings of its own."""
        options = [f"--env=NMSTATE_{name.upper()}={value}" for name, value in environment.items()]
        self.lab.command("agent", self.name, action, *options)

    @contextlib.contextmanager
    def settings(self, **environment: str) -> Iterator[None]:
        """The agent restarted with settings of its own, and afterwards with none."""
        self.agent("restart", **environment)
        try:
            yield
        finally:
            self.lab.command("agent", self.name, "restart", "--no-env")

    def metric(self, name: str) -> float:
        """One sample of the agent's metrics, by its full name, labels included."""
        script = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9837/metrics').read().decode())"
        for line in self.python(script).splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
        raise AssertionError(f"no metric {name}")

    def metric_or(self, name: str, default: float) -> float:
        """The same, or `default` while no agent serves it."""
        with contextlib.suppress(AssertionError):
            return self.metric(name)
        return default

    # Its object.

    def object(self) -> Json:
        """The NodeNetworkState as it is now; empty while there is none."""
        done = self.lab.kubectl("get", "nns", self.name, "-o", "json", "--ignore-not-found")
        found: Json = json.loads(done.stdout) if done.stdout.strip() else {}
        return found

    def reported(self, interface: str) -> Json | None:
        """One interface of currentState."""
        interfaces = self.object().get("status", {}).get("currentState", {}).get("interfaces", [])
        return next((found for found in interfaces if found["name"] == interface), None)

    def patch(self, spec: Json) -> int:
        """`kubectl patch --type merge` of spec; returns the generation that made."""
        patch = json.dumps({"spec": spec})
        self._edited_at = time.monotonic()
        done = self.lab.kubectl("patch", "nns", self.name, "--type", "merge", "-p", patch, "-o", "json")
        generation: int = json.loads(done.stdout)["metadata"]["generation"]
        return generation

    def desire(self, *interfaces: Json, **sections: Any) -> int:
        """Set desiredState to those interfaces and other sections; returns the generation."""
        return self.replace({**({"interfaces": list(interfaces)} if interfaces else {}), **sections})

    def replace(self, document: Any) -> int:
        """Put another desiredState in place of the one there is; returns the generation."""
        done = self.try_replace(document)
        assert done.returncode == 0, done.stderr
        generation: int = json.loads(done.stdout)["metadata"]["generation"]
        return generation

    def try_replace(self, document: Any) -> subprocess.CompletedProcess[str]:
        """What kubectl says to another desiredState."""
        patch = json.dumps([{"op": "add", "path": "/spec/desiredState", "value": document}])
        command = ("patch", "nns", self.name, "--type", "json", "--patch-file", "/dev/stdin", "-o", "json")
        self._edited_at = time.monotonic()
        return self.lab.kubectl(*command, stdin=patch, check=False)

    def verdict(self, generation: int, *, seconds: float = 120) -> Json:
        """The Ready condition about that generation, once it is no longer Unknown or being retried."""

        def look() -> Json:
            return dict(self.object().get("status", {}))

        what = f"{self.name} has a verdict on generation {generation}"
        status = eventually(look, lambda seen: is_settled(seen, generation), what, seconds=seconds)
        self.seconds_to_verdict.append(time.monotonic() - self._edited_at)
        return condition(status, "Ready")

    def configured(self, generation: int, *, seconds: float = 120) -> None:
        """Wait until that generation is on the node."""
        ready = self.verdict(generation, seconds=seconds)
        assert (ready["status"], ready["reason"]) == ("True", "Configured"), ready

    def remember(self) -> None:
        """Take eth0's profile as it is now for what `reset` goes back to."""
        self._profile = self.run("cat", _PROFILE)

    def reset(self) -> None:
        """Back to what a fresh node runs: nothing desired, eth0's profile as remembered, no other, no made-up link."""
        usual = {"managed": True, "driftPolicy": "Correct", "removalPolicy": "Retain", "probes": None}
        generation = self.patch({"desiredState": None, **usual})
        self.verdict(generation)
        self.shell(
            "nmcli -g UUID,NAME connection show | while IFS=: read -r uuid name; do"
            ' case "$name" in eth0|lo) ;; *) nmcli connection delete "$uuid" >/dev/null;; esac; done;'
            " for link in $(ls /sys/class/net); do"
            ' case "$link" in eth?|peer?|lo) ;; *) ip link delete "$link" 2>/dev/null || true;; esac; done'
        )
        if self._profile and self.run("cat", _PROFILE) != self._profile:
            self.shell(
                f"umask 077; printf %s {shlex.quote(self._profile)} > {_PROFILE}; nmcli connection load {_PROFILE};"
                " nmcli connection up eth0"
            )


def condition(status: Json, kind: str) -> Json:
    """One condition of a status; empty when it has none of that type."""
    return next((found for found in status.get("conditions", []) if found["type"] == kind), {})
