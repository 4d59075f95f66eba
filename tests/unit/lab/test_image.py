"""What the image's build is told about this machine, and when there is nothing to build."""

import configparser
import json
import tarfile
from pathlib import Path

import pytest
from labkit import image, pause
from labkit.place import CHECKOUT


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user whose pip is not configured yet, besides /etc/pip.conf."""
    for name in image.PIP_OPTIONS:
        monkeypatch.delenv(f"PIP_{name.upper().replace('-', '_')}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    return tmp_path


def read(text: str) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return dict(parser.items("global"))


def test_the_environment_wins_over_files(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine / "pip.conf").write_text(
        "[global]\ntimeout = 7\nretries = 3\n[install]\nindex-url = https://file.test/%s\n"
    )
    monkeypatch.setenv("PIP_RETRIES", "9")

    found = read(image.pip_configuration()[0])

    assert (found["timeout"], found["retries"], found["index-url"]) == ("7", "9", "https://file.test/%s")


def test_what_would_change_where_packages_go_is_left_out(machine: Path) -> None:
    (machine / "pip.conf").write_text("[global]\ntarget = /somewhere\nrequire-virtualenv = true\n")

    assert not {"target", "require-virtualenv"} & read(image.pip_configuration()[0]).keys()


def test_folders_of_wheels_are_known(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", f"{machine} https://wheels.test/")

    text, folders = image.pip_configuration()

    assert read(text)["find-links"].split() == [str(machine), "https://wheels.test/"]
    assert folders == [str(machine)]


def test_the_archive_is_named_after_what_is_in_the_image(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = image.archive()
    monkeypatch.setattr(image, "INPUTS", (*image.INPUTS, "Makefile"))

    assert image.archive() != before
    assert before.parent == machine / "cache/nmstate-controller/image"


def test_every_input_is_there_and_everything_the_dockerfile_copies_is_one() -> None:
    assert not [name for name in image.INPUTS if not (CHECKOUT / name).exists()]
    lines = (CHECKOUT / "Dockerfile").read_text().splitlines()
    copied = {
        word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]
    }
    assert copied <= set(image.INPUTS)


def test_the_pause_image_is_one(tmp_path: Path) -> None:
    archive = tmp_path / "pause.tar"
    pause.make(archive)

    with tarfile.open(archive) as tar:
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None
        assert json.load(manifest)[0]["RepoTags"] == [pause.REFERENCE]
