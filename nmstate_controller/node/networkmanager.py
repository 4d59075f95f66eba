"""Notices from NetworkManager over D-Bus: that it went, that it came back, that DNS changed. Loop only.

D-Bus itself may be away or restart at any time; then this waits and connects anew, and counts both as notices.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Final, NoReturn

import structlog
from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError

from nmstate_controller.backoff import Backoff
from nmstate_controller.clock import Clock

NAME: Final = "org.freedesktop.NetworkManager"

_PROPERTIES: Final = f"type='signal',sender='{NAME}',interface='org.freedesktop.DBus.Properties'"
_RULES: Final = (
    f"type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{NAME}'",
    f"{_PROPERTIES},path='/org/freedesktop/NetworkManager/DnsManager'",
    f"{_PROPERTIES},path='/org/freedesktop/NetworkManager/Settings'",
)
_CALL_SECONDS: Final = 5.0

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
            except (OSError, EOFError, TimeoutError, DBusFastError, ValueError, IndexError) as error:
                # The last three are what dbus_fast makes of a connection that ends in the middle of a message.
                log.info("no D-Bus, trying again", error=str(error) or type(error).__name__)
            self._notice()
            await self._clock.wait(asyncio.Event(), self._backoff.delay())

    async def _listen(self) -> None:
        """Connect, and return or raise when the connection is lost."""
        bus = MessageBus(bus_type=BusType.SYSTEM)
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                await bus.connect()
                for rule in _RULES:
                    await _call(bus, "AddMatch", "s", [rule])
            bus.add_message_handler(self._take)
            self._backoff.reset()
            self._notice()
            await bus.wait_for_disconnect()
        finally:
            bus.disconnect()

    def _take(self, message: Message) -> None:
        if message.message_type is MessageType.SIGNAL:
            self._notice()


async def _call(bus: MessageBus, member: str, signature: str, body: list[object]) -> list[object]:
    reply = await bus.call(
        Message(
            destination="org.freedesktop.DBus",
            path="/org/freedesktop/DBus",
            interface="org.freedesktop.DBus",
            member=member,
            signature=signature,
            body=body,
        )
    )
    if reply.message_type is MessageType.ERROR:
        raise OSError(f"{member}: {reply.error_name} {reply.body}")
    return list(reply.body)
