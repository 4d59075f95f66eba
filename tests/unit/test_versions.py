"""What is too old is named in one sentence; what cannot be compared is let be."""

import libnmstate
import pytest

from nmstate_controller.versions import BUILT_FOR, MINIMUM, foreign_libnmstate, unsupported


@pytest.mark.parametrize(
    ("versions", "sentence"),
    [
        (
            {"NetworkManager": "1.30.6", "Kubernetes": "v1.33.2+k3s1"},
            "NetworkManager 1.30.6 is too old: the agent needs NetworkManager 1.40 or later",
        ),
        (
            {"NetworkManager": "1.8.0-9.el7", "Kubernetes": "1.20"},
            (
                "NetworkManager 1.8.0 and Kubernetes 1.20 are too old: "
                "the agent needs NetworkManager 1.40 and Kubernetes 1.32 or later"
            ),
        ),
        (
            {"Kubernetes": "v1.31.12-gke.1265000"},
            "Kubernetes 1.31.12 is too old: the agent needs Kubernetes 1.32 or later",
        ),
    ],
)
def test_what_is_too_old_is_named(versions: dict[str, str], sentence: str) -> None:
    assert unsupported(**versions) == sentence


@pytest.mark.parametrize("version", ["1.40", "1.40.0", "1.42.4-2.el9_2", "1.100.1", "2.0"])
def test_numbers_are_compared_as_numbers(version: str) -> None:
    assert unsupported(NetworkManager=version) is None


@pytest.mark.parametrize("version", [None, "", "unknown", "git-3fa2c1", "7"])
def test_what_cannot_be_compared_is_let_be(version: str | None) -> None:
    assert unsupported(NetworkManager=version, Kubernetes=version) is None


@pytest.mark.parametrize("name", MINIMUM)
def test_the_minimum_itself_does(name: str) -> None:
    assert unsupported(**{name: MINIMUM[name]}) is None


def test_the_wheel_is_the_libnmstate_to_run_with() -> None:
    assert libnmstate.BUILT_FOR == BUILT_FOR
    assert foreign_libnmstate("2.2.62", "/usr/lib", libnmstate.BUILT_FOR) is None


@pytest.mark.parametrize("built_for", [None, "", "another program"])
def test_another_libnmstate_is_named_with_its_place(built_for: str | None) -> None:
    assert foreign_libnmstate("2.2.44", "/usr/lib/python3/dist-packages/libnmstate", built_for) == (
        "libnmstate 2.2.44 at /usr/lib/python3/dist-packages/libnmstate is not the one that nmstate-controller is "
        "built with; install the wheel of hack/build-libnmstate"
    )
