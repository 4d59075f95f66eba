"""The nmstate document in `spec.desiredState`, as the schema of `kubectl apply` and `kubectl explain` sees it.

The schema helps and never stands in the way: it refuses what the nmstate crate refuses to read, field by field, and
nothing that it reads (`fields` says how wide that is). The agent reads the document as the dict it is; these models
make the CRD's schema and are never instantiated. What belongs to several fields (duplicates, references) is checked
against the node, not here. https://nmstate.io/devel/yaml_api.html describes the document.
"""

from nmstate_controller.api.desired_state.document import DesiredState

__all__ = ["DesiredState"]
