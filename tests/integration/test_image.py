"""The image that the Dockerfile makes: small, with nothing to build with, and it runs where nothing can be written."""

import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nmstate_controller import __version__
from nmstate_controller.api.crd import to_yaml
from tests.lab import CHECKOUT, Json

# The first build takes minutes.
pytestmark = pytest.mark.timeout(3600)

MAX_SIZE = 120e6
"""Unpacked bytes beyond the base."""


class Image:
    """An image's archive, unpacked."""

    def __init__(self, archive: Path, folder: Path) -> None:
        self.root = folder / "root"
        self._unpack(archive, folder / "archive")
        manifest = self._json(folder / "archive" / "manifest.json")[0]
        self.tags: list[str] = manifest["RepoTags"]
        self.config: Json = self._json(folder / "archive" / manifest["Config"])["config"]
        self.layers = [folder / "archive" / layer for layer in manifest["Layers"]]
        for layer in self.layers:
            self._unpack(layer, self.root)

    @staticmethod
    def _unpack(archive: Path, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        # GNU tar, as root, keeps owners and modes.
        subprocess.run(["tar", "-xf", archive, "-C", folder], check=True)

    @staticmethod
    def _json(path: Path) -> Any:
        return json.loads(path.read_text())

    def run(self, *command: str) -> str:
        """What a command prints in the image, with its file system read-only, no network and no /proc."""
        script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec chroot "$0" "$@"'
        done = subprocess.run(
            ["unshare", "--mount", "--net", "--", "sh", "-ec", script, self.root, *command],
            env=dict(variable.split("=", 1) for variable in self.config["Env"]),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    done = subprocess.run([CHECKOUT / "hack/lab", "image"], stdout=subprocess.PIPE, text=True, check=True)
    return Image(Path(done.stdout.strip()), tmp_path_factory.mktemp("image"))


def own_files(image: Image) -> Iterator[tarfile.TarInfo]:
    """What the image adds to its base."""
    for layer in image.layers[1:]:
        with tarfile.open(layer) as tar:
            yield from tar


def test_it_is_small(image: Image) -> None:
    assert sum(layer.stat().st_size for layer in image.layers[1:]) < MAX_SIZE


def test_it_is_what_the_manifests_ask_for(image: Image) -> None:
    daemonset = (CHECKOUT / "manifests/daemonset.yaml").read_text()
    asked = daemonset.partition("image: ")[2].split()[0]

    assert [tag.rpartition("/")[2] for tag in image.tags] == [asked]
    assert image.config["Labels"]["org.opencontainers.image.version"] == __version__
    assert image.config["Entrypoint"] == ["nmstate-controller"]
    assert "Healthcheck" not in image.config


def test_it_has_nothing_to_build_or_install_with(image: Image) -> None:
    tools = {"gcc", "cc", "c99", "ld", "as", "cargo", "rustc", "make", "pip", "pip3", "maturin", "uv"}

    assert not [file.name for file in own_files(image) if Path(file.name).name in tools]
    assert not [file.name for file in own_files(image) if file.name.startswith(("root/", "src/", "usr/local/cargo"))]


def test_only_root_can_write(image: Image) -> None:
    command = ["find", str(image.root), "-xdev", "!", "-type", "l", "(", "-perm", "/002", "-o", "!", "-uid", "0", ")"]

    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == ""


def test_sockets_are_found_in_var_run(image: Image) -> None:
    assert (image.root / "var/run").readlink() == Path("/run")


def test_what_it_imports_is_compiled(image: Image) -> None:
    script = (
        "import sys, nmstate_controller.agent;"
        "print([module.__file__ for module in sys.modules.values()"
        " if getattr(module, '__cached__', None) and __import__('os').path.exists(module.__cached__) is False])"
    )

    assert image.run("/opt/nmstate-controller/bin/python", "-c", script) == "[]\n"


def test_its_commands_run(image: Image) -> None:
    assert image.run("nmstate-controller", "--version").strip() == __version__
    assert image.run("nmstate-controller", "crd") == to_yaml()
    assert "currentState" in image.run("nmstate-controller", "show", "--kernel-only")
