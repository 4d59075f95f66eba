"""What the network is like now. Every function may be called from any thread and releases the GIL."""

from typing import Any

from . import _native
from ._arguments import flag


def show(
    *, kernel_only: bool = False, include_status_data: bool = False, include_secrets: bool = False
) -> dict[str, Any]:
    """The network's state, from the kernel, NetworkManager and Open vSwitch.

    `kernel_only` asks the kernel alone, which needs neither D-Bus nor NetworkManager. Without
    `include_secrets` passwords are replaced with a placeholder. `include_status_data` does nothing: it is
    there because upstream has it. There is no deadline: a NetworkManager that hangs makes the call hang.

    Raises NmstateError.
    """
    flag("include_status_data", include_status_data)
    return _native.show(flag("kernel_only", kernel_only), False, flag("include_secrets", include_secrets))


def show_running_config(include_secrets: bool = False) -> dict[str, Any]:
    """Like `show`, without what came by DHCP, router advertisement or LLDP.

    Raises NmstateError.
    """
    return _native.show(False, True, flag("include_secrets", include_secrets))
