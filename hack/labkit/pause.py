"""The image of the process that holds a pod's namespaces, made here: ten lines of C, and the archive around them."""

import hashlib
import io
import json
import platform
import tarfile
import tempfile
from pathlib import Path

from labkit.progress import run

REFERENCE = "localhost/pause:lab"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_SOURCE = """\
#include <signal.h>
#include <unistd.h>

static void leave(int number) { (void)number; _exit(0); }

int main(void) {
    signal(SIGINT, leave);
    signal(SIGTERM, leave);
    for (;;) pause();
}
"""


def make(archive: Path) -> None:
    """Write the image, in the format of `docker save`; does nothing if it is there."""
    if archive.exists():
        return
    with tempfile.TemporaryDirectory() as temporary:
        program = Path(temporary) / "pause"
        source = ["gcc", "-static", "-Os", "-s", "-x", "c", "-", "-o", str(program)]
        run(source, stdin=_SOURCE)
        layer = _tar({"pause": program.read_bytes()})
    config = {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Entrypoint": ["/pause"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [REFERENCE], "Layers": ["layer.tar"]}]
    files = {"config.json": json.dumps(config), "manifest.json": json.dumps(manifest)}
    new = archive.with_suffix(".new")
    new.write_bytes(_tar({"layer.tar": layer, **{name: text.encode() for name, text in files.items()}}))
    new.rename(archive)


def _tar(files: dict[str, bytes]) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755
            tar.addfile(member, io.BytesIO(content))
    return output.getvalue()
