"""What the real apiserver makes of the CRD."""

import json
from collections.abc import Iterator

import pytest

from tests.lab import Json, Lab


@pytest.fixture
def name(lab: Lab) -> Iterator[str]:
    """The name of an object that no agent knows."""
    name = "no-such-node"
    yield name
    lab.kubectl("delete", "nns", name, "--ignore-not-found")


def nns(name: str, **spec: object) -> Json:
    return {"apiVersion": "nmstate.io/v1", "kind": "NodeNetworkState", "metadata": {"name": name}, "spec": spec}


def test_unknown_keys_of_desired_state_survive(lab: Lab, name: str) -> None:
    desired = {"interfaces": [{"name": "eth1", "new-in-nmstate-9": {"a": [1, "b", {"c": False}]}}], "new-section": [1]}
    lab.kubectl("create", "-f", "-", stdin=json.dumps(nns(name, desiredState=desired)))

    assert lab.kubectl_json("get", "nns", name)["spec"]["desiredState"] == desired


def test_an_object_that_no_agent_has_seen_says_so_to_kstatus(lab: Lab, name: str) -> None:
    lab.kubectl("create", "-f", "-", stdin=json.dumps(nns(name)))

    assert lab.kubectl_json("get", "nns", name)["status"] == {"observedGeneration": -1}


def test_managed_is_true_unless_said_otherwise(lab: Lab, name: str) -> None:
    lab.kubectl("create", "-f", "-", stdin=json.dumps(nns(name, nodeName=name)))

    assert lab.kubectl_json("get", "nns", name)["spec"]["managed"] is True


def test_an_object_with_another_nodes_name_is_refused(lab: Lab, name: str) -> None:
    done = lab.kubectl("create", "-f", "-", stdin=json.dumps(nns(name, nodeName="node09")), check=False)

    assert done.returncode != 0
    assert "spec.nodeName must be equal to metadata.name" in done.stderr


@pytest.mark.parametrize(
    "probe",
    [{"type": "dns", "host": "192.0.2.53"}, {"type": "gateway", "port": 22}, {"type": "tcp", "host": "192.0.2.1"}],
    ids=str,
)
def test_host_and_port_are_for_tcp_alone(lab: Lab, name: str, probe: Json) -> None:
    done = lab.kubectl("create", "-f", "-", stdin=json.dumps(nns(name, probes=[probe])), check=False)

    assert done.returncode != 0
    assert "a probe of type tcp has a host and a port, and no other has" in done.stderr


def test_explain_documents_the_fields(lab: Lab) -> None:
    assert "nmstate document" in lab.kubectl("explain", "nns.spec.desiredState").stdout
    assert "only reports" in lab.kubectl("explain", "nns.spec.managed").stdout


def test_manifests_can_be_applied_twice(lab: Lab) -> None:
    assert "unchanged" in lab.kubectl("apply", "-k", "manifests").stdout
