"""What the agent is changing, noted on the node before it is changed, so that the agent after it can finish or undo it.

One file in a directory on a tmpfs: a reboot, which undoes what is not on disk, takes it along. Root alone may read it,
for a desiredState may hold secrets. Loop only; a note takes about as long to write as to dump.
"""

import contextlib
import os
from enum import StrEnum
from pathlib import Path
from typing import Final

import structlog
from pydantic import BaseModel, ValidationError

from nmstate_controller.api.models import State
from nmstate_controller.errors import JournalFailed
from nmstate_controller.node.kernel.snapshot import KernelSnapshot
from nmstate_controller.node.networkmanager.snapshot import ManagerSnapshot

_FILE: Final = "change.json"

log = structlog.get_logger(__name__)


class Phase(StrEnum):
    """How far a change has come."""

    TRIAL = "trial"
    """It is being applied, or its probes run: it must not stay."""
    FAILING = "failing"
    """As before, and a probe has failed already."""
    PROVEN = "proven"
    """Its probes have passed: if its checkpoint is gone, and not by NetworkManager's timer, it was committed."""
    COMMITTED = "committed"
    """It stays, and has to be made to last."""
    ROLLED_BACK = "lost"
    """It cut the node off and was undone; kept so that it is not tried again, until the object says so itself."""


class ChangeRecord(BaseModel):
    """One change. `before` is what `libnmstate.show` returned before it, `document` what was applied.

    `manager` and `kernel` are what the node goes back to.
    """

    uid: str
    generation: int
    retry_at: str | None
    phase: Phase
    document: State
    before: State
    manager: ManagerSnapshot
    kernel: KernelSnapshot
    since: int
    """Milliseconds of CLOCK_BOOTTIME: the checkpoint that guards the change is younger …"""
    timeout: int
    """… and has this timeout, in seconds."""
    checkpoint: str | None = None
    message: str = ""

    def is_about(self, uid: str, generation: int, retry_at: str | None) -> bool:
        """Whether that is the generation, and the attempt asked for, which the change was made for.

        Without `retry_at` no other attempt is asked for.
        """
        return (self.uid, self.generation) == (uid, generation) and retry_at in (None, self.retry_at)

    def at_phase(self, phase: Phase, message: str | None = None) -> "ChangeRecord":
        """The same change at that phase; without `message` it keeps the one it has."""
        return self.model_copy(update={"phase": phase, "message": self.message if message is None else message})

    def guarded_by(self, checkpoint: str | None, since: int) -> "ChangeRecord":
        """The same change, guarded by that checkpoint, or by one that is not known yet and is younger than `since`."""
        return self.model_copy(update={"checkpoint": checkpoint, "since": since})

    def rolled_back(self, message: str) -> "ChangeRecord":
        """The change once it is undone: only which attempt it was, and why, so that it is not made again."""
        return ChangeRecord(
            uid=self.uid,
            generation=self.generation,
            retry_at=self.retry_at,
            phase=Phase.ROLLED_BACK,
            document={},
            before={},
            manager=ManagerSnapshot(owner=""),
            kernel=KernelSnapshot(),
            since=self.since,
            timeout=self.timeout,
            checkpoint=self.checkpoint,
            message=message,
        )


class Journal:
    """At most one note."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / _FILE
        self._note: ChangeRecord | None = None
        self._read = False

    @property
    def note(self) -> ChangeRecord | None:
        """The change that is not settled, this agent's or an earlier one's."""
        if not self._read:
            self._note = self._load()
            self._read = True
        return self._note

    @property
    def current(self) -> ChangeRecord:
        """The change that is under way. Raises JournalFailed when none is noted."""
        if self.note is None:
            raise JournalFailed("the journal has lost the change that was under way")
        return self.note

    def write(self, note: ChangeRecord) -> ChangeRecord:
        """Put `note` in place of the one there is, at once or not at all; returns it. Raises JournalFailed."""
        new = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(note.model_dump_json())
            new.replace(self._path)
        except OSError as error:
            with contextlib.suppress(OSError):
                new.unlink()
            raise JournalFailed(f"the change could not be recorded in {self._path}: {error.strerror}") from error
        self._note, self._read = note, True
        return note

    def amend(self, note: ChangeRecord) -> ChangeRecord:
        """The same for what has happened already: if it cannot be written, this agent alone knows it."""
        try:
            self.write(note)
        except JournalFailed as error:
            log.warning("the journal cannot be written, going on without it", phase=note.phase, error=str(error))
            if note.phase is Phase.ROLLED_BACK:
                # It is undone, and must not be once more by the agent after this one.
                with contextlib.suppress(OSError):
                    self._path.unlink()
            self._note, self._read = note, True
        return note

    def clear(self) -> None:
        """The change is settled. Raises JournalFailed, and keeps the note."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise JournalFailed(
                f"the record of a finished change cannot be removed from {self._path}: {error.strerror}"
            ) from error
        self._note, self._read = None, True

    def _load(self) -> ChangeRecord | None:
        try:
            return ChangeRecord.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            # Nobody but an agent of another version writes there; NetworkManager's timer undoes what it describes.
            log.warning("cannot read the journal of an earlier agent", path=str(self._path), error=type(error).__name__)
            return None
