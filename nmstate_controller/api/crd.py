"""The CustomResourceDefinition, generated from the models.

Kubernetes wants a *structural* OpenAPI v3 schema: no references, every node typed, `nullable` instead of a null type
(https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/). `structural` turns
what pydantic emits (JSON Schema 2020-12) into that.
"""

from typing import Any, Final

import yaml
from pydantic import BaseModel

from nmstate_controller.api.desired_state import DesiredState
from nmstate_controller.api.models import GROUP, KIND, PLURAL, VERSION, NodeNetworkState, Spec, Status

Schema = dict[str, Any]


def _condition(field: str) -> str:
    return f'.status.conditions[?(@.type=="Ready")].{field}'


_COLUMNS: Final = [
    {
        "name": "Ready",
        "type": "string",
        "jsonPath": _condition("status"),
        "description": "Whether the node runs what spec asks.",
    },
    {"name": "Reason", "type": "string", "jsonPath": _condition("reason"), "description": "Why."},
    {
        "name": "Managed",
        "type": "boolean",
        "jsonPath": ".spec.managed",
        "description": "Whether the agent may change the node.",
    },
    {
        "name": "Updated",
        "type": "date",
        "jsonPath": ".status.lastSuccessfulUpdateTime",
        "description": "Age of the report.",
    },
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    {"name": "Generation", "type": "integer", "jsonPath": ".metadata.generation", "priority": 1},
    {"name": "Observed", "type": "integer", "jsonPath": ".status.observedGeneration", "priority": 1},
    {"name": "Message", "type": "string", "jsonPath": _condition("message"), "priority": 1},
]


def structural(schema: Schema, definitions: Schema) -> Schema:
    """`schema` with references resolved and JSON Schema's idioms replaced by OpenAPI v3's.

    `default: null` goes (absent means absent), and so does a null alternative: what may be null says so itself by
    `nullable` in its json_schema_extra.
    """
    if "$ref" in schema:
        target = definitions[schema["$ref"].rpartition("/")[2]]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    if "anyOf" in schema:
        alternatives = [option for option in schema["anyOf"] if option.get("type") != "null"]
        if len(alternatives) == 1:
            rest = {key: value for key, value in schema.items() if key != "anyOf"}
            return structural({**alternatives[0], **rest}, definitions)
    result: Schema = {}
    for key, value in schema.items():
        match key:
            case "title":
                continue
            case "additionalProperties":
                if isinstance(value, dict):  # not the mere permission of a free-form object
                    result[key] = structural(value, definitions)
            case "default" if value is None or value == []:
                continue
            case "type" if value is None:  # a section that takes something else than a map as well
                continue
            case "properties":
                result[key] = {name: structural(child, definitions) for name, child in value.items()}
            case "items":
                result[key] = structural(value, definitions)
            case _:
                result[key] = value
    if result.get("type") == "integer" and "format" not in result:
        result["format"] = "int64"
    return result


def _schema_of(model: type[BaseModel]) -> Schema:
    schema = model.model_json_schema(by_alias=True)
    definitions = schema.pop("$defs", {})
    return structural(schema, definitions)


def _spec() -> Schema:
    """The schema of spec, with that of desiredState in its place, which the agent itself need not load."""
    spec = _schema_of(Spec)
    fields = spec["properties"]
    fields["desiredState"] = {**_schema_of(DesiredState), **fields["desiredState"]}
    return spec


def custom_resource_definition() -> dict[str, Any]:
    """The CRD as the apiserver takes it."""
    schema = {
        "type": "object",
        "description": NodeNetworkState.__doc__,
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": _spec(),
            # An object that no agent has looked at yet would be Current to kstatus without a generation observed.
            "status": {**_schema_of(Status), "default": {"observedGeneration": -1}},
        },
        "x-kubernetes-validations": [
            {
                "rule": "!has(self.spec) || !has(self.spec.nodeName) || self.spec.nodeName == self.metadata.name",
                "message": "spec.nodeName must be equal to metadata.name: the object is named after its node",
                "fieldPath": ".spec.nodeName",
            }
        ],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Cluster",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["nns"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": _COLUMNS,
                }
            ],
        },
    }


def to_yaml() -> str:
    """The CRD as YAML, the same text for the same models."""

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 — anchors would be noise to readers of the manifest
            return True

    return yaml.dump(custom_resource_definition(), Dumper=Plain, sort_keys=False, width=110, allow_unicode=True)
