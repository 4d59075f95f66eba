"""What is ours on the command line, and what is for kubectl and for programs on a node."""

import argparse

import pytest
from labkit import cli


def test_what_follows_is_passed_on_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def dispatch(options: argparse.Namespace) -> int:
        seen.append((options.name, options.arguments))
        return 0

    monkeypatch.setattr(cli, "dispatch", dispatch)
    assert cli.main(["--name", "x", "kubectl", "-n", "default", "get", "pods", "--name=y"]) == 0
    assert cli.main(["--name=x", "exec", "node01", "--", "sh", "-n", "--", "x"]) == 0
    assert seen == [("x", ["-n", "default", "get", "pods", "--name=y"]), ("x", ["--", "sh", "-n", "--", "x"])]


def test_an_error_is_one_line_and_status_1(
    capsys: pytest.CaptureFixture[str], tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert cli.main(["--name", "nowhere", "agent", "node01", "start"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "argv",
    [["up", "--nodes", "0"], ["agent", "node01", "start", "--env", "X"], ["exec", "node01"], ["exec", "node01", "--"]],
)
def test_nonsense_is_refused(argv: list[str], tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert cli.main(["--name", "nowhere", *argv]) != 0
