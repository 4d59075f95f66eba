"""The main job on real nodes: the object shows what the node runs, and changes it."""

import pytest

from tests.e2e.cases import bridge
from tests.lab import Lab, Node, condition, eventually
from tests.oracle import undone


def test_every_node_has_an_object_that_reports_it(lab: Lab, nodes: list[Node]) -> None:
    items = lab.kubectl_json("get", "nns")["items"]

    assert [item["metadata"]["name"] for item in items] == [node.name for node in nodes]
    for item in items:
        assert item["spec"]["nodeName"] == item["metadata"]["name"]
        interfaces = {found["name"]: found for found in item["status"]["currentState"]["interfaces"]}
        assert interfaces["eth0"]["ipv4"]["address"][0]["ip"].startswith("10.88.0.")
        assert not any(name.startswith("peer") for name in interfaces)


def test_a_deleted_object_comes_back_with_its_report(lab: Lab, node: Node) -> None:
    uid = node.object()["metadata"]["uid"]
    lab.kubectl("delete", "nns", node.name)

    eventually(
        node.object,
        lambda found: bool(found) and found["metadata"]["uid"] != uid and "currentState" in found.get("status", {}),
        "the object is back",
    )
    assert node.reported("eth0") is not None


def test_an_interface_added_by_hand_appears_in_the_report(node: Node) -> None:
    node.run("nmcli", "connection", "add", "type", "dummy", "ifname", "dummy7", "ipv4.method", "disabled")

    found = eventually(lambda: node.reported("dummy7"), lambda found: found is not None, "dummy7 is reported")
    assert found is not None
    assert (found["type"], found["state"]) == ("dummy", "up")

    node.run("nmcli", "connection", "delete", "dummy-dummy7")
    eventually(lambda: node.reported("dummy7"), lambda found: found is None, "dummy7 is no longer reported")


def test_a_bridge_is_made_and_removed_through_the_object(node: Node) -> None:
    generation = node.desire(bridge("br1", "eth1"))
    node.configured(generation)

    status = node.object()["status"]
    assert status["observedGeneration"] == generation
    assert condition(status, "Reconciling") == {}
    assert node.links()["br1"]["linkinfo"]["info_kind"] == "bridge"
    assert node.ports("br1") == {"eth1"}
    reported = node.reported("br1")
    assert reported is not None
    assert [port["name"] for port in reported["bridge"]["port"]] == ["eth1"]

    generation = node.desire({"name": "br1", "type": "linux-bridge", "state": "absent"})
    node.configured(generation)

    assert "br1" not in node.links()
    assert node.reported("br1") is None


def test_kubectl_shows_and_waits(lab: Lab, node: Node) -> None:
    node.configured(node.desire(bridge("br1", "eth1")))

    lab.kubectl("wait", "--for=condition=Ready", f"nns/{node.name}", "--timeout=5s")
    header, row = lab.kubectl("get", "nns", node.name).stdout.splitlines()

    assert header.split() == ["NAME", "READY", "REASON", "MANAGED", "UPDATED", "AGE"]
    assert row.split()[:4] == [node.name, "True", "Configured", "true"]


def test_unmanaged_applies_nothing_and_managed_again_does(node: Node) -> None:
    generation = node.patch({"managed": False, "desiredState": {"interfaces": [bridge("br1", "eth1")]}})
    ready = node.verdict(generation)
    assert (ready["status"], ready["reason"]) == ("False", "Unmanaged")
    assert "br1" not in node.links()

    node.configured(node.patch({"managed": True}))
    assert "br1" in node.links()


def test_a_document_that_is_none_is_refused_by_name(node: Node) -> None:
    with undone(node):
        ready = node.verdict(node.desire({**bridge("br1", "eth1"), "no-such-key": 1}))

    assert (ready["status"], ready["reason"]) == ("False", "InvalidDesiredState")
    assert "no-such-key" in ready["message"]
    node.configured(node.desire(bridge("br1", "eth1")))


def test_restarting_the_agent_on_a_configured_node_changes_nothing(node: Node) -> None:
    generation = node.desire(bridge("br1", "eth1"))
    node.configured(generation)
    last_apply = node.object()["status"]["lastApply"]
    links = node.run("ip", "-json", "address")
    profiles = node.shell("nmcli -g NAME,UUID,TIMESTAMP-REAL,DEVICE connection show --active")

    node.agent("restart")
    eventually(
        lambda: node.metric_or("nmstate_controller_observed_generation", 0),
        lambda observed: observed == generation,
        "the new agent has spoken about this generation",
    )

    assert node.verdict(generation)["status"] == "True"
    assert node.metric('nmstate_controller_apply_total{result="Configured"}') == 0
    assert node.run("ip", "-json", "address") == links
    assert node.object()["status"]["lastApply"] == last_apply
    assert node.shell("nmcli -g NAME,UUID,TIMESTAMP-REAL,DEVICE connection show --active") == profiles


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_an_agent_that_was_away_catches_up(node: Node, how: str) -> None:
    node.agent(how)
    generation = node.desire(bridge("br1", "eth1"))
    node.agent("start")

    node.configured(generation)

    assert node.ports("br1") == {"eth1"}
