"""Brings NetworkManager's profiles, activations and global DNS back to what they were. Loop only.

A checkpoint of NetworkManager's restores less than it seems (src/core/nm-checkpoint.c): it updates the profile of each
device that was active, and leaves it in /run, above the one in /etc; it leaves alone what was changed of other
profiles; it gives a device that was only watched ("connected (externally)") a profile on disk; and it is forgotten when
NetworkManager restarts. `Restoring` does the rest, or all of it.
"""

import asyncio
from collections.abc import Awaitable
from typing import Final

import structlog
from dbus_fast import Variant

from nmstate_controller.errors import NetworkManagerUnavailable
from nmstate_controller.node.networkmanager.dbus import Bus
from nmstate_controller.node.networkmanager.snapshot import (
    CONNECTION,
    DEVICE,
    ROOT,
    SERVICE,
    SETTINGS,
    Device,
    ManagerSnapshot,
    Profile,
    decode,
    decode_settings,
    global_dns,
    take,
)

_TO_DISK: Final = 0x1
_IN_MEMORY: Final = 0x2
_BLOCK_AUTOCONNECT: Final = 0x20
"""NMSettingsUpdate2Flags and NMSettingsAddConnection2Flags."""

_DISCONNECTED, _ACTIVATED, _DEACTIVATING = 30, 100, 110
"""NMDeviceState: what is in between is on its way."""

_NOTHING: Final = "/"
_ROUND_SECONDS: Final = 0.3
_ASK_AGAIN_SECONDS: Final = 6.0

log = structlog.get_logger(__name__)


class Restoring:
    """Brings the profiles, the activations and the global DNS of `before` back, in rounds until nothing is left to do.

    A round asks for what is not so; NetworkManager does it in its own time.
    """

    def __init__(self, bus: Bus, before: ManagerSnapshot) -> None:
        self._bus = bus
        self._before = before
        self._changed: set[str] = set()
        """Profiles that were given their settings back and have not been activated since."""
        self._asked: dict[str, float] = {}
        """For each interface when NetworkManager was last asked to activate or deactivate it."""

    async def run(self, owner: str, seconds: float) -> None:
        """Raises NetworkManagerUnavailable. What cannot be had within that many seconds is left as it is."""
        deadline = asyncio.get_running_loop().time() + seconds
        await self._restore_global_dns()
        while True:
            now = await take(self._bus, owner)
            settled = await self._round(now)
            if settled or asyncio.get_running_loop().time() > deadline:
                return
            await asyncio.sleep(_ROUND_SECONDS)

    async def _round(self, now: ManagerSnapshot) -> bool:
        """Whether there was nothing to do, and nothing is on its way."""
        profiles_done = await self._restore_profiles(now)
        devices_done = await self._restore_devices(now)
        return profiles_done and devices_done

    async def _restore_global_dns(self) -> None:
        if await global_dns(self._bus) != self._before.global_dns:
            value = Variant("a{sv}", decode(self._before.global_dns))
            await self._bus.raw_call(
                SERVICE,
                ROOT,
                "org.freedesktop.DBus.Properties",
                "Set",
                "ssv",
                [SERVICE, "GlobalDnsConfiguration", value],
            )

    async def _restore_profiles(self, now: ManagerSnapshot) -> bool:
        done = True
        for uuid, profile in now.profiles.items():
            known = self._before.profiles.get(uuid)
            if profile.is_user_made and (known is None or not known.is_user_made):
                log.info("removing a profile that the change created", profile=uuid, interface=profile.interface)
                await self._try(self._bus.raw_call(SERVICE, profile.path, CONNECTION, "Delete"))
                done = False
        for uuid, profile in self._before.profiles.items():
            if profile.is_user_made:
                done &= await self._restore_profile(profile, now.profiles.get(uuid))
        return done

    async def _restore_profile(self, profile: Profile, now: Profile | None) -> bool:
        where = _TO_DISK if profile.is_saved else _IN_MEMORY
        settings = decode_settings(profile.settings)
        if now is None:
            log.info("adding a profile that the change removed", profile=profile.uuid, interface=profile.interface)
            await self._try(
                self._bus.raw_call(
                    SERVICE,
                    SETTINGS,
                    f"{SERVICE}.Settings",
                    "AddConnection2",
                    "a{sa{sv}}ua{sv}",
                    [settings, where | _BLOCK_AUTOCONNECT, {}],
                )
            )
        elif now.settings != profile.settings:
            log.info("restoring the settings of a profile", profile=profile.uuid, interface=profile.interface)
            await self._try(
                self._bus.raw_call(SERVICE, now.path, CONNECTION, "Update2", "a{sa{sv}}ua{sv}", [settings, where, {}])
            )
            self._changed.add(profile.uuid)
        elif profile.is_saved and not now.is_saved:
            await self._try(self._bus.raw_call(SERVICE, now.path, CONNECTION, "Save"))
        else:
            return True
        return False

    async def _restore_devices(self, now: ManagerSnapshot) -> bool:
        done = True
        order = sorted(self._before.devices, key=self._is_port)
        for name in order:
            device = now.devices.get(name)
            if not await self._restore_device(name, device, now):
                done = False
        return done and all(
            device.state <= _DISCONNECTED or device.state == _ACTIVATED
            for name, device in now.devices.items()
            if name in self._before.devices
        )

    def _is_port(self, name: str) -> bool:
        profile = self._before.active_profile(name)
        return profile is not None and bool(profile.controller)

    async def _restore_device(self, name: str, device: Device | None, now: ManagerSnapshot) -> bool:
        wanted = self._before.active_profile(name)
        if wanted is None:
            return device is None or await self._deactivate(name, device, now)
        there = now.profiles.get(wanted.uuid)
        if there is None:
            return False
        active = device.profile if device is not None and device.state < _DEACTIVATING else ""
        if active == wanted.uuid and wanted.uuid not in self._changed:
            return True
        if not self._may_ask(name):
            return False
        log.info("reactivating a profile", interface=name, profile=wanted.uuid)
        self._changed.discard(wanted.uuid)
        await self._try(
            self._bus.raw_call(
                SERVICE,
                ROOT,
                SERVICE,
                "ActivateConnection",
                "ooo",
                [there.path, device.path if device is not None else _NOTHING, _NOTHING],
            )
        )
        return False

    async def _deactivate(self, name: str, device: Device, now: ManagerSnapshot) -> bool:
        """What was not active, or only watched, is so again."""
        profile = now.active_profile(name)
        if profile is None or device.state >= _DEACTIVATING:
            return True
        if profile.uuid not in self._before.profiles or not self._may_ask(name):
            # It goes with its profile, or with what NetworkManager was asked for.
            return False
        log.info("deactivating a profile that was not active before", interface=name, profile=profile.uuid)
        await self._try(self._bus.raw_call(SERVICE, device.path, DEVICE, "Disconnect"))
        return False

    def _may_ask(self, name: str) -> bool:
        """Not twice in quick succession: an activation takes its time, and a cable that was pulled does not come."""
        now = asyncio.get_running_loop().time()
        if now - self._asked.get(name, -_ASK_AGAIN_SECONDS) < _ASK_AGAIN_SECONDS:
            return False
        self._asked[name] = now
        return True

    async def _try(self, call: Awaitable[object]) -> None:
        """What NetworkManager refuses now it may do in the next round."""
        try:
            await call
        except NetworkManagerUnavailable as error:
            log.warning("NetworkManager refused a step of the rollback", error=str(error))
