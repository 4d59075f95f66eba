"""What an object asks of its node now: its desiredState, and what is to go back because it was dropped from there.

Pure functions.
"""

import dataclasses
import hashlib
import json

from nmstate_controller.api.models import REVERT_FINALIZER, NodeNetworkState, State
from nmstate_controller.node.revert import with_dropped


@dataclasses.dataclass(frozen=True)
class Goal:
    """`desired` is the user's document, empty when the object is being deleted; `document` is what is applied."""

    desired: State
    document: State
    fingerprint: str
    reverts: bool
    deleting: bool

    @property
    def needs_finalizer(self) -> bool:
        """Whether the object must not go before what was there is back."""
        return self.reverts and not self.deleting and bool(self.document)


def goal_of(subject: NodeNetworkState, originals: State | None) -> Goal:
    """`originals` is status.revertState: what was there before, for what desiredState has named so far."""
    deleting = subject.metadata.deletion_timestamp is not None
    desired = {} if deleting else subject.spec.desired_state or {}
    reverts = subject.spec.removal_policy == "Revert"
    document = with_dropped(desired, originals) if reverts else desired
    return Goal(desired, document, fingerprint(document), reverts, deleting)


def is_held(subject: NodeNetworkState) -> bool:
    """Whether the object has our finalizer."""
    return REVERT_FINALIZER in subject.metadata.finalizers


def fingerprint(document: State) -> str:
    """A short name for the content of a document, the same for any order of its keys."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(canonical).hexdigest()[:16]
