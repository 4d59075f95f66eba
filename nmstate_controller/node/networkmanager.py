"""What NetworkManager is asked directly, over D-Bus, because libnmstate has no call for it. Loop only.

Names and paths: NetworkManager's D-Bus API (https://networkmanager.dev/docs/api/latest/spec.html).
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import Collection
from typing import Any, Final

from nmstate_controller.errors import NmstateUnavailable
from nmstate_controller.node import dbus
from nmstate_controller.node.dbus import Bus

SERVICE: Final = "org.freedesktop.NetworkManager"

_ROOT: Final = "/org/freedesktop/NetworkManager"
_SETTINGS: Final = f"{_ROOT}/Settings"
_CONNECTION: Final = f"{SERVICE}.Settings.Connection"
_LOOK_SECONDS: Final = 0.05

_UNSAVED: Final = 0x1
_NOBODYS: Final = 0x2 | 0x4 | 0x8
"""Made by NetworkManager for what somebody else set up (generated, external), or gone when it goes down (volatile).

NMSettingsConnectionFlags.
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """What tells one run of NetworkManager from the next, and what was pending and unsaved in it."""

    owner: str
    checkpoints: tuple[str, ...]
    unsaved: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class _Profile:
    path: str
    uuid: str
    interface: str | None


class NetworkManager:
    """Every method opens a connection of its own, and raises NmstateUnavailable."""

    async def answers(self) -> str:
        """NetworkManager's version, which it tells only while its main loop turns."""
        async with dbus.connected() as bus:
            return str(await bus.get(SERVICE, _ROOT, SERVICE, "Version"))

    async def standing(self) -> Standing:
        """What there is before a change."""
        async with dbus.connected() as bus:
            owner, checkpoints, unsaved = await asyncio.gather(_owner(bus), _checkpoints(bus), _unsaved(bus))
            return Standing(owner, tuple(checkpoints), tuple(profile.uuid for profile in unsaved))

    async def is_pending(self, checkpoint: str, owner: str) -> bool | None:
        """Whether that checkpoint is still there; None when NetworkManager has been started anew since."""
        async with dbus.connected() as bus:
            if await _owner(bus) != owner:
                return None
            return checkpoint in await _checkpoints(bus)

    async def new_checkpoint(self, known: Collection[str], returned: asyncio.Event) -> str | None:
        """Wait for a checkpoint that is not among those `known`: NetworkManager takes but one at a time.

        However long it takes to answer: it may be busy with the very change that the checkpoint guards. None when there
        is none although the call that makes it has `returned`.
        """
        async with dbus.connected() as bus:
            while True:
                is_last = returned.is_set()
                for found in await _checkpoints(bus, within=None):
                    if found not in known:
                        return found
                if is_last:
                    return None
                await asyncio.sleep(_LOOK_SECONDS)

    async def name_servers(self) -> list[str]:
        """The DNS servers that the node uses now."""
        async with dbus.connected() as bus:
            found = await bus.get(SERVICE, f"{_ROOT}/DnsManager", f"{SERVICE}.DnsManager", "Configuration")
        entries = found or []
        # Servers set for the whole node, and not for an interface, are used alone.
        counting = [entry for entry in entries if not entry.get("interface")] or entries
        servers = [str(server) for entry in counting for server in entry.get("nameservers", [])]
        return list(dict.fromkeys(servers))

    async def save(self, *, unless_in: Collection[str], interfaces: Collection[str]) -> None:
        """Write to disk the profiles that are in memory only.

        Those whose uuid is in `unless_in` were so before us, and are saved only if they are of one of `interfaces`.
        """
        async with dbus.connected() as bus:
            for profile in await _unsaved(bus):
                if profile.uuid not in unless_in or profile.interface in interfaces:
                    await bus.call(SERVICE, profile.path, _CONNECTION, "Save")


async def _owner(bus: Bus) -> str:
    return str(await bus.call(dbus.BUS, "/org/freedesktop/DBus", dbus.BUS, "GetNameOwner", "s", [SERVICE]))


async def _checkpoints(bus: Bus, *, within: float | None = dbus.CALL_SECONDS) -> list[str]:
    return [str(path) for path in await bus.get(SERVICE, _ROOT, SERVICE, "Checkpoints", within=within) or []]


async def _unsaved(bus: Bus) -> list[_Profile]:
    """The profiles that somebody made and that are not on disk as they are."""
    paths = await bus.call(SERVICE, _SETTINGS, f"{SERVICE}.Settings", "ListConnections")
    found = await asyncio.gather(*(_if_unsaved(bus, path) for path in paths or []))
    return [profile for profile in found if profile is not None]


async def _if_unsaved(bus: Bus, path: str) -> _Profile | None:
    # A profile may be deleted while it is looked at.
    with contextlib.suppress(NmstateUnavailable):
        flags = int(await bus.get(SERVICE, path, _CONNECTION, "Flags"))
        if flags & _UNSAVED and not flags & _NOBODYS:
            settings: dict[str, Any] = await bus.call(SERVICE, path, _CONNECTION, "GetSettings")
            connection = settings.get("connection", {})
            return _Profile(path, str(connection.get("uuid")), connection.get("interface-name"))
    return None
