"""`hack/build-libnmstate`, with stand-ins for cargo and maturin."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "build-libnmstate"

MATURIN = """#!/bin/sh
while [ "$1" != --out ]; do shift; done
echo built >> "$COUNT"
echo noise
mkdir -p "$2" && touch "$2/libnmstate-0-py3-none-any.whl"
exit "${STATUS:-0}"
"""


class Builder:
    """Runs the script with a cache and a PATH of its own."""

    def __init__(self, folder: Path) -> None:
        self.programs = folder / "bin"
        self.programs.mkdir()
        self.count = folder / "count"
        self.cache = folder / "cache"
        self.environment = {"PATH": str(self.programs), "XDG_CACHE_HOME": str(self.cache), "COUNT": str(self.count)}
        self.program("cargo", "#!/bin/sh\necho 'cargo 1.88.0 (hash date)'\n")
        self.program("cc", "#!/bin/sh\n")
        self.program("maturin", MATURIN)
        for name in ("sh", "mkdir", "touch"):
            (self.programs / name).symlink_to(f"/bin/{name}")

    def program(self, name: str, text: str) -> None:
        path = self.programs / name
        path.write_text(text)
        path.chmod(0o755)

    def start(self, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(SCRIPT), "--maturin", str(self.programs / "maturin")],
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, **environment: str) -> tuple[int, str, str]:
        process = self.start(**environment)
        output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors

    def builds(self) -> int:
        return len(self.count.read_text().splitlines()) if self.count.exists() else 0


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    return Builder(tmp_path)


def test_prints_the_path_alone_and_builds_once(builder: Builder) -> None:
    status, path, errors = builder.run()
    assert status == 0
    assert "building libnmstate" in errors
    wheel = Path(path.removesuffix("\n"))
    assert wheel.is_file()
    assert wheel.is_relative_to(builder.cache / "nmstate-controller" / "libnmstate")
    assert builder.run() == (0, path, "")
    assert builder.builds() == 1


def test_several_at_once_build_once(builder: Builder) -> None:
    processes = [builder.start() for _ in range(4)]
    paths = {process.communicate(timeout=60)[0] for process in processes}
    assert len(paths) == 1
    assert {process.returncode for process in processes} == {0}
    assert builder.builds() == 1


def test_a_failed_build_leaves_nothing_that_counts_as_a_wheel(builder: Builder) -> None:
    status, output, errors = builder.run(STATUS="1")
    assert (status, output) == (1, "")
    assert errors.endswith("build-libnmstate: maturin failed with exit status 1; its reason is above.\n")
    assert builder.run()[0] == 0
    assert builder.builds() == 2


def test_says_what_is_missing(builder: Builder) -> None:
    builder.program("cargo", "#!/bin/sh\necho 'cargo 1.87.0 (hash date)'\n")
    assert builder.run()[2].endswith("cargo 1.87.0 (hash date) is too old: install Rust 1.88 or newer.\n")
    (builder.programs / "cargo").unlink()
    assert builder.run()[::2] == (1, "build-libnmstate: cargo is missing: install Rust 1.88 or newer.\n")
    (builder.programs / "maturin").unlink()
    assert builder.run()[2] == f"build-libnmstate: no maturin at {builder.programs}/maturin.\n"
    assert builder.builds() == 0
