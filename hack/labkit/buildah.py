"""buildah, with a storage of this project's own: builds images without Docker or any other daemon."""

import subprocess
from pathlib import Path

from labkit.errors import LabError
from labkit.place import cache
from labkit.progress import run, tail

BUILD_SECONDS = 3600.0


def folder() -> Path:
    """Where images and what they are built from are kept."""
    return cache() / "image"


def buildah(*arguments: str) -> str:
    """Run a quick command and return what it printed."""
    return run(_command(arguments), seconds=300)


def build(containerfile: Path, context: Path, tag: str, *options: str) -> None:
    """Build a Dockerfile into this storage; raises LabError with the log's end if that fails.

    Bases are those that are in the storage: no registry is asked.
    """
    log = folder() / "build.log"
    arguments = ["bud", "--layers", "--pull=never", "--isolation=chroot", "--format=docker", "--force-rm", "--tag", tag,
                 *options, "--file", str(containerfile), str(context)]  # fmt: skip
    with log.open("wb") as output:
        done = subprocess.run(
            _command(arguments), stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=BUILD_SECONDS,
            check=False,
        )  # fmt: skip
    if done.returncode != 0:
        raise LabError(f"building {tag} failed; {log} ends with:{tail(log)}")


def exists(image: str) -> bool:
    """Whether the storage has an image of that name."""
    return bool(buildah("images", "--quiet", "--filter", f"reference={image}").strip())


def _command(arguments: tuple[str, ...] | list[str]) -> list[str]:
    storage = [f"--root={folder()}/storage", f"--runroot={folder()}/run"]
    # Mounts end with the namespace, also when buildah is killed.
    return ["unshare", "--mount", "--", "buildah", *storage, *arguments]
