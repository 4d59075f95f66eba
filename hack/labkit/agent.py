"""The agent on a node: started with the token that a kubelet would give it, and not watched over."""

import json
import os
import shlex
import signal
import time
from io import BytesIO
from pathlib import Path
from typing import Any

from labkit import cluster, network
from labkit.controlplane import PORT
from labkit.errors import LabError, NodeDown
from labkit.node import Node
from labkit.place import CHECKOUT
from labkit.progress import say, tail

HEALTH_PORT = 9837
READY_SECONDS = 90.0
STOP_SECONDS = 300.0
"""An agent that is applying finishes first; its own deadlines add up to less than this."""

_SECRETS = "/run/secrets/kubernetes.io/serviceaccount"
_NAME = "agent"
_LOG = "/var/log/nmstate-lab/agent.log"


class Agent:
    """The agent of one node.  What it was last started with is kept beside the node's disk, for reboots."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._record = node.folder / "agent.json"

    @property
    def log(self) -> Path:
        """What every agent of this node has written since the lab was made; outlives the node."""
        return self.node.log / "agent.log"

    def wanted(self) -> bool:
        """Whether the agent was started and not ended by us since."""
        return bool(self._read().get("wanted"))

    def running(self) -> int | None:
        """The agent's pid on its node, None if it does not run; raises NodeDown."""
        state = self._state()
        return state["pid"] if state["running"] else None

    def start(self, env: dict[str, str] | None = None) -> int:
        """Start the agent unless it runs; `env` replaces the extra variables that it was last given.

        Returns its pid; raises LabError with the log's end if it leaves at once.
        """
        extra = self._read().get("env", {}) if env is None else env
        if pid := self.running():
            if env is not None and env != self._read().get("env", {}):
                raise LabError(f"the agent of {self.node.name} runs already: `restart` gives it another environment")
            return pid
        command = self._command()
        self._deliver()
        reply = self.node.channel.ask("start", name=_NAME, argv=command, env={**self._environment(), **extra}, log=_LOG)
        self._write({"wanted": True, "env": extra})
        state = self._state(seconds=0.2)
        if not state["running"]:
            raise LabError(self._obituary(state))
        return int(reply["pid"])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Signal the agent and wait for its end; nothing happens if it does not run."""
        self._write({**self._read(), "wanted": False})
        self.end(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Do as `stop` does, but let the agent be started again with its node."""
        if self.running() is None:
            return
        deadline = time.monotonic() + STOP_SECONDS
        self.node.channel.ask("signal", name=_NAME, signal=int(number))
        while self._state(seconds=5)["running"]:
            if time.monotonic() > deadline:
                raise LabError(f"the agent of {self.node.name} has not ended {STOP_SECONDS:.0f} s after {number.name}")

    def wait_ready(self) -> None:
        """Return when the agent says that it is ready; raise LabError with the log's end if it dies or never is."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            reply = self.node.channel.ask("http", host="127.0.0.1", port=HEALTH_PORT, path="/readyz")
            if reply["status"] == 200:
                return
            state = self._state(seconds=0.2)
            if not state["running"]:
                raise LabError(self._obituary(state))
            if time.monotonic() > deadline:
                raise LabError(
                    f"the agent of {self.node.name} is not ready after {READY_SECONDS:.0f} s; its log ends with:"
                    f"{tail(self.log)}"
                )

    def describe(self) -> str:
        """A word for `hack/lab status`."""
        try:
            state = self._state()
        except NodeDown:
            return "-"
        if state["running"]:
            return f"running (pid {state['pid']})"
        if state["pid"] is None:
            return "not started"
        return f"ended (status {state['status']})"

    def _state(self, seconds: float = 0) -> dict[str, Any]:
        """Whether it runs; waits up to `seconds` for its end first."""
        return self.node.channel.ask("state", name=_NAME, wait=seconds)

    def _obituary(self, state: dict[str, Any]) -> str:
        return f"the agent of {self.node.name} ended with status {state['status']}; its log ends with:{tail(self.log)}"

    def _command(self) -> list[str]:
        if override := os.environ.get("LAB_AGENT_COMMAND"):
            return shlex.split(override)
        python = CHECKOUT / ".venv" / "bin" / "python"
        if not python.exists():
            raise LabError(f"{python} does not exist: `make` creates the virtual environment that the agent runs in")
        return [str(python), "-m", "nmstate_controller", "run"]

    def _environment(self) -> dict[str, str]:
        return {
            "KUBERNETES_SERVICE_HOST": network.GATEWAY,
            "KUBERNETES_SERVICE_PORT": str(PORT),
            "NMSTATE_NODE_NAME": self.node.name,
            "NMSTATE_LOG_FORMAT": "json",
            # The checkout is read-only on the node.
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def _deliver(self) -> None:
        """Put token, CA and namespace where a pod finds them."""
        certificate = (self.node.place.certificates / "ca.crt").read_text()
        files = {"ca.crt": certificate, "namespace": cluster.NAMESPACE}
        try:
            files["token"] = cluster.token(self.node.place, self.node.name)
        except LabError as error:
            # A container that is started again while the apiserver is away has its old token as well.
            if self.node.channel.execute(["test", "-s", f"{_SECRETS}/token"], stdout=BytesIO(), stderr=BytesIO()):
                raise
            say(f"the agent of {self.node.name} keeps its old token: {str(error).splitlines()[-1]}")
        for name, content in files.items():
            self.node.channel.ask("write", path=f"{_SECRETS}/{name}", content=content, mode=0o600)

    def _read(self) -> dict[str, Any]:
        try:
            record: dict[str, Any] = json.loads(self._record.read_text())
        except FileNotFoundError:
            return {}
        return record

    def _write(self, record: dict[str, Any]) -> None:
        new = self._record.with_suffix(".new")
        new.write_text(json.dumps(record))
        new.replace(self._record)
