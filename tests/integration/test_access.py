"""What the agent's account may do, tried on a real apiserver with tokens as a kubelet hands them out.

Each verb is tried on each kind of thing: its own object and status, another node's, and what is none of its business.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

import pytest
from labkit import cluster
from labkit.place import Place

from tests.integration.account import EVENTS, NNS, VERBS, Account, Answer, event, nns
from tests.lab import CHECKOUT, Json, Lab, eventually

OWN, OTHER, NEW = "access01", "access02", "access03"
"""Nodes without an agent: OWN's and NEW's tokens are tried; NEW has no object yet."""

REVERT: Final = "nmstate.io/revert"
ACCOUNT: Final = f"{cluster.NAMESPACE}:{cluster.SERVICE_ACCOUNT}"
READ: Final = {"get", "list", "watch"}


@pytest.fixture(scope="module")
def place(lab: Lab) -> Iterator[Place]:
    """The lab, with Node and Pod objects that nothing runs, and objects as their agents would have made them."""
    place = Place(lab.name)
    nodes = [OWN, OTHER, NEW]
    cluster.register(place, nodes)
    for name in (OWN, OTHER):
        cluster.kubectl(place, "apply", "-f", "-", stdin=json.dumps(nns(name, nodeName=name)))
    yield place
    for name in nodes:
        patch = '{"metadata": {"finalizers": null}}'
        lab.kubectl("patch", "nns", name, "--type=merge", "-p", patch, check=False)
        lab.kubectl("delete", "nns", name, "--ignore-not-found")
        lab.kubectl("delete", "node", name, "--ignore-not-found")
        lab.kubectl("delete", "pod", cluster.pod(name), "-n", cluster.NAMESPACE, "--ignore-not-found", "--force")


@pytest.fixture(scope="module")
def agent(place: Place) -> Account:
    """OWN's agent; returned once the admission policy is in force, which takes the apiserver a moment."""
    agent = Account(place, cluster.token(place, OWN))
    eventually(
        lambda: agent.ask("patch", f"{NNS}/{OTHER}", {"metadata": {"finalizers": [REVERT]}}).code,
        lambda code: code == 403,
        "the admission policy is in force",
        seconds=30,
    )
    return agent


@pytest.fixture(scope="module")
def newcomer(place: Place, agent: Account) -> Account:  # noqa: ARG001 (the policy is in force)
    """The agent of a node that has no object yet."""
    return Account(place, cluster.token(place, NEW))


@pytest.fixture(scope="module")
def unbound(lab: Lab, place: Place, agent: Account) -> Account:  # noqa: ARG001
    """A token of the same account that belongs to no pod, as a user could have made it."""
    done = lab.kubectl("create", "token", cluster.SERVICE_ACCOUNT, "-n", cluster.NAMESPACE)
    return Account(place, done.stdout.strip())


def try_all(account: Account, collection: str, name: str, body: Json, subresource: str = "") -> dict[str, Answer]:
    """The answer to each verb."""
    whole = {"list", "watch", "create", "deletecollection"} if not subresource else set()
    found = {}
    for verb in VERBS:
        path = collection if verb in whole else f"{collection}/{name}{subresource}"
        sent = None if verb in READ or verb.startswith("delete") else body
        found[verb] = account.ask(verb, path, sent)
    return found


def taken(answers: dict[str, Answer]) -> set[str]:
    """The verbs that were let through; all others must have been refused for want of a right."""
    through = {verb for verb, answer in answers.items() if not answer.by_rbac}
    for verb in through:
        # A conflict or a 404 comes from behind authorization and admission.
        assert answers[verb].code in {200, 201, 404, 409} or answers[verb].by_policy, (verb, answers[verb])
    return through


def test_on_its_own_object(agent: Account) -> None:
    answers = try_all(agent, NNS, OWN, nns(OWN, {"finalizers": [REVERT]}))

    assert taken(answers) == READ | {"create", "patch"}
    assert {verb for verb, answer in answers.items() if answer.by_policy} == set()
    assert answers["patch"].code == 200
    assert answers["create"].code == 409, "it is there already"


def test_on_its_own_status(agent: Account, place: Place) -> None:
    version = cluster.kubectl(place, "get", "nns", OWN, "-o", "jsonpath={.metadata.resourceVersion}")
    body = {**nns(OWN, {"resourceVersion": version}), "status": {"observedGeneration": 1}}
    answers = try_all(agent, NNS, OWN, body, "/status")

    assert taken(answers) == {"update"}
    assert answers["update"].code == 200, answers["update"].message


def test_on_another_nodes_object(agent: Account) -> None:
    answers = try_all(agent, NNS, OTHER, nns(OTHER, {"finalizers": [REVERT]}))

    assert taken(answers) == READ | {"create", "patch"}
    assert {verb for verb, answer in answers.items() if answer.by_policy} == {"create", "patch"}
    message = "the agent on node access01 may write only the NodeNetworkState of its own node, not access02"
    assert message in answers["create"].message
    assert message in answers["patch"].message


def test_on_another_nodes_status(agent: Account, place: Place) -> None:
    version = cluster.kubectl(place, "get", "nns", OTHER, "-o", "jsonpath={.metadata.resourceVersion}")
    body = {**nns(OTHER, {"resourceVersion": version}), "status": {"observedGeneration": 1}}
    answers = try_all(agent, NNS, OTHER, body, "/status")

    assert taken(answers) == {"update"}
    assert answers["update"].by_policy
    assert "its own node, not access02" in answers["update"].message


def test_a_token_without_a_node_writes_nothing(unbound: Account, place: Place) -> None:
    version = cluster.kubectl(place, "get", "nns", OWN, "-o", "jsonpath={.metadata.resourceVersion}")
    status = {**nns(OWN, {"resourceVersion": version}), "status": {"observedGeneration": 1}}
    answers = [
        unbound.ask("create", NNS, nns(NEW, nodeName=NEW)),
        unbound.ask("patch", f"{NNS}/{OWN}", {"metadata": {"finalizers": [REVERT]}}),
        unbound.ask("update", f"{NNS}/{OWN}/status", status),
    ]

    assert all(answer.by_policy for answer in answers)
    assert all("is not bound to a pod on a node" in answer.message for answer in answers)


@pytest.fixture
def every_right(lab: Lab, agent: Account) -> Iterator[None]:  # noqa: ARG001 (the policy is in force)
    """The account may do everything with NodeNetworkStates, as a careless administrator could have made it."""
    role = ("clusterrole", "access-test")
    binding = ("clusterrolebinding", "access-test")
    lab.kubectl("create", *role, "--verb=*", "--resource=nodenetworkstates.nmstate.io")
    lab.kubectl("create", *binding, "--clusterrole=access-test", f"--serviceaccount={ACCOUNT}")
    yield
    lab.kubectl("delete", *role)
    lab.kubectl("delete", *binding)


def test_the_policy_stands_without_rbac(agent: Account, every_right: None) -> None:  # noqa: ARG001
    eventually(
        lambda: agent.ask("delete", f"{NNS}/{OWN}"),
        lambda answer: not answer.by_rbac,
        "the right has arrived",
        seconds=30,
    )
    answers = [
        agent.ask("delete", f"{NNS}/{OWN}"),
        agent.ask("delete", f"{NNS}/{OTHER}"),
        agent.ask("deletecollection", NNS),
    ]

    assert [answer.by_policy for answer in answers] == [True, True, True]
    assert "the agent may not delete a NodeNetworkState" in answers[0].message


# Creating.


def test_its_own_object_may_be_created(newcomer: Account) -> None:
    assert newcomer.ask("create", NNS, nns(NEW, nodeName=NEW)).code == 201
    assert newcomer.ask("create", NNS, nns(NEW)).code == 201


@pytest.mark.parametrize(
    "spec",
    [
        {"desiredState": {"interfaces": [{"name": "eth1", "state": "down"}]}},
        {"desiredState": {}},
        {"managed": False},
    ],
    ids=str,
)
def test_no_desire_may_be_created(newcomer: Account, spec: Json) -> None:
    answer = newcomer.ask("create", NNS, nns(NEW, nodeName=NEW, **spec))

    assert answer.by_policy
    assert "may create a NodeNetworkState with spec.nodeName only" in answer.message


def test_no_object_of_a_made_up_name_may_be_created(newcomer: Account) -> None:
    body = nns("x")
    body["metadata"] = {"generateName": f"{NEW}-"}

    assert newcomer.ask("create", NNS, body).by_policy


def test_labels_at_creation_are_let_be(newcomer: Account) -> None:
    # Admission webhooks add them, in the agent's name.
    answer = newcomer.ask("create", NNS, nns(NEW, {"labels": {"a": "b"}, "annotations": {"c": "d"}}))

    assert answer.code == 201


OWNER: Final = {"apiVersion": "v1", "kind": "Node", "name": OWN, "uid": "00000000-0000-0000-0000-000000000000"}
METADATA: Final = [
    ({"finalizers": ["example.com/mine"]}, "no finalizer but nmstate.io/revert"),
    ({"finalizers": [REVERT, "example.com/mine"]}, "no finalizer but nmstate.io/revert"),
    ({"ownerReferences": [OWNER]}, "may not change ownerReferences"),
]


@pytest.mark.parametrize(("metadata", "message"), METADATA)
def test_nothing_that_decides_over_deletion_may_be_created(newcomer: Account, metadata: Json, message: str) -> None:
    answer = newcomer.ask("create", NNS, nns(NEW, metadata))

    assert answer.by_policy
    assert message in answer.message


# Changing.


@pytest.mark.parametrize(
    "spec",
    [
        {"desiredState": {"interfaces": [{"name": "eth1", "state": "down"}]}},
        {"desiredState": {}},
        {"managed": False},
        {"nodeName": None},
        None,
    ],
    ids=str,
)
def test_no_spec_may_be_changed(agent: Account, spec: Json | None) -> None:
    answer = agent.ask("patch", f"{NNS}/{OWN}", {"spec": spec})

    assert answer.by_policy
    assert "the agent may not change spec" in answer.message


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"labels": {"a": "b"}}, "may not change labels and annotations"),
        ({"annotations": {"nmstate.io/retry-at": "now"}}, "may not change labels and annotations"),
        *METADATA,
    ],
)
def test_no_other_metadata_may_be_changed(agent: Account, metadata: Json, message: str) -> None:
    answer = agent.ask("patch", f"{NNS}/{OWN}", {"metadata": metadata})

    assert answer.by_policy
    assert message in answer.message


def test_what_users_put_there_may_not_be_taken_away(agent: Account, place: Place) -> None:
    theirs = {"labels": {"a": "b"}, "annotations": {"c": "d"}, "finalizers": ["example.com/theirs"]}
    cluster.kubectl(place, "patch", "nns", OWN, "--type=merge", "-p", json.dumps({"metadata": theirs}))
    try:
        for field in theirs:
            assert agent.ask("patch", f"{NNS}/{OWN}", {"metadata": {field: None}}).by_policy, field
        # Beside it, its own finalizer may come and go.
        both = {"metadata": {"finalizers": ["example.com/theirs", REVERT]}}
        assert agent.ask("patch", f"{NNS}/{OWN}", both, dry_run=False).code == 200
        one = {"metadata": {"finalizers": ["example.com/theirs"]}}
        assert agent.ask("patch", f"{NNS}/{OWN}", one, dry_run=False).code == 200
    finally:
        back = '{"metadata": {"labels": null, "annotations": null, "finalizers": null}}'
        cluster.kubectl(place, "patch", "nns", OWN, "--type=merge", "-p", back)


def test_a_deleted_object_waits_for_its_finalizer_and_goes_with_it(newcomer: Account, place: Place) -> None:
    assert newcomer.ask("create", NNS, nns(NEW, nodeName=NEW), dry_run=False).code == 201
    finalizers: Json = {"metadata": {"finalizers": [REVERT]}}
    assert newcomer.ask("patch", f"{NNS}/{NEW}", finalizers, dry_run=False).code == 200

    cluster.kubectl(place, "delete", "nns", NEW, "--wait=false")
    assert "deletionTimestamp" in newcomer.ask("get", f"{NNS}/{NEW}").body["metadata"]
    finalizers["metadata"]["finalizers"] = None
    assert newcomer.ask("patch", f"{NNS}/{NEW}", finalizers, dry_run=False).code == 200

    assert newcomer.ask("get", f"{NNS}/{NEW}").code == 404


# Everything else.


@pytest.mark.parametrize(
    ("namespace", "allowed"),
    [("default", {"create", "patch"}), (cluster.NAMESPACE, set()), ("kube-system", set())],
)
def test_events(agent: Account, namespace: str, allowed: set[str]) -> None:
    collection = EVENTS.format(namespace)
    answers = try_all(agent, collection, "access01.1", event(namespace))

    assert taken(answers) == allowed


def test_the_older_api_of_events_is_closed(agent: Account) -> None:
    assert taken(try_all(agent, "/api/v1/namespaces/default/events", "access01.1", event("default"))) == set()


@pytest.mark.parametrize(
    ("collection", "name"),
    [
        ("/api/v1/nodes", OWN),
        ("/api/v1/namespaces", cluster.NAMESPACE),
        (f"/api/v1/namespaces/{cluster.NAMESPACE}/pods", cluster.pod(OWN)),
        (f"/api/v1/namespaces/{cluster.NAMESPACE}/secrets", "any"),
        (f"/api/v1/namespaces/{cluster.NAMESPACE}/configmaps", "any"),
        (f"/api/v1/namespaces/{cluster.NAMESPACE}/serviceaccounts", cluster.SERVICE_ACCOUNT),
        ("/api/v1/namespaces/kube-system/secrets", "any"),
        ("/api/v1/namespaces/default/configmaps", "any"),
        (f"/apis/apps/v1/namespaces/{cluster.NAMESPACE}/daemonsets", "nmstate-controller"),
        ("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", cluster.CRD),
        ("/apis/rbac.authorization.k8s.io/v1/clusterroles", "nmstate-controller"),
        ("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "nmstate-controller"),
        ("/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies", "nmstate-controller"),
        ("/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings", "nmstate-controller"),
        ("/apis/certificates.k8s.io/v1/certificatesigningrequests", "any"),
    ],
)
def test_nothing_else_is_open(agent: Account, collection: str, name: str) -> None:
    assert taken(try_all(agent, collection, name, {})) == set()


@pytest.mark.parametrize("subresource", ["pods/{pod}/exec", "pods/{pod}/eviction", "serviceaccounts/{account}/token"])
def test_no_way_to_more_rights_is_open(agent: Account, subresource: str) -> None:
    path = subresource.format(pod=cluster.pod(OWN), account=cluster.SERVICE_ACCOUNT)

    assert agent.ask("create", f"/api/v1/namespaces/{cluster.NAMESPACE}/{path}", {}).by_rbac


def table(text: str) -> list[list[str]]:
    """The rows of kubectl's table, in some order: kubectl has none of its own."""
    return sorted(re.split(r"\s{2,}", line.strip()) for line in text.splitlines() if line.strip())


def test_the_documentation_prints_what_the_account_may(lab: Lab, place: Place) -> None:
    documented = (CHECKOUT / "docs" / "security.md").read_text(encoding="utf-8")
    block = re.search(r"\$ kubectl auth can-i --list --namespace default.*?\n(.*?)```", documented, re.DOTALL)
    assert block, "docs/security.md lacks the output of kubectl auth can-i"
    listing = ("auth", "can-i", "--list", "--namespace", "default")
    by_token = lab.kubectl(
        "--kubeconfig=/dev/null",
        "--server=https://10.88.0.1:6443",
        f"--certificate-authority={place.certificates / 'ca.crt'}",
        f"--token={cluster.token(place, OWN)}",
        *listing,
    ).stdout

    assert table(block[1]) == table(by_token)
    assert table(block[1]) == table(lab.kubectl(*listing, "--as", f"system:serviceaccount:{ACCOUNT}").stdout)
