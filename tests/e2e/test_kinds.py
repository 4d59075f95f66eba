"""Every kind of thing, made and taken back through the object: kernel and report both looked at."""

import json
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.cases import CASES, OFF, Case, absent, addresses, bridge, static
from tests.lab import Json, Lab, Node, eventually
from tests.words import assert_true_words


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_made_and_taken_back(node: Node, case: Case) -> None:
    node.configured(node.desire(**case.document))
    case.seen(node)
    reports(node, case.document)
    # Nothing of the document is seen to differ after it was applied: a restart, say, would find nothing to do.
    assert "residual" not in node.object()["status"]["lastApply"]
    assert_true_words(node)

    node.configured(node.desire(**case.undo))
    # NetworkManager removes a device some time after its profile.
    eventually(lambda: failure(case.gone, node), lambda found: found is None, f"{case.name} is gone", seconds=20)


def failure(check: Callable[[Node], None], node: Node) -> str | None:
    """What a check says is wrong, None when nothing is."""
    try:
        check(node)
    except AssertionError as error:
        return str(error) or "not yet"
    return None


def reports(node: Node, document: Json) -> None:
    """Every interface of the document that shall be is in the report, as nmstate itself shows it on the node."""
    script = "import libnmstate, json; print(json.dumps(libnmstate.show()))"
    shown = {found["name"]: found for found in json.loads(node.python(script))["interfaces"]}
    for wanted in document.get("interfaces", []):
        reported = node.reported(wanted["name"])
        assert reported is not None
        for key in ("type", "state", "mtu"):
            assert reported.get(key) == shown[wanted["name"]].get(key)


@pytest.fixture
def dhcp_server(node: Node) -> Iterator[None]:
    """A DHCP server at the other end of eth1's cable."""
    node.shell(
        "ip address add 192.0.2.1/24 dev peer1;"
        " dnsmasq --port=0 --interface=peer1 --bind-interfaces --dhcp-range=192.0.2.100,192.0.2.120,1h"
        " --dhcp-leasefile=/run/dhcp.leases --pid-file=/run/dhcp.pid --no-ping"
    )
    yield
    node.shell('kill "$(cat /run/dhcp.pid)"; ip address flush dev peer1')


def test_an_address_by_dhcp(node: Node, dhcp_server: None) -> None:  # noqa: ARG001
    node.configured(
        node.desire({"name": "eth1", "type": "ethernet", "state": "up", "ipv4": {"enabled": True, "dhcp": True}})
    )

    eventually(
        lambda: sorted(addresses(node, "eth1")),
        lambda found: any(address.startswith("192.0.2.1") for address in found),
        "eth1 has a lease",
    )
    eventually(
        lambda: (node.reported("eth1") or {}).get("ipv4", {}),
        lambda ipv4: ipv4.get("dhcp") is True and bool(ipv4.get("address")),
        "the lease is reported",
    )
    node.configured(node.desire({"name": "eth1", "type": "ethernet", "state": "up", "ipv4": OFF}))
    assert addresses(node, "eth1") == set()


def test_the_nodes_own_address_moves_onto_a_bridge_and_back(node: Node) -> None:
    own = (node.reported("eth0") or {})["ipv4"]["address"][0]["ip"]

    def default_route(interface: str) -> Json:
        return {"destination": "0.0.0.0/0", "next-hop-address": "10.88.0.1", "next-hop-interface": interface}

    node.configured(
        node.desire(
            {**bridge("br0", "eth0"), "ipv4": static(own, 24)},
            {"name": "eth0", "type": "ethernet", "state": "up", "ipv4": OFF},
            routes={"config": [default_route("br0")]},
        )
    )
    assert addresses(node, "br0") == {f"{own}/24"}
    assert addresses(node, "eth0") == set()
    assert "via 10.88.0.1 dev br0" in node.run("ip", "route", "show", "default")
    assert_true_words(node)

    node.configured(
        node.desire(
            {"name": "eth0", "type": "ethernet", "state": "up", "ipv4": static(own, 24)},
            *absent("br0"),
            routes={"config": [default_route("eth0")]},
        )
    )
    assert addresses(node, "eth0") == {f"{own}/24"}
    assert "br0" not in node.links()


def test_two_nodes_are_configured_differently_at_the_same_time(node: Node, other_node: Node) -> None:
    first = node.desire(bridge("br7", "eth1"))
    second = other_node.desire({"name": "dummy7", "type": "dummy", "state": "up"})
    node.configured(first)
    other_node.configured(second)

    assert "br7" in node.links()
    assert "dummy7" not in node.links()
    assert "dummy7" in other_node.links()
    assert "br7" not in other_node.links()


def test_of_ten_edits_in_a_row_the_last_one_wins(lab: Lab, node: Node) -> None:
    applied = 'nmstate_controller_apply_total{result="Configured"}'
    before = node.metric(applied)
    documents = [
        {
            "apiVersion": "nmstate.io/v1",
            "kind": "NodeNetworkState",
            "metadata": {"name": node.name},
            "spec": {"desiredState": {"interfaces": [{"name": "dummy7", "type": "dummy", "mtu": mtu}]}},
        }
        for mtu in range(1400, 1410)
    ]
    # One kubectl for all ten: each starts a process otherwise, and ten of those take longer than a second.
    lab.kubectl("apply", "-f", "-", stdin="\n---\n".join(json.dumps(document) for document in documents))

    generation = node.object()["metadata"]["generation"]
    node.configured(generation)

    assert node.links()["dummy7"]["mtu"] == 1409
    assert node.metric(applied) - before <= 3


def test_what_is_merely_dropped_from_the_document_stays(node: Node) -> None:
    node.configured(node.desire(bridge("br7", "eth1"), {"name": "dummy7", "type": "dummy", "state": "up"}))
    node.configured(node.desire({"name": "dummy7", "type": "dummy", "state": "up"}))
    assert node.ports("br7") == {"eth1"}

    generation = node.patch({"desiredState": None})
    assert node.verdict(generation)["reason"] == "NothingDesired"
    assert {"br7", "dummy7"} <= node.links().keys()


def test_what_somebody_made_by_hand_is_removed(node: Node) -> None:
    node.shell("ip link add brh type bridge; ip link set eth2 master brh; ip link set brh up")
    node.shell("ip link add dumh type dummy; ip address add 192.0.2.99/24 dev dumh; ip link set dumh up")

    node.configured(node.replace({"interfaces": absent("brh", "dumh")}))

    assert not {"brh", "dumh"} & node.links().keys()
    assert "master" not in node.links()["eth2"]


def test_a_port_outlives_its_bridge(node: Node) -> None:
    """Its profile no longer names a bridge that is gone, which libnmstate would wait for without end."""
    node.configured(node.desire(bridge("br7", "eth1")))
    node.configured(node.desire(*absent("br7")))
    assert node.run("nmcli", "-g", "connection.master", "connection", "show", "eth1").strip() == ""

    node.configured(node.desire({"name": "eth1", "type": "ethernet", "state": "up", "ipv4": static("192.0.2.10", 24)}))
    assert "192.0.2.10/24" in node.run("ip", "-brief", "address", "show", "eth1")
