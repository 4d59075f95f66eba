"""Calls over the system's D-Bus, each with a deadline and an error of our own. Loop only."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError

from nmstate_controller.errors import NetworkManagerUnavailable, in_words

BUS: Final = "org.freedesktop.DBus"
CALL_SECONDS: Final = 5.0
"""A service that is there answers in milliseconds; one that does not within this time is frozen, or far too busy."""

BROKEN: Final = (OSError, EOFError, TimeoutError, DBusFastError, ValueError, IndexError)
"""What a bus that is away, or goes away in the middle of a message, is raised as; the last two by dbus_fast."""


class Bus:
    """One connection."""

    def __init__(self, bus: MessageBus) -> None:
        self.raw = bus

    async def call(
        self,
        service: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: Sequence[object] = (),
        *,
        within: float | None = CALL_SECONDS,
    ) -> Any:
        """The first value that the method returns, without D-Bus' wrapping; None when it returns nothing.

        Raises NetworkManagerUnavailable when the answer is an error, or none comes within that many seconds.
        """
        body = await self.raw_call(service, path, interface, member, signature, body, within=within)
        return plain(body[0]) if body else None

    async def raw_call(
        self,
        service: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: Sequence[object] = (),
        *,
        within: float | None = CALL_SECONDS,
    ) -> list[Any]:
        """All values that the method returns, as dbus_fast has them. Raises what `call` does."""
        message = Message(
            destination=service, path=path, interface=interface, member=member, signature=signature, body=list(body)
        )
        try:
            async with asyncio.timeout(within):
                reply = await self.raw.call(message)
        except TimeoutError as error:
            raise NetworkManagerUnavailable(f"{_name(service)} does not answer within {within:g} s") from error
        except BROKEN as error:
            raise NetworkManagerUnavailable(f"lost the connection to D-Bus: {in_words(error)}") from error
        if reply.message_type is MessageType.ERROR:
            detail = f"{reply.error_name}: {reply.body[0] if reply.body else ''}"
            raise NetworkManagerUnavailable(f"{_name(service)} refused {member}: {detail}")
        found: list[Any] = reply.body
        return found

    async def get(
        self, service: str, path: str, interface: str, name: str, *, within: float | None = CALL_SECONDS
    ) -> Any:
        """A property. Raises NetworkManagerUnavailable."""
        return await self.call(
            service, path, "org.freedesktop.DBus.Properties", "Get", "ss", [interface, name], within=within
        )


@contextlib.asynccontextmanager
async def connected() -> AsyncIterator[Bus]:
    """A connection to the system bus of its own. Raises NetworkManagerUnavailable when there is no bus."""
    bus: MessageBus | None = None
    try:
        try:
            bus = MessageBus(bus_type=BusType.SYSTEM)
            async with asyncio.timeout(CALL_SECONDS):
                await bus.connect()
        except BROKEN as error:
            raise NetworkManagerUnavailable(f"there is no D-Bus: {in_words(error)}") from error
        yield Bus(bus)
    finally:
        if bus is not None:
            bus.disconnect()


def plain(value: Any) -> Any:
    """A value of D-Bus without Variants."""
    if isinstance(value, Variant):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def _name(service: str) -> str:
    return service.rpartition(".")[2]
