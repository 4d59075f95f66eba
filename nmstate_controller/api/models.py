"""NodeNetworkState as pydantic models: the one source of the CRD's schema and of what the agent reads and writes.

Every field's description is what `kubectl explain` prints. Objects read from the API go through
`reading.read_object` once, where they come in; `cluster/` does that.
"""

from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from nmstate_controller.api.times import Time

GROUP: Final = "nmstate.io"
VERSION: Final = "v1"
KIND: Final = "NodeNetworkState"
PLURAL: Final = "nodenetworkstates"

RETRY_ANNOTATION: Final = f"{GROUP}/retry-at"

REVERT_FINALIZER: Final = f"{GROUP}/revert"
"""On an object whose deletion has to wait until the agent has put back what was there before."""

State = dict[str, Any]
"""An nmstate document: what `libnmstate.show` returns and `libnmstate.apply` takes."""

# Atomic, because nothing inside is merged by the apiserver and managedFields would list every key of it.
_FREE_FORM: Final[dict[str, Any]] = {
    "x-kubernetes-preserve-unknown-fields": True,
    "x-kubernetes-map-type": "atomic",
}

_ANYTHING: Final[dict[str, Any]] = {"x-kubernetes-preserve-unknown-fields": True}


class ApiModel(BaseModel):
    """Base of all: camelCase outside, unknown fields of a newer version are passed over."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, extra="ignore")


class Condition(ApiModel):
    """One aspect of the object's state, after Kubernetes' own `metav1.Condition`."""

    type: str = Field(min_length=1, max_length=316, description="Ready, Reconciling, Stalled or Reporting.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether the condition holds.")
    reason: str = Field(min_length=1, max_length=1024, description="One word for programs: why it has this status.")
    message: str = Field(default="", max_length=32768, description="One sentence for people.")
    last_transition_time: Time = Field(description="When status last changed.")
    observed_generation: int | None = Field(
        default=None, ge=0, description="The generation of the object that this condition speaks about."
    )


class Probe(ApiModel):
    """A way to see that the node can still be reached. What passes before a change must pass after it."""

    type: Literal["gateway", "apiServer", "dns", "tcp"] = Field(
        description="gateway: the default gateway answers ICMP, ARP or neighbour discovery. apiServer: a new "
        "connection gets an answer; looked at whether listed or not. dns: a configured server answers. tcp: `host` "
        "takes a connection at `port`.",
    )
    host: str | None = Field(
        default=None, min_length=1, max_length=253, description="For tcp: a host name or an IP address."
    )
    port: int | None = Field(default=None, ge=1, le=65535, description="For tcp: the port to connect to.")
    timeout_seconds: int | None = Field(
        default=None,
        ge=1,
        le=120,
        description="How long it may take to pass again after a change. Left out: the agent's NMSTATE_PROBE_TIMEOUT, "
        "which is 20. While spanning tree keeps the ports of a bridge of the change from forwarding, the time does not "
        "run yet.",
    )

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        # The apiserver holds it by a rule, as long as the CRD is not an older one.
        if (self.type == "tcp") != (self.host is not None and self.port is not None):
            raise ValueError("a probe of type tcp has a host and a port, and no other has")
        return self


class Spec(ApiModel):
    """What the node's network should be."""

    node_name: str | None = Field(
        default=None,
        max_length=253,
        description="The node this object belongs to. Set by the agent; equal to metadata.name.",
    )
    managed: bool = Field(
        default=True,
        description="false: the agent only reports, and changes nothing on this node (a pause).",
    )
    desired_state: State | None = Field(
        default=None,
        description="An nmstate document (https://nmstate.io/devel/yaml_api.html) with what shall be different from "
        "now. "
        "Only what it names is touched: an interface that is left out stays as it is; `state: absent` removes one.",
        json_schema_extra={"nullable": True, **_FREE_FORM},
    )
    drift_policy: Literal["Correct", "Report"] = Field(
        default="Correct",
        description="What to do when the node is changed by something else after it was configured. Correct: apply "
        "desiredState again. Report: say so in status.drift and change nothing.",
    )
    removal_policy: Literal["Retain", "Revert"] = Field(
        default="Retain",
        description="What becomes of what is dropped from desiredState, or deleted with this object. Retain: it stays "
        "on the node. Revert: what was there before goes back.",
    )
    probes: list[Probe] | None = Field(
        default=None,
        max_length=16,
        description="How to see that a change has not cut the node off; in place of gateway, apiServer and dns.",
        json_schema_extra={
            "x-kubernetes-list-type": "atomic",
            "x-kubernetes-validations": [
                {
                    "rule": "self.all(probe, probe.type == 'tcp' ? has(probe.host) && has(probe.port)"
                    " : !has(probe.host) && !has(probe.port))",
                    "message": "a probe of type tcp has a host and a port, and no other has",
                }
            ],
        },
    )


class Difference(ApiModel):
    """One place where the node is not what desiredState asks."""

    path: str = Field(description="Where, for example interfaces[br1].mtu.")
    desired: Any = Field(default=None, description="What desiredState asks.", json_schema_extra=_ANYTHING)
    current: Any = Field(
        default=None,
        description="What the node runs; absent when there is nothing.",
        json_schema_extra=_ANYTHING,
    )


class ProbeResult(ApiModel):
    """What came of one probe."""

    type: str = Field(description="gateway, apiServer, dns or tcp.")
    target: str = Field(default="", description="What was probed.")
    chosen: bool = Field(description="Whether it passed before the change, and so had to pass after it.")
    passed: bool = Field(description="Whether it passed: after the change if it was chosen, else before it.")
    seconds: float = Field(ge=0, description="How long that took.", json_schema_extra={"format": "double"})
    message: str | None = Field(default=None, description="What was missing; absent when it passed.")


class LastApply(ApiModel):
    """The most recent attempt to make the node what desiredState asks."""

    generation: int = Field(ge=0, description="The generation whose desiredState was applied.")
    desired_hash: str = Field(default="", description="Fingerprint of that desiredState.")
    start_time: Time = Field(description="When the attempt began.")
    completion_time: Time | None = Field(default=None, description="When it ended; absent while it runs.")
    outcome: str | None = Field(default=None, description="The reason that Ready got from it.")
    attempts: int = Field(
        default=1, ge=1, description="Which attempt it is since the node last was what this generation asks."
    )
    message: str = Field(default="", description="What came of it, in a sentence.")
    persisted: bool | None = Field(
        default=None, description="Whether the change is on the node's disk, and so outlasts a reboot."
    )
    probes: list[ProbeResult] | None = Field(
        default=None,
        description="How it was seen that the change did not cut the node off.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    residual: list[Difference] | None = Field(
        default=None,
        description="What nmstate still shows differently after an apply that it verified. Not taken for a change "
        "since.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )


class LastConfigured(ApiModel):
    """What the node was made to run, or found to run, last: whatever has been tried since."""

    generation: int = Field(ge=0, description="The newest generation of which that was said.")
    desired_hash: str = Field(description="Fingerprint of its desiredState.")
    residual: list[Difference] | None = Field(
        default=None,
        description="What nmstate showed differently then all the same, as lastApply.residual of that apply.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )


class Versions(ApiModel):
    """What runs on the node."""

    agent: str | None = Field(default=None, description="nmstate-controller's version.")
    nmstate: str | None = Field(default=None, description="libnmstate's version.")
    network_manager: str | None = Field(default=None, description="NetworkManager's version.")


class Status(ApiModel):
    """What the node's network is, and how far it is from what it should be."""

    observed_generation: int | None = Field(
        default=None,
        ge=-1,
        description="The generation that the conditions speak about; -1 until an agent has looked at the object.",
    )
    conditions: list[Condition] = Field(
        default=[],
        description="Ready: the node runs what spec asks. Reconciling: it is being changed. Stalled: nothing more "
        "will happen soon without somebody. Reporting: currentState is fresh.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    current_state: State | None = Field(
        default=None,
        description="What the node runs now, as nmstate shows it: interfaces, routes, DNS. Values that change by "
        "themselves, ethtool.feature and the pods' ends of veth pairs are left out.",
        json_schema_extra=_FREE_FORM,
    )
    last_successful_update_time: Time | None = Field(
        default=None,
        description="When currentState was last read from the node. Refreshed at least every few minutes while the "
        "agent lives.",
    )
    last_apply: LastApply | None = Field(default=None, description="The most recent attempt to apply desiredState.")
    last_configured: LastConfigured | None = Field(
        default=None, description="The desiredState that the node ran last; attempts that failed do not change it."
    )
    drift: list[Difference] | None = Field(
        default=None,
        description="Where the node, once configured, is no longer what desiredState asks; absent when nowhere.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    configured: list[str] | None = Field(
        default=None,
        description="What this object has configured and is on the node: how the agent finds what is retained.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    retained: list[str] | None = Field(
        default=None,
        description="What this object once configured, desiredState no longer names and is still on the node, such as "
        "interfaces[br1]. It leaves the list when it is named again or is gone from the node.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    revert_state: State | None = Field(
        default=None,
        description="With removalPolicy Revert: what was there before, for each entry that desiredState names.",
        json_schema_extra=_FREE_FORM,
    )
    last_handled_retry_at: str | None = Field(
        default=None, description="The value of the annotation nmstate.io/retry-at that was answered last."
    )
    versions: Versions | None = Field(default=None, description="Versions of the software on the node.")


class Metadata(ApiModel):
    """The part of Kubernetes' ObjectMeta that the agent reads."""

    name: str
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    annotations: dict[str, str] = {}
    finalizers: list[str] = []
    deletion_timestamp: Time | None = None
    managed_fields: list[dict[str, Any]] = []

    @property
    def retry_at(self) -> str | None:
        """What the user last wrote to ask for one more attempt; only that it changed matters."""
        return self.annotations.get(RETRY_ANNOTATION)

    @property
    def edits(self) -> list[dict[str, Any]]:
        """Who has written anything but status, and when: another spec has other edits, whatever its generation is."""
        return [entry for entry in self.managed_fields if entry.get("subresource") != "status"]


class NodeNetworkState(ApiModel):
    """The network of one node: what it is (status) and what it should be (spec). Named after the node."""

    metadata: Metadata
    spec: Spec = Field(default_factory=Spec)
    status: Status = Field(default_factory=Status)
    spec_problem: str | None = Field(default=None, exclude=True)
    """Why the spec could not be read, which it then says nothing of; no field of the API."""
    spec_bytes: int = Field(default=0, exclude=True)
    """How large the spec is as JSON, readable or not: the status has to leave room for it."""
