"""NodeNetworkState as pydantic models: the one source of the CRD's schema and of what the agent reads and writes.

Every field's description is what `kubectl explain` prints. Objects read from the API go through
`NodeNetworkState.model_validate` once, where they come in; `cluster/` does that.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

GROUP: Final = "nmstate.io"
VERSION: Final = "v1"
KIND: Final = "NodeNetworkState"
PLURAL: Final = "nodenetworkstates"

RETRY_ANNOTATION: Final = f"{GROUP}/retry-at"

State = dict[str, Any]
"""An nmstate document: what `libnmstate.show` returns and `libnmstate.apply` takes."""


def rfc3339(moment: datetime) -> str:
    """`moment` as Kubernetes writes times: UTC, whole seconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Time = Annotated[datetime, PlainSerializer(rfc3339, return_type=str, when_used="json")]

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


class Difference(ApiModel):
    """One place where the node is not what desiredState asks."""

    path: str = Field(description="Where, for example interfaces[br1].mtu.")
    desired: Any = Field(default=None, description="What desiredState asks.", json_schema_extra=_ANYTHING)
    current: Any = Field(
        default=None,
        description="What the node runs; absent when there is nothing.",
        json_schema_extra=_ANYTHING,
    )


class LastApply(ApiModel):
    """The most recent attempt to make the node what desiredState asks."""

    generation: int = Field(ge=0, description="The generation whose desiredState was applied.")
    desired_hash: str = Field(default="", description="Fingerprint of that desiredState.")
    start_time: Time = Field(description="When the attempt began.")
    completion_time: Time | None = Field(default=None, description="When it ended; absent while it runs.")
    outcome: str | None = Field(default=None, description="The reason that Ready got from it.")
    attempts: int = Field(default=1, ge=1, description="Attempts made for this generation so far.")
    message: str = Field(default="", description="What came of it, in a sentence.")
    residual: list[Difference] | None = Field(
        default=None,
        description="What nmstate still shows differently after an apply that it verified. Not taken for a change "
        "since.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )


class Versions(ApiModel):
    """What runs on the node."""

    agent: str | None = Field(default=None, description="nmstate-controller's version.")
    nmstate: str | None = Field(default=None, description="libnmstate's version.")


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
        "will happen "
        "until the spec changes. Reporting: currentState is fresh.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    current_state: State | None = Field(
        default=None,
        description="What the node runs now, as nmstate shows it: interfaces, routes, DNS. Values that change by "
        "themselves "
        "and the pods' ends of veth pairs are left out.",
        json_schema_extra=_FREE_FORM,
    )
    last_successful_update_time: Time | None = Field(
        default=None,
        description="When currentState was last read from the node. Refreshed at least every few minutes while the "
        "agent lives.",
    )
    last_apply: LastApply | None = Field(default=None, description="The most recent attempt to apply desiredState.")
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

    @property
    def retry_at(self) -> str | None:
        """What the user last wrote to ask for one more attempt; only that it changed matters."""
        return self.annotations.get(RETRY_ANNOTATION)


class NodeNetworkState(ApiModel):
    """The network of one node: what it is (status) and what it should be (spec). Named after the node."""

    metadata: Metadata
    spec: Spec = Field(default_factory=Spec)
    status: Status = Field(default_factory=Status)
