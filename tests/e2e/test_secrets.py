"""A secret in a document is in the document and on the node, and nowhere else: not even when all fails, not at debug.

Nobody here grants a port or has the other end of a tunnel, so libnmstate and NetworkManager have much to say.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.lab import Json, Lab, Node, condition, eventually

Secret = Callable[[], str]


@pytest.fixture(scope="module")
def talkative(nodes: list[Node]) -> Iterator[Node]:
    """node01 with an agent that tells all it can, and afterwards as it was."""
    node = nodes[0]
    with node.settings(log_level="debug"):
        yield node
        node.reset()


def ethernet(**section: Any) -> Json:
    return {"interfaces": [{"name": "eth1", "type": "ethernet", "state": "up", "802.1x": section}]}


def ieee8021x(secret: str) -> Json:
    # Characters that each form of quoting writes in another way; what is looked for has none.
    awkward = f"a'b\"c\\d{secret}"
    return ethernet(
        **{"identity": "node01", "eap-methods": ["peap"], "phase2-auth": "mschapv2"},
        **{"password": awkward, "private-key-password": secret},
    )


def macsec(secret: str) -> Json:
    section = {"base-iface": "eth1", "encrypt": True, "port": 1, "validation": "strict", "send-sci": True}
    keys = {"mka-cak": secret, "mka-ckn": "f2b4297d39da7330910a74abc0449feb45b5c0b9fc23df1430e1898fcf1c4550"}
    return {"interfaces": [{"name": "macsec7", "type": "macsec", "state": "up", "macsec": {**section, **keys}}]}


def beside_a_mistake(secret: str) -> Json:
    # Not alone: for a tunnel that nobody answers libnmstate waits longer than a test should.
    tunnel = {"left": "10.88.0.11", "right": "192.0.2.7", "psk": secret}
    document = ieee8021x(secret)
    document["interfaces"] += [
        {"name": "ipsec7", "type": "ipsec", "state": "up", "libreswan": tunnel},
        {"name": "v7", "type": "vlan", "vlan": {"base-iface": "nosuch0", "id": 7}},
    ]
    return document


def under_a_misspelt_key(secret: str) -> Json:
    return ethernet(identity="node01", passwrd=secret)


def in_a_wrong_shape(secret: str) -> Json:
    return ethernet(**{"identity": "node01", "eap-methods": {"password": secret}, "password": [secret]})


def seen(lab: Lab, node: Node) -> dict[str, str]:
    """Everything that the agent writes and others read, by where it is read."""
    found = node.object()
    del found["spec"]
    found["metadata"].pop("managedFields", None)
    page = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9837/metrics').read().decode())"
    described = lab.kubectl("describe", "nns", node.name).stdout
    return {
        "object": json.dumps(found),
        "wide": lab.kubectl("get", "nns", node.name, "-o", "wide").stdout,
        # The spec is the user's own and is shown as it is.
        "describe": re.sub(r"^Spec:\n(?: .*\n)*", "", described, flags=re.MULTILINE),
        "events": lab.kubectl("get", "events.events.k8s.io", "-A", "-o", "json").stdout,
        "log": lab.command("logs", node.name).stdout,
        "metrics": node.python(page),
    }


@pytest.mark.timeout(400)  # libnmstate waits half a minute for a port that nobody grants, and then the second attempt's
# The slow ones last: an attempt that is under way is not interrupted by the next document.
@pytest.mark.parametrize("document", [in_a_wrong_shape, under_a_misspelt_key, beside_a_mistake, macsec, ieee8021x])
def test_a_secret_stays_where_it_was_written(lab: Lab, talkative: Node, document: Callable[[str], Json]) -> None:
    node = talkative
    secret = uuid.uuid4().hex
    done = node.try_replace(document(secret))
    if done.returncode != 0:
        # The apiserver's schema speaks to the author alone, and yet does not repeat it.
        assert secret not in done.stderr
        return
    generation = json.loads(done.stdout)["metadata"]["generation"]

    def tried(status: Json) -> bool:
        about = status.get("lastApply", {})
        again = about.get("generation") == generation and about.get("attempts", 0) > 1
        ready = condition(status, "Ready")
        return bool(again or (ready.get("observedGeneration") == generation and ready["status"] != "Unknown"))

    eventually(lambda: dict(node.object().get("status", {})), tried, "it has been tried once", seconds=150)

    assert secret in json.dumps(node.object()["spec"]), "what is looked for can be found"
    places = seen(lab, node)
    assert all(places.values())
    assert f'"generation": {generation}' in places["log"], "the log speaks of this attempt"
    assert [name for name, text in places.items() if secret in text] == []
