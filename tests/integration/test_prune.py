"""Objects whose node is gone are listed, and removed when that is asked for; all others stay."""

import json
import subprocess

from tests.integration.test_api import nns
from tests.lab import PYTHON, Lab


def prune(lab: Lab, *options: str) -> list[str]:
    """What the command prints for the cluster's administrator."""
    kubeconfig = lab.command("kubeconfig").stdout.strip()
    command = ["nsenter", f"--net=/run/netns/nl-{lab.name}", "--", "env", f"KUBECONFIG={kubeconfig}"]
    done = subprocess.run(
        [*command, PYTHON, "-m", "nmstate_controller", "prune", *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.splitlines()


def test_an_object_whose_node_is_gone_is_listed_and_removed(lab: Lab) -> None:
    held = nns("gone-node", removalPolicy="Revert")
    held["metadata"]["finalizers"] = ["nmstate.io/revert"]
    # More than a page of them.
    gone = [held, *(nns(f"gone-node-{number:02}") for number in range(20))]
    names = sorted(found["metadata"]["name"] for found in gone)
    objects = {"apiVersion": "v1", "kind": "List", "items": [*gone, nns("node02")]}
    lab.kubectl("apply", "-f", "-", stdin=json.dumps(objects))

    assert prune(lab) == [f"nodenetworkstate/{name} has no node" for name in names]
    assert prune(lab, "--delete") == [f"nodenetworkstate/{name} deleted" for name in names]
    assert prune(lab) == []
    left = lab.kubectl_json("get", "nns")["items"]
    assert "node02" in {found["metadata"]["name"] for found in left}
    lab.kubectl("delete", "nns", "node02", "--ignore-not-found")


def test_a_finalizer_of_somebody_else_is_named_and_stays(lab: Lab) -> None:
    held = nns("kept-node", removalPolicy="Revert")
    held["metadata"]["finalizers"] = ["example.com/backup", "nmstate.io/revert"]
    lab.kubectl("apply", "-f", "-", stdin=json.dumps(held))
    try:
        [line] = prune(lab, "--delete")
        assert line.startswith("nodenetworkstate/kept-node is being deleted")
        assert line.endswith(": example.com/backup")
        metadata = lab.kubectl_json("get", "nns", "kept-node")["metadata"]
        assert metadata["finalizers"] == ["example.com/backup"]
        assert "deletionTimestamp" in metadata
    finally:
        lab.kubectl("patch", "nns", "kept-node", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
