"""Documents like users': after each that fails the node is what it was, after each that succeeds it is what is said.

DOCUMENTS_SEED chooses other random ones, DOCUMENTS how many; each is named after its seed and its number. They follow
each other on the same nodes, so that one alone can only be had again by the document itself, which a breach shows.
"""

import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.documents import make
from tests.e2e.trial import SHORT, Outcome, Trial, serve
from tests.lab import Node
from tests.oracle import node_facts

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
