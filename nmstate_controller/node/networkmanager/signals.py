"""Notices from NetworkManager over D-Bus: that it went, that it came back, that DNS changed. Loop only.

D-Bus itself may be away or restart at any time; then this waits and connects anew, and counts both as notices.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Final, NoReturn

import structlog
from dbus_fast import Message, MessageType

from nmstate_controller.backoff import Backoff
from nmstate_controller.clock import Clock
from nmstate_controller.errors import NetworkManagerUnavailable, in_words
from nmstate_controller.node.networkmanager import dbus
from nmstate_controller.node.networkmanager.client import SERVICE

_PROPERTIES: Final = f"type='signal',sender='{SERVICE}',interface='org.freedesktop.DBus.Properties'"
_RULES: Final = (
    f"type='signal',sender='{dbus.BUS}',member='NameOwnerChanged',arg0='{SERVICE}'",
    f"{_PROPERTIES},path='/org/freedesktop/NetworkManager/DnsManager'",
    f"{_PROPERTIES},path='/org/freedesktop/NetworkManager/Settings'",
)

log = structlog.get_logger(__name__)


class NetworkManagerNotices:
    """Calls `notice` whenever NetworkManager tells of something that the kernel does not."""

    def __init__(self, notice: Callable[[], None], clock: Clock, rng: random.Random) -> None:
        self._notice = notice
        self._clock = clock
        self._backoff = Backoff(rng, first=0.5, limit=10.0)

    async def run(self) -> NoReturn:
        """Listen until cancelled."""
        while True:
            try:
                await self._listen()
            except (NetworkManagerUnavailable, *dbus.BROKEN) as error:
                log.info("no D-Bus, trying again", error=in_words(error))
            self._notice()
            await self._clock.wait(asyncio.Event(), self._backoff.delay())

    async def _listen(self) -> None:
        """Connect, and return or raise when the connection is lost."""
        async with dbus.connected() as bus:
            for rule in _RULES:
                await bus.call(dbus.BUS, "/org/freedesktop/DBus", dbus.BUS, "AddMatch", "s", [rule])
            bus.raw.add_message_handler(self._take)
            self._backoff.reset()
            self._notice()
            await bus.raw.wait_for_disconnect()

    def _take(self, message: Message) -> None:
        if message.message_type is MessageType.SIGNAL:
            self._notice()
