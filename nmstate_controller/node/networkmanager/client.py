"""What NetworkManager is asked directly, over D-Bus, because libnmstate has no call for it. Loop only.

Names and paths: NetworkManager's D-Bus API (https://networkmanager.dev/docs/api/latest/spec.html).
"""

import asyncio
import contextlib
from collections.abc import Collection
from typing import Final

from dbus_fast import Variant

from nmstate_controller.errors import NetworkManagerUnavailable
from nmstate_controller.node.networkmanager import dbus
from nmstate_controller.node.networkmanager.dbus import Bus
from nmstate_controller.node.networkmanager.restore import Restoring
from nmstate_controller.node.networkmanager.snapshot import (
    CONNECTION,
    DEVICE,
    ROOT,
    SERVICE,
    ManagerSnapshot,
    restore_autoconnect,
    take,
)

__all__ = ["SERVICE", "ManagerSnapshot", "NetworkManager"]

_LOOK_SECONDS: Final = 0.05
_CHECKPOINT: Final = f"{SERVICE}.Checkpoint"


class NetworkManager:
    """Every method opens a connection of its own, and raises NetworkManagerUnavailable."""

    async def answers(self) -> str:
        """NetworkManager's version, which it tells only while its main loop turns."""
        async with dbus.connected() as bus:
            return str(await bus.get(SERVICE, ROOT, SERVICE, "Version"))

    async def snapshot(self) -> ManagerSnapshot:
        """What there is before a change."""
        async with dbus.connected() as bus:
            return await take(bus, await _owner(bus))

    async def is_pending(self, checkpoint: str, owner: str) -> bool | None:
        """Whether that checkpoint is still there; None when NetworkManager has been started anew since."""
        async with dbus.connected() as bus:
            if await _owner(bus) != owner:
                return None
            return checkpoint in await _checkpoints(bus)

    async def new_checkpoint(self, since: int, timeout: int, returned: asyncio.Event) -> str | None:
        """Wait for the checkpoint that was made after `since` (milliseconds of CLOCK_BOOTTIME) with that timeout.

        Another tool's has another moment or another timeout (seconds). However long it takes to answer:
        NetworkManager may be busy with the very change that the checkpoint guards. None when there is none although
        the call that makes it has `returned`.
        """
        async with dbus.connected() as bus:
            while True:
                is_last = returned.is_set()
                for found in await _checkpoints(bus, within=None):
                    if await _is_ours(bus, found, since, timeout):
                        return found
                if is_last:
                    return None
                await asyncio.sleep(_LOOK_SECONDS)

    async def name_servers(self) -> list[str]:
        """The DNS servers that the node uses now."""
        async with dbus.connected() as bus:
            found = await bus.get(SERVICE, f"{ROOT}/DnsManager", f"{SERVICE}.DnsManager", "Configuration")
        entries = found or []
        # Servers set for the whole node, and not for an interface, are used alone.
        counting = [entry for entry in entries if not entry.get("interface")] or entries
        servers = [str(server) for entry in counting for server in entry.get("nameservers", [])]
        return list(dict.fromkeys(servers))

    async def restore(self, before: ManagerSnapshot, seconds: float) -> None:
        """Bring profiles, activations and the global DNS back, as far as that can be had within that many seconds."""
        async with dbus.connected() as bus:
            await Restoring(bus, before).run(await _owner(bus), seconds)
            await restore_autoconnect(bus, before)

    async def restore_autoconnect(self, before: ManagerSnapshot, interfaces: Collection[str]) -> None:
        """Let those devices activate profiles by themselves if they might do so before, and else not."""
        async with dbus.connected() as bus:
            await restore_autoconnect(bus, before, interfaces)

    async def set_route_metric(self, interface: str, family: str, metric: int) -> None:
        """Give the routes of an interface that leave it to NetworkManager that metric, until the next activation.

        `family` is `ipv4` or `ipv6`. NetworkManager gives a device another default at each activation when others have
        taken the one it had, and keeps it for as long as the device is active.
        """
        async with dbus.connected() as bus:
            path = await bus.call(SERVICE, ROOT, SERVICE, "GetDeviceByIpIface", "s", [interface])
            settings, version = await bus.raw_call(SERVICE, path, DEVICE, "GetAppliedConnection", "u", [0])
            settings.setdefault(family, {})["route-metric"] = Variant("x", metric)
            await bus.raw_call(SERVICE, path, DEVICE, "Reapply", "a{sa{sv}}tu", [settings, version, 0])

    async def save(self, before: ManagerSnapshot, interfaces: Collection[str]) -> None:
        """Write to disk the profiles that a change left in memory, and those of `interfaces`.

        What somebody else left in memory before the change is left there, unless the change altered it.
        """
        async with dbus.connected() as bus:
            now = await take(bus, await _owner(bus))
            for uuid, profile in now.profiles.items():
                known = before.profiles.get(uuid)
                ours = known is None or known.is_saved or known.settings != profile.settings
                if profile.is_user_made and not profile.is_saved and (ours or profile.interface in interfaces):
                    await bus.call(SERVICE, profile.path, CONNECTION, "Save")

    async def not_saved(self, interfaces: Collection[str]) -> list[str]:
        """Those of `interfaces` whose configuration a boot would not find: no profile that somebody made is on disk."""
        async with dbus.connected() as bus:
            return (await take(bus, await _owner(bus))).not_saved(interfaces)


async def _owner(bus: Bus) -> str:
    return str(await bus.call(dbus.BUS, "/org/freedesktop/DBus", dbus.BUS, "GetNameOwner", "s", [SERVICE]))


async def _checkpoints(bus: Bus, *, within: float | None = dbus.CALL_SECONDS) -> list[str]:
    return [str(path) for path in await bus.get(SERVICE, ROOT, SERVICE, "Checkpoints", within=within) or []]


async def _is_ours(bus: Bus, checkpoint: str, since: int, timeout: int) -> bool:
    # It may end while it is looked at.
    with contextlib.suppress(NetworkManagerUnavailable):
        created = await bus.get(SERVICE, checkpoint, _CHECKPOINT, "Created", within=None)
        lasts = await bus.get(SERVICE, checkpoint, _CHECKPOINT, "RollbackTimeout", within=None)
        return int(created) >= since and int(lasts) == timeout
    return False
