"""The commands that need no cluster, on a real node."""

import json

import yaml

from tests.e2e.cases import bridge
from tests.lab import PYTHON, Json, Node


def run(node: Node, *arguments: str, document: Json | None = None) -> tuple[int, str, str]:
    """Exit status, output and errors of `nmstate-controller` on the node."""
    command = ("exec", node.name, "--", PYTHON, "-m", "nmstate_controller", *arguments)
    done = node.lab.command(*command, stdin=json.dumps(document), check=False)
    return done.returncode, done.stdout, done.stderr


def test_show_prints_the_node_as_its_object_has_it(node: Node) -> None:
    status, output, _ = run(node, "show")

    assert status == 0
    shown = yaml.safe_load(output)
    assert shown["metadata"]["name"] == node.name
    names = [found["name"] for found in shown["status"]["currentState"]["interfaces"]]
    assert names == [found["name"] for found in node.object()["status"]["currentState"]["interfaces"]]


def test_diff_tells_what_a_document_would_change_and_changes_nothing(node: Node) -> None:
    wanted = {"interfaces": [{"name": "eth1", "type": "ethernet", "mtu": 1400}, bridge("br7", "eth2")]}

    status, output, _ = run(node, "diff", "-f", "-", document=wanted)
    assert status == 1
    assert "interfaces[eth1].mtu: 1500 -> 1400" in output.splitlines()
    assert "interfaces[br7]" in output
    assert node.links()["eth1"]["mtu"] == 1500
    assert "br7" not in node.links()

    node.configured(node.desire(*wanted["interfaces"]))
    assert run(node, "diff", "-f", "-", document=node.object()) == (0, "", "")
    node.configured(node.desire({"name": "eth1", "type": "ethernet", "mtu": 1500}, {"name": "br7", "state": "absent"}))


def test_diff_says_what_is_wrong_with_a_document(node: Node) -> None:
    wrong = {"interfaces": [{"name": "eth9.7", "type": "vlan", "vlan": {"base-iface": "eth9", "id": 7}}]}

    status, _, errors = run(node, "diff", "-f", "-", document=wrong)
    assert status == 2
    assert "eth9" in errors
    assert len(errors.splitlines()) == 1

    status, _, errors = run(node, "diff", "-f", "-", document=None)
    assert status == 2
    assert "no nmstate document" in errors
