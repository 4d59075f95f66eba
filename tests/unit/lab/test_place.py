"""Names, folders and locks of labs."""

import threading
from pathlib import Path

import pytest
from labkit.errors import LabError
from labkit.place import Place, default_name


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a/b", "../x", "a b", "a" * 31])
def test_a_name_that_is_no_path_component_or_namespace_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="no name for a lab"):
        Place(name)


def test_the_default_name_is_stable_and_valid() -> None:
    assert default_name() == default_name()
    Place(default_name())


def test_a_path_with_white_space_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/a b")
    with pytest.raises(LabError, match="white space"):
        Place("x")


def test_an_unknown_node_is_refused_by_name() -> None:
    place = Place("x")
    with pytest.raises(LabError, match="not up"):
        place.require_node("node01")
    place.node("node01").mkdir(parents=True)
    assert place.require_node("node01") == "node01"
    with pytest.raises(LabError, match="it has node01"):
        place.require_node("node02")


def test_the_lock_keeps_others_out_and_leaves_no_file(tmp_path: Path) -> None:
    place = Place("x")
    order: list[str] = []
    inside = threading.Event()

    def other() -> None:
        inside.wait(5)
        with place.lock():
            order.append("second")

    thread = threading.Thread(target=other)
    thread.start()
    with place.lock():
        inside.set()
        thread.join(0.3)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]
    assert list((tmp_path / "nmstate-lab").iterdir()) == []


def test_shared_locks_do_not_exclude_each_other() -> None:
    place = Place("x")
    with place.lock(shared=True), place.lock(shared=True):
        pass
