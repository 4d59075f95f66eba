"""Waiting for the answers to several packets at once, without a task for each. Loop only.

The sockets belong to the caller, who closes them. They do not block, and have sent what they had to.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Hashable, Mapping, Set
from dataclasses import dataclass
from typing import Final, TypeVar

_AT_ONCE: Final = 64
_BYTES: Final = 4096

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Question:
    """A socket that has asked, and what tells an answer from whatever else it receives.

    `is_answer` gets a packet as the socket gives it, and its hop limit if the socket reports that (IPV6_RECVHOPLIMIT).
    """

    socket: socket.socket
    is_answer: Callable[[bytes, int | None], bool]


async def answers(questions: Mapping[Key, Question], enough: Callable[[Set[Key]], bool], seconds: float) -> set[Key]:
    """Those that were answered when `enough` said so, or the time was over, or nothing was left to wait for."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    answered: set[Key] = set()
    open_questions = set(questions)

    def close(key: Key) -> None:
        loop.remove_reader(questions[key].socket)
        open_questions.discard(key)
        if not open_questions or enough(answered):
            done.set()

    def read(key: Key) -> None:
        try:
            found = _is_answered(questions[key])
        except OSError:
            # Refused, or the interface went away: this one will not be answered.
            close(key)
            return
        if found:
            answered.add(key)
            close(key)

    with contextlib.ExitStack() as readers:
        for key, question in questions.items():
            loop.add_reader(question.socket, read, key)
            readers.callback(loop.remove_reader, question.socket)
        if questions:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await done.wait()
    return answered


def _is_answered(question: Question) -> bool:
    """Whether an answer is among what has arrived; some packets at a time, so that a flood does not hold the loop."""
    for _ in range(_AT_ONCE):
        try:
            packet, ancillary, _flags, _source = question.socket.recvmsg(_BYTES, socket.CMSG_SPACE(4))
        except BlockingIOError:
            return False
        hops = None
        for level, kind, value in ancillary:
            if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT):
                (hops,) = struct.unpack("=i", value)
        if question.is_answer(packet, hops):
            return True
    return False
