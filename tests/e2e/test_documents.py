"""Documents like users': after each that fails the node is what it was, after each that succeeds it is what is said.

DOCUMENTS_SEED chooses other random ones, DOCUMENTS how many; each is named after its seed and its number. They follow
each other on the same nodes, so that one alone can only be had again by the document itself, which a breach shows.
"""

import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.cases import OFF, bridge, static
from tests.e2e.documents import make
from tests.e2e.parts import ethernet
from tests.e2e.stories import CUT, DUMMY, NO_ANSWER, STORIES, right, wrong
from tests.e2e.trial import SHORT, Outcome, Trial, edit, serve
from tests.lab import Node, eventually
from tests.oracle import assert_same, node_facts, settled

SEED = os.environ.get("DOCUMENTS_SEED") or str(random.randrange(10**6))
COUNT = int(os.environ.get("DOCUMENTS") or (400 if os.environ.get("SOAK") else 12))
CUT_SHARE = 0.1
RENEWED_EVERY = 40
_PROFILE = "/etc/NetworkManager/system-connections/eth0.nmconnection"


@pytest.fixture(scope="module")
def trials(nodes: list[Node]) -> Iterator[list[Trial]]:
    """Both nodes, each with somebody who answers, and afterwards as they were."""
    trials = [Trial(node, node.run("cat", _PROFILE)) for node in nodes]
    for node in nodes:
        node.agent("restart", **SHORT)
        serve(node)
    yield trials
    for trial in trials:
        trial.renew()
        trial.node.lab.command("agent", trial.node.name, "restart", "--no-env")


def of_seed(trial: Trial, number: int) -> Outcome:
    """The random document of that number on that node."""
    name = f"{SEED}-{number}"
    document = make(name, node_facts(trial.node), trial.own)
    # Not from the same source, so that the share does not change the documents.
    is_cut = random.Random(f"power {name}").random() < CUT_SHARE
    outcome = trial.run(document, power_cut=is_cut)
    print(outcome.told(), flush=True)
    if outcome.breaches or number % RENEWED_EVERY >= RENEWED_EVERY - 2:
        trial.renew()
    return outcome


# Two at once, one on each node.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(0, COUNT, 2), ids=lambda number: f"{SEED}-{number}+1")
def test_random_documents_end_in_the_old_or_the_new_and_the_status_says_which(trials: list[Trial], number: int) -> None:
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(of_seed, trials, (number, number + 1)))
    assert not any(outcome.breaches for outcome in outcomes), "\n".join(outcome.told() for outcome in outcomes)


@pytest.fixture
def fresh(trials: list[Trial]) -> Trial:
    """node01 as it was made, if it is not any more."""
    trials[0].refresh()
    return trials[0]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("story", STORIES)
def test_what_follows_each_other_leaves_nothing_of_what_was_undone(fresh: Trial, story: str) -> None:
    for number, document in enumerate(STORIES[story], 1):
        outcome = fresh.run(document, power_cut=story in CUT and number == len(STORIES[story]))
        assert not outcome.breaches, outcome.told()
        assert (outcome.ready["status"] == "True") == (document.wrong is None), outcome.told()


# What somebody does by hand, and the document that comes upon it.
HANDS = {
    "an address": (
        "ip address add 192.0.2.10/24 dev eth1",
        right({"interfaces": [ethernet("eth1", ipv4=static("192.0.2.10", 24), ipv6=OFF)]}),
    ),
    "a dummy": (
        "ip link add dum1 type dummy; ip link set dum1 up",
        right({"interfaces": [DUMMY]}),
    ),
    "a bridge": (
        "ip link add br1 type bridge; ip link set eth1 master br1; ip link set br1 up",
        right({"interfaces": [bridge("br1", "eth1")]}),
    ),
    "a port that is down": (
        "ip link set eth3 down",
        wrong("DNS", {"interfaces": [bridge("br1", "eth3")], **NO_ANSWER}),
    ),
    "a route": (
        "ip route add 172.16.5.0/24 via 10.88.0.1 dev eth0",
        wrong("address", {"interfaces": [ethernet("eth0", ipv4=static("10.99.0.7", 24))]}),
    ),
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("hand", HANDS)
def test_what_was_done_by_hand_is_kept_up_or_comes_back(fresh: Trial, hand: str) -> None:
    command, document = HANDS[hand]
    fresh.node.shell(command)
    outcome = fresh.run(document, power_cut=document.wrong is None)
    assert not outcome.breaches, outcome.told()


def test_a_port_that_vanishes_in_the_middle_takes_nothing_else_with_it(fresh: Trial) -> None:
    node = fresh.node
    node.shell("ip link add gone7 type dummy; ip link set gone7 up")
    before = settled(node)
    generation = edit(node, wrong("port", {"interfaces": [bridge("br1", "gone7", "eth1")], **NO_ANSWER}))
    eventually(lambda: "br1" in node.links(), bool, "the change has begun")
    node.shell("ip link delete gone7")
    assert node.verdict(generation, seconds=240)["status"] == "False"
    assert_same(node, before, but=(r"\w+ (inet6 )?gone7", r".* dev gone7 "))


def test_dns_is_removed_when_asked_for_or_the_message_tells_how(fresh: Trial) -> None:
    node = fresh.node
    outcome = fresh.run(wrong("DNS", {"dns-resolver": {"config": {}}}))
    assert not outcome.breaches, outcome.told()
    if outcome.ready["status"] == "True":
        assert "nameserver" not in node.run("cat", "/etc/resolv.conf")
    else:
        assert "spec.probes" in outcome.ready["message"]
