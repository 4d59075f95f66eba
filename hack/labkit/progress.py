"""What `hack/lab` says while it works: one line a step, with the time it took, on standard error."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from labkit.errors import LabError

REMINDER_SECONDS = 10.0
"""How often a step that is still running says so: often enough that nobody takes it for dead."""


def say(text: str) -> None:
    """Print one line of progress."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Announce a step's end with its duration, and remind of it every ten seconds until then."""
    started = time.monotonic()
    finished = threading.Event()

    def remind() -> None:
        while not finished.wait(REMINDER_SECONDS):
            say(f"  {text}: {time.monotonic() - started:.0f} s so far")

    reminder = threading.Thread(target=remind, daemon=True)
    reminder.start()
    try:
        yield
    finally:
        finished.set()
        reminder.join()
    say(f"{text}: {time.monotonic() - started:.1f} s")


def run(
    argv: Sequence[str],
    *,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    seconds: float = 60,
) -> str:
    """Run a command of the host and return its standard output; raise LabError with what it said if it fails."""
    try:
        done = subprocess.run(
            argv, input=stdin, env=env, cwd=cwd, capture_output=True, text=True, timeout=seconds, check=False
        )
    except FileNotFoundError as error:
        raise LabError(f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"`{' '.join(argv[:6])} …` did not end within {seconds:.0f} s") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "without a word")[-2000:]
        raise LabError(f"`{' '.join(argv)[:200]}` failed with status {done.returncode}: {said}")
    return done.stdout


def tail(path: Path, lines: int = 15) -> str:
    """Return the last lines of a log, indented, for an error message; empty if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 20_000))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "".join(f"\n    {line}" for line in text.splitlines()[-lines:])
