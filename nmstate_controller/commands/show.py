"""This host as a NodeNetworkState, without a cluster: what `nmstate-controller show` prints."""

import contextlib
import socket
import sys
from collections.abc import Iterator
from typing import Any

import yaml

from nmstate_controller import __version__
from nmstate_controller.api.models import GROUP, KIND, VERSION, Status, Versions
from nmstate_controller.clock import SystemClock
from nmstate_controller.errors import NetworkManagerUnavailable
from nmstate_controller.metrics import Metrics
from nmstate_controller.node import library
from nmstate_controller.node.kernel.system import SystemKernel
from nmstate_controller.node.library import Nmstate
from nmstate_controller.node.report import Filter


@contextlib.contextmanager
def host(timeout: float) -> Iterator[Nmstate]:
    """This host's network, to be read; each look may take `timeout` seconds. Raises SettingsError."""
    library.require_wheel()
    node = Nmstate(
        Metrics(), SystemClock(), SystemKernel(), show_timeout=timeout, apply_timeout=timeout, rollback_timeout=60
    )
    try:
        yield node
    finally:
        node.close()


async def show(patterns: list[str], *, kernel_only: bool, timeout: float) -> str:
    """The object as YAML; `patterns` are of interfaces to leave out. Raises NodeError or SettingsError.

    Without NetworkManager it is what the kernel alone knows, and a line on stderr says so.
    """
    with host(timeout) as node:
        try:
            shown = await node.show(kernel_only=kernel_only)
        except NetworkManagerUnavailable as error:
            print(f"nmstate-controller: {error}; showing what the kernel alone knows", file=sys.stderr)
            shown = await node.show(kernel_only=True)
    status = Status(
        last_successful_update_time=SystemClock().now(),
        versions=Versions(agent=__version__, nmstate=library.VERSION),
    )
    name = socket.gethostname()
    shown_object: dict[str, Any] = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": KIND,
        "metadata": {"name": name},
        "spec": {"nodeName": name},
        "status": {
            "currentState": Filter(patterns).reportable(shown),
            **status.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"conditions"}),
        },
    }
    return yaml.safe_dump(shown_object, sort_keys=False, allow_unicode=True)
