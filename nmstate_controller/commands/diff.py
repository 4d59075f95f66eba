"""What a document would change on this host, without a cluster and without a change: `nmstate-controller diff`."""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from nmstate_controller.api.models import KIND, State
from nmstate_controller.commands.show import host
from nmstate_controller.errors import InvalidDesiredState, in_words


async def diff(path: str, *, timeout: float) -> str:
    """One line for each value that differs, empty when there is none. Raises NodeError or SettingsError.

    `path` is of a file in YAML or JSON, `-` for standard input: an nmstate document, or a NodeNetworkState, whose
    desiredState is meant then. Reading the host and comparing may take `timeout` seconds each.
    """
    document = _document(path)
    with host(timeout) as node:
        found = await node.compare(document, await node.show())
    return "".join(f"{one.path}: {_shown(one.current)} -> {_shown(one.desired)}\n" for one in found)


def _document(path: str) -> State:
    name = "standard input" if path == "-" else path
    try:
        parsed = yaml.safe_load(sys.stdin.read() if path == "-" else Path(path).read_text())
        # As kubectl would send it: YAML has dates and keys of any type, JSON has not.
        parsed = json.loads(json.dumps(parsed, default=str))
    except (OSError, TypeError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise InvalidDesiredState(f"{name} cannot be read: {in_words(error)}") from error
    if isinstance(parsed, dict) and parsed.get("kind") == KIND:
        spec = parsed.get("spec")
        parsed = spec.get("desiredState") if isinstance(spec, dict) else None
    if not isinstance(parsed, dict):
        raise InvalidDesiredState(f"{name} holds no nmstate document: a mapping with interfaces, routes, …")
    return parsed


def _shown(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)
