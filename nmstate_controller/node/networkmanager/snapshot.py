"""NetworkManager's profiles and what was active at one moment. Loop only.

Names and paths: NetworkManager's D-Bus API (https://networkmanager.dev/docs/api/latest/spec.html).
"""

import base64
import contextlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from dbus_fast import Variant
from pydantic import BaseModel

from nmstate_controller.errors import NetworkManagerUnavailable
from nmstate_controller.node.networkmanager.dbus import Bus
from nmstate_controller.tasks import run_together

SERVICE: Final = "org.freedesktop.NetworkManager"
ROOT: Final = "/org/freedesktop/NetworkManager"
SETTINGS: Final = f"{ROOT}/Settings"
CONNECTION: Final = f"{SERVICE}.Settings.Connection"
DEVICE: Final = f"{SERVICE}.Device"
_ACTIVE: Final = f"{SERVICE}.Connection.Active"
_NOTHING: Final = "/"

UNSAVED: Final = 0x1
NOT_USER_MADE: Final = 0x2 | 0x4 | 0x8
"""Made by NetworkManager for what somebody else set up (generated, external), or gone when it goes down (volatile).

NMSettingsConnectionFlags.
"""
_HAVE_SECRETS: Final = frozenset(
    {"802-1x", "802-11-wireless-security", "adsl", "cdma", "gsm", "macsec", "pppoe", "vpn", "wireguard"}
)
Json = dict[str, Any]


class Profile(BaseModel, frozen=True):
    """`settings` as `encode` makes them, secrets included; empty for a profile that nobody made."""

    uuid: str
    path: str
    interface: str
    filename: str
    flags: int
    settings: Json = {}

    @property
    def is_user_made(self) -> bool:
        """Whether it is more than NetworkManager's own note of what somebody else set up."""
        return not self.flags & NOT_USER_MADE

    @property
    def is_saved(self) -> bool:
        """Whether a boot finds it as it is."""
        return not self.flags & UNSAVED

    @property
    def controller(self) -> str:
        """The controller that the profile names, by interface or uuid; empty for none."""
        connection = self.settings.get("connection", {})
        found = connection.get("master", connection.get("controller", {"value": ""}))
        return str(found.get("value", ""))


class Device(BaseModel, frozen=True):
    """`active` is the D-Bus path of the activation: another one after each; `profile` the uuid of what is active."""

    path: str
    state: int
    active: str = ""
    profile: str = ""
    autoconnect: bool = True


class ManagerSnapshot(BaseModel, frozen=True):
    """What tells one run of NetworkManager from the next (`owner`), and what there was in it."""

    owner: str
    profiles: dict[str, Profile] = {}
    devices: dict[str, Device] = {}
    global_dns: Json = {}

    def active_profile(self, interface: str) -> Profile | None:
        """The profile that somebody made and that is active on the interface."""
        device = self.devices.get(interface)
        profile = self.profiles.get(device.profile) if device is not None else None
        return profile if profile is not None and profile.is_user_made else None

    def not_saved(self, interfaces: Collection[str]) -> list[str]:
        """Those of `interfaces` whose configuration a boot would not find, in order.

        Of a name that is none of a device's, such as an alternative one, nothing can be said.
        """
        of: dict[str, list[Profile]] = {}
        for profile in self.profiles.values():
            if profile.is_user_made:
                of.setdefault(profile.interface, []).append(profile)
        known = {name for name in interfaces if name in self.devices or name in of}
        return sorted(name for name in known if not self._is_saved(name, of.get(name, [])))

    def _is_saved(self, interface: str, profiles: Sequence[Profile]) -> bool:
        active = self.active_profile(interface)
        if active is not None:
            return active.is_saved
        return bool(profiles) and all(profile.is_saved for profile in profiles)

    def differences(self, now: "ManagerSnapshot") -> list[str]:
        """What of the profiles, the activations and the global DNS is not in `now` as it is here. For people."""
        found = []
        for uuid in self.profiles.keys() | now.profiles.keys():
            old, new = (shot.profiles.get(uuid) for shot in (self, now))
            was, is_ = (one is not None and one.is_user_made for one in (old, new))
            name = next((one.interface or one.uuid for one in (old, new) if one is not None), uuid)
            if was != is_:
                found.append(f"profile of {name} is {'gone' if was else 'still there'}")
            elif was and old is not None and new is not None:
                if old.settings != new.settings:
                    found.append(f"profile of {name} has other settings")
                elif old.is_saved and not new.is_saved:
                    found.append(f"profile of {name} is no longer on disk")
        for name in self.devices:
            old, new = (shot.active_profile(name) for shot in (self, now))
            if (old and old.uuid) != (new and new.uuid):
                found.append(f"{name} is {'not active' if new is None else 'active'}")
        if self.global_dns != now.global_dns:
            found.append("global DNS has other settings")
        return sorted(found)

    def reactivated(self, now: "ManagerSnapshot") -> set[str]:
        """The interfaces whose activation is another one now, or is none."""
        return {name for name, device in self.devices.items() if device.active != _active(now, name)}


def _active(snapshot: ManagerSnapshot, name: str) -> str:
    device = snapshot.devices.get(name)
    return device.active if device is not None else ""


async def take(bus: Bus, owner: str) -> ManagerSnapshot:
    """What there is now. Raises NetworkManagerUnavailable."""
    objects: dict[str, Json] = await bus.call(
        SERVICE, "/org/freedesktop", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"
    )
    profiles = await run_together(
        *(_profile(bus, path, found[CONNECTION]) for path, found in objects.items() if CONNECTION in found)
    )
    devices = {}
    for path, found in objects.items():
        device = found.get(DEVICE)
        if device is not None and device.get("Interface") and device.get("Real", True):
            active = str(device.get("ActiveConnection", _NOTHING))
            uuid = objects.get(active, {}).get(_ACTIVE, {}).get("Uuid", "")
            devices[str(device["Interface"])] = Device(
                path=path,
                state=int(device.get("State", 0)),
                active=active if uuid else "",
                profile=str(uuid),
                autoconnect=bool(device.get("Autoconnect", True)),
            )
    return ManagerSnapshot(
        owner=owner,
        profiles={found.uuid: found for found in profiles if found is not None},
        devices=devices,
        global_dns=await global_dns(bus),
    )


async def _profile(bus: Bus, path: str, properties: Json) -> Profile | None:
    # A profile may be deleted while it is looked at.
    with contextlib.suppress(NetworkManagerUnavailable):
        settings: dict[str, dict[str, Variant]] = (await bus.raw_call(SERVICE, path, CONNECTION, "GetSettings"))[0]
        flags = int(properties.get("Flags", 0))
        connection = settings.get("connection", {})
        if not flags & NOT_USER_MADE:
            await _add_secrets(bus, path, settings)
        return Profile(
            uuid=str(connection["uuid"].value),
            path=path,
            interface=str(connection["interface-name"].value) if "interface-name" in connection else "",
            filename=str(properties.get("Filename", "")),
            flags=flags,
            settings={} if flags & NOT_USER_MADE else encode(_lasting(settings)),
        )
    return None


def _lasting(settings: Mapping[str, Mapping[str, Variant]]) -> dict[str, dict[str, Variant]]:
    """Without the moment of the last activation, which is no setting."""
    return {
        name: {key: value for key, value in section.items() if (name, key) != ("connection", "timestamp")}
        for name, section in settings.items()
    }


async def _add_secrets(bus: Bus, path: str, settings: dict[str, dict[str, Variant]]) -> None:
    for name in _HAVE_SECRETS & settings.keys():
        with contextlib.suppress(NetworkManagerUnavailable):
            found = await bus.raw_call(SERVICE, path, CONNECTION, "GetSecrets", "s", [name])
            settings[name] = {**settings[name], **found[0].get(name, {})}


async def restore_autoconnect(bus: Bus, before: ManagerSnapshot, interfaces: Collection[str] | None = None) -> None:
    """Let devices (all, or some) activate profiles by themselves if they might do so before, and else not.

    NetworkManager forbids it to a device that is told to go down, and forgets that when it restarts. Raises
    NetworkManagerUnavailable.
    """
    now = await take(bus, before.owner)
    for name, device in now.devices.items():
        known = before.devices.get(name)
        if known is None or device.autoconnect == known.autoconnect:
            continue
        if interfaces is None or name in interfaces:
            value = [DEVICE, "Autoconnect", Variant("b", known.autoconnect)]
            await bus.raw_call(SERVICE, device.path, "org.freedesktop.DBus.Properties", "Set", "ssv", value)


async def global_dns(bus: Bus) -> Json:
    """The DNS configuration for the whole node, as `encode` makes it. Raises NetworkManagerUnavailable."""
    found = await bus.raw_call(
        SERVICE, ROOT, "org.freedesktop.DBus.Properties", "Get", "ss", [SERVICE, "GlobalDnsConfiguration"]
    )
    configuration: Json = encode(found[0].value)
    return configuration


def encode(value: Any) -> Any:
    """A value of D-Bus as JSON, which keeps the type of each Variant; the reverse of `decode`."""
    if isinstance(value, Variant):
        return {"signature": value.signature, "value": encode(value.value)}
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    return value


def decode(value: Any) -> Any:
    """What `encode` made into JSON."""
    if isinstance(value, dict):
        if value.keys() == {"signature", "value"}:
            return Variant(value["signature"], decode(value["value"]))
        if value.keys() == {"base64"}:
            return base64.b64decode(value["base64"])
        return {key: decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [decode(item) for item in value]
    return value


def decode_settings(settings: Json) -> dict[str, dict[str, Variant]]:
    """A profile's settings as D-Bus takes them."""
    found: dict[str, dict[str, Variant]] = decode(settings)
    return found
