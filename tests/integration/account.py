"""The agent's account as an attacker would use it: any request, with a real token, and what the apiserver said."""

import http.client
import json
import ssl
from dataclasses import dataclass
from typing import Final

from labkit import network
from labkit.controlplane import PORT
from labkit.place import Place

from tests.lab import Json

NNS: Final = "/apis/nmstate.io/v1/nodenetworkstates"
EVENTS: Final = "/apis/events.k8s.io/v1/namespaces/{}/events"

VERBS: Final = {
    "get": "GET",
    "list": "GET",
    "watch": "GET",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "deletecollection": "DELETE",
}
"""Kubernetes' verbs and HTTP's words for them."""


@dataclass(frozen=True)
class Answer:
    """HTTP's status, and the object or the message that came with it."""

    code: int
    body: Json

    @property
    def message(self) -> str:
        """Why it was refused."""
        return str(self.body.get("message", ""))

    @property
    def by_rbac(self) -> bool:
        """Whether the account lacks the right."""
        return self.code == http.client.FORBIDDEN and "nmstate-controller:nmstate-controller" in self.message

    @property
    def by_policy(self) -> bool:
        """Whether the account has the right, and the admission policy refused what it is used for."""
        return self.code == http.client.FORBIDDEN and "ValidatingAdmissionPolicy 'nmstate-controller'" in self.message


class Account:
    """One token, or none. Every request is a connection of its own, from where the control plane lives."""

    def __init__(self, place: Place, token: str | None) -> None:
        self._place = place
        self._token = token
        self._tls = ssl.create_default_context(cafile=str(place.certificates / "ca.crt"))

    @classmethod
    def administrator(cls, place: Place) -> "Account":
        """The cluster's administrator, who has a certificate."""
        account = cls(place, None)
        account._tls.load_cert_chain(place.certificates / "admin.crt", place.certificates / "admin.key")
        return account

    def ask(self, verb: str, path: str, body: Json | None = None, *, dry_run: bool = True) -> Answer:
        """Try `verb` on a path; what is written goes through admission and is not kept, unless `dry_run` is False."""
        headers = {"Accept": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            kind = "merge-patch+json" if verb == "patch" else "json"
            headers["Content-Type"] = f"application/{kind}"
        query = (
            ["dryRun=All"] if dry_run and verb in ("create", "update", "patch", "delete", "deletecollection") else []
        )
        query += ["fieldValidation=Strict"] if verb == "create" else []
        query += ["watch=1", "timeoutSeconds=1"] if verb == "watch" else []
        connection = http.client.HTTPSConnection(network.GATEWAY, PORT, context=self._tls)
        plain = network.connect(self._place, network.GATEWAY, PORT, 10)
        with self._tls.wrap_socket(plain, server_hostname=network.GATEWAY) as client:
            client.settimeout(30)
            connection.sock = client
            payload = None if body is None else json.dumps(body)
            connection.request(VERBS[verb], f"{path}?{'&'.join(query)}", body=payload, headers=headers)
            response = connection.getresponse()
            text = response.read().decode()
        try:
            return Answer(response.status, json.loads(text))
        except ValueError:  # a watch: lines of events
            return Answer(response.status, {"message": text})


def nns(name: str, metadata: Json | None = None, **spec: object) -> Json:
    """A NodeNetworkState."""
    return {
        "apiVersion": "nmstate.io/v1",
        "kind": "NodeNetworkState",
        "metadata": {"name": name, **(metadata or {})},
        "spec": spec,
    }


def event(namespace: str) -> Json:
    """An event about something in that namespace; about a NodeNetworkState in `default`."""
    kind, version = ("NodeNetworkState", "nmstate.io/v1") if namespace == "default" else ("Pod", "v1")
    regarding = {"apiVersion": version, "kind": kind, "name": "access01"}
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "access01.1", "namespace": namespace},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "nmstate.io/nmstate-controller",
        "reportingInstance": "access01",
        "action": "Reconcile",
        "type": "Normal",
        "reason": "Applied",
        "regarding": regarding if namespace == "default" else {**regarding, "namespace": namespace},
    }
