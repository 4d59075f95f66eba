"""A document on trial on a real node: it is applied by an edit, and what came of it is held against the node."""

import contextlib
import dataclasses
import json
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator

from tests.e2e.documents import Document
from tests.e2e.faults import TCP_PORT
from tests.lab import Json, Node, eventually
from tests.oracle import Snapshot, assert_same, settled
from tests.words import assert_true_words

SHORT = {"rollback_timeout": "30", "probe_timeout": "10"}
"""Settings of the agent for impatient people: a test that waits for NetworkManager's own timer takes no minute."""

VERDICT_SECONDS = 300.0

SERVER = f"""exec /usr/bin/env python3 -c '
import socket
server = socket.create_server(("0.0.0.0", {TCP_PORT}))
while True:
    server.accept()[0].close()
'"""
"""Answers at TCP_PORT on every address of a node."""

_PRISTINE = """
rm -f /etc/NetworkManager/system-connections/* /var/lib/NetworkManager/NetworkManager-intern.conf
umask 077; cat > /etc/NetworkManager/system-connections/eth0.nmconnection <<'END'
{profile}
END
sync
"""


@dataclasses.dataclass
class Outcome:
    """What came of one document."""

    document: Document
    node: str
    ready: Json
    seconds: float
    breaches: list[str] = dataclasses.field(default_factory=list)
    power_cut: bool = False

    @property
    def reason(self) -> str:
        """The reason in Ready."""
        return str(self.ready["reason"])

    def told(self) -> str:
        """It in one line, and a line for the document and each breach, if there are any."""
        parts = ", ".join((*self.document.parts, *([f"WRONG: {self.document.wrong}"] if self.document.wrong else [])))
        line = f"{self.document.name} on {self.node}: {self.reason} after {self.seconds:.1f} s ({parts})"
        if not self.breaches:
            return line
        wanted = json.dumps(self.document.desired)
        return "\n    ".join((line, f"probes {self.document.probes} {wanted}", self.ready["message"], *self.breaches))


OUTCOMES: list[Outcome] = []
"""Of this run, for the figures at its end."""


class Trial:
    """One node on which documents follow each other; it keeps what succeeded."""

    def __init__(self, node: Node, profile: str) -> None:
        """`profile`: the text of eth0's profile that a pristine node has."""
        self.node = node
        self.own = f"10.88.0.{10 + int(node.name.removeprefix('node'))}"
        self._profile = profile
        self._before: Snapshot | None = None
        self._pristine: Snapshot | None = None

    def run(self, document: Document, *, power_cut: bool = False) -> Outcome:
        """Apply it and hold what came of it against the node."""
        node = self.node
        before = self._before or settled(node)
        self._before = None
        began = time.monotonic()
        generation = edit(node, document)
        ready = node.verdict(generation, seconds=VERDICT_SECONDS)
        outcome = Outcome(document, node.name, ready, time.monotonic() - began)
        OUTCOMES.append(outcome)
        with self._noting(outcome):
            if ready["status"] != "True":
                self._before = assert_same(node, before)
        with self._noting(outcome):
            # Where it is not what it was before, that has just been told.
            assert_true_words(node, None if outcome.breaches else before)
        if document.wrong is None and ready["status"] != "True":
            outcome.breaches.append("refused, although nothing is wrong with it")
        if power_cut and not outcome.breaches and ready["status"] == "True":
            with self._noting(outcome):
                self.cut_power()
            outcome.power_cut = True
        print(f"\n{outcome.told()}", flush=True)
        return outcome

    def cut_power(self) -> None:
        """The node boots into what it runs, before the agent can do anything about it."""
        node = self.node
        with self.without_agent():
            before = settled(node)
            node.lab.command("reboot", node.name, "--power-cut")
            assert_same(node, before, view=of_a_boot, seconds=20)
        node.start(SERVER)

    @contextlib.contextmanager
    def without_agent(self) -> Iterator[None]:
        """The agent is stopped meanwhile, and has looked at its object again afterwards."""
        self.node.agent("stop")
        try:
            yield
        finally:
            self.node.agent("start", **SHORT)
            eventually(
                lambda: self.node.metric_or("nmstate_controller_show_duration_seconds_count", 0),
                lambda count: count > 0,
                "the agent looks at the node",
            )

    def refresh(self) -> None:
        """The node as it was when this was first called: by nmcli and ip if those will do, for a boot takes longer."""
        node = self.node
        if self._pristine is None:
            self.renew()
            self._pristine = settled(node)
            return
        self._before = None
        node.reset()
        node.patch({"probes": None})
        try:
            assert_same(node, self._pristine, view=of_a_boot, seconds=2)
        except AssertionError as error:
            print(f"\n{error}", flush=True)
            self.renew()

    def renew(self) -> None:
        """The node as it was made: whatever went wrong on it is gone."""
        node = self.node
        node.verdict(node.patch({"desiredState": None, "probes": None}), seconds=VERDICT_SECONDS)
        with self.without_agent():
            node.shell(_PRISTINE.format(profile=self._profile))
            node.lab.command("reboot", node.name, "--power-cut")
        node.start(SERVER)
        self._before = None

    @contextlib.contextmanager
    def _noting(self, outcome: Outcome) -> Iterator[None]:
        try:
            yield
        except AssertionError as error:
            outcome.breaches.append(str(error))


def of_a_boot(found: Snapshot) -> Snapshot:
    """What of a snapshot a boot brings back: not what is held back, nor in which order things came up."""
    # NetworkManager's metrics are 100 and more, and one more for each device of a kind that was there first.
    return {
        re.sub(r" metric [1-9]\d\d+", "", name): value for name, value in found.items() if "autoconnect" not in name
    }


def edit(node: Node, document: Document) -> int:
    """Put the document and its probes in the object, in one edit; returns the generation."""
    has_probes = "probes" in node.object()["spec"]
    patch: list[Json] = [{"op": "add", "path": "/spec/desiredState", "value": document.desired}]
    if document.probes is not None:
        patch.append({"op": "add", "path": "/spec/probes", "value": document.probes})
    elif has_probes:
        patch.append({"op": "remove", "path": "/spec/probes"})
    command = ("patch", "nns", node.name, "--type", "json", "--patch-file", "/dev/stdin", "-o", "json")
    done = node.lab.kubectl(*command, stdin=json.dumps(patch))
    generation: int = json.loads(done.stdout)["metadata"]["generation"]
    return generation


def figures(outcomes: list[Outcome]) -> str:
    """Documents, what came of them, breaches, and seconds to the verdict."""
    if not outcomes:
        return ""
    seconds = sorted(outcome.seconds for outcome in outcomes)
    p95 = seconds[int(0.95 * (len(seconds) - 1))]
    breached = [outcome for outcome in outcomes if outcome.breaches]

    def count(of: Callable[[Outcome], str]) -> str:
        return ", ".join(f"{name} {number}" for name, number in Counter(map(of, outcomes)).most_common())

    lines = [
        f"{len(outcomes)} documents: {count(lambda outcome: outcome.reason)}",
        f"what was wrong: {count(lambda outcome: outcome.document.wrong or 'nothing')}",
        f"{sum(outcome.power_cut for outcome in outcomes)} power cuts, {len(breached)} documents with breaches",
        f"seconds from edit to verdict: median {statistics.median(seconds):.1f}, p95 {p95:.1f}, most {seconds[-1]:.1f}",
    ]
    return "\n".join([*lines, *(outcome.told() for outcome in breached)])
