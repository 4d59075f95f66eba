"""Documents like users': after each that fails the node is what it was, after each that succeeds it is what is said.

DOCUMENTS_SEED chooses other random ones, DOCUMENTS how many; each is named after its seed and its number. They follow
each other on a node that keeps what succeeded, so a breach shows the document itself, too. Both nodes work at once: a
test here waits for what its node does when it comes to it.
"""

import os
import random
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import pytest

from tests.e2e.cases import bridge
from tests.e2e.documents import make
from tests.e2e.stories import CUT, HANDS, NO_ANSWER, stories, wrong
from tests.e2e.trial import SERVER, SHORT, Trial, edit
from tests.lab import Node, eventually
from tests.oracle import assert_same, node_facts, settled

# In `make test` the same ones each time: what a new seed finds is for whoever runs the soak, not for the next commit.
SEED = os.environ.get("DOCUMENTS_SEED") or (str(random.randrange(10**6)) if os.environ.get("SOAK") else "1")
COUNT = int(os.environ.get("DOCUMENTS") or (400 if os.environ.get("SOAK") else 10))
CUT_SHARE = 0.1
RENEWED_EVERY = 40
PROFILE = "/etc/NetworkManager/system-connections/eth0.nmconnection"


@pytest.fixture(scope="module")
def trials(nodes: list[Node]) -> Iterator[list[Trial]]:
    """Both nodes, each with somebody who answers, and afterwards as they were."""
    trials = [Trial(node, node.run("cat", PROFILE)) for node in nodes]
    for node in nodes:
        node.agent("restart", **SHORT)
        node.start(SERVER)
    yield trials
    for trial in trials:
        trial.renew()
        trial.node.lab.command("agent", trial.node.name, "restart", "--no-env")


def random_document(trial: Trial, number: int) -> None:
    name = f"{SEED}-{number}"
    document = make(name, node_facts(trial.node), trial.own)
    # Not from the same source, so that the share does not change the documents.
    is_cut = random.Random(f"power {name}").random() < CUT_SHARE
    outcome = trial.run(document, power_cut=is_cut)
    if outcome.breaches or number % RENEWED_EVERY >= RENEWED_EVERY - 2:
        trial.renew()
    assert not outcome.breaches, outcome.told()


def in_a_row(trial: Trial, story: str) -> None:
    trial.refresh()
    documents = stories(trial.own)[story]
    for number, document in enumerate(documents, 1):
        outcome = trial.run(document, power_cut=story in CUT and number == len(documents))
        assert not outcome.breaches, outcome.told()
        assert (outcome.ready["status"] == "True") == (document.wrong is None), outcome.told()


def by_hand(trial: Trial, hand: str) -> None:
    trial.refresh()
    command, document = HANDS[hand]
    trial.node.shell(command)
    outcome = trial.run(document, power_cut=document.wrong is None)
    assert not outcome.breaches, outcome.told()


def port_vanishes(trial: Trial) -> None:
    trial.refresh()
    node = trial.node
    node.shell("ip link add gone7 type dummy; ip link set gone7 up")
    before = settled(node)
    generation = edit(node, wrong("port", {"interfaces": [bridge("br1", "gone7", "eth1")], **NO_ANSWER}))
    eventually(lambda: "br1" in node.links(), bool, "the change has begun")
    node.shell("ip link delete gone7")
    assert node.verdict(generation, seconds=300)["status"] == "False"
    assert_same(node, before, but=(r"\w+ (inet6 )?gone7", r".* dev gone7 "))


def no_dns(trial: Trial) -> None:
    trial.refresh()
    outcome = trial.run(wrong("no DNS", {"dns-resolver": {"config": {}}}))
    assert not outcome.breaches, outcome.told()
    if outcome.ready["status"] == "True":
        assert "nameserver" not in trial.node.run("cat", "/etc/resolv.conf")
    else:
        assert "spec.probes" in outcome.ready["message"]


JOBS: dict[str, Callable[[Trial], None]] = {
    **{story: partial(in_a_row, story=story) for story in stories("")},
    **{f"{hand} by hand": partial(by_hand, hand=hand) for hand in HANDS},
    "a port vanishes in the middle": port_vanishes,
    "no DNS": no_dns,
    **{f"random {SEED}-{number}": partial(random_document, number=number) for number in range(COUNT)},
}


@pytest.fixture(scope="module")
def results(trials: list[Trial], request: pytest.FixtureRequest) -> Iterator[dict[str, Future[None]]]:
    """What comes of those that are asked for: done in their order, by turns on one node and the other."""
    here = [item for item in request.session.items if item.path == request.path and isinstance(item, pytest.Function)]
    names = [str(item.callspec.params["what"]) for item in here]
    pools = [ThreadPoolExecutor(1) for _ in trials]
    yield {name: pools[index % 2].submit(JOBS[name], trials[index % 2]) for index, name in enumerate(names)}
    for pool in pools:
        pool.shutdown(cancel_futures=True)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("what", JOBS)
def test_a_document_leaves_the_old_or_the_new_and_the_status_says_which(
    results: dict[str, Future[None]], what: str
) -> None:
    results[what].result()
