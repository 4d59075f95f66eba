"""Every message that a user can meet is explained in docs/developer/messages.md, and nothing else is."""

import ast
import re
from collections.abc import Iterator, Set
from typing import Final

from nmstate_controller import errors
from tests.lab import CHECKOUT

PAGE: Final = CHECKOUT / "docs" / "developer" / "messages.md"
CODE: Final = CHECKOUT / "nmstate_controller"

LEVELS: Final = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
DESCRIPTIONS: Final = frozenset({"description", "help", "rule"})
"""Keywords and keys of what describes a field or an option: `kubectl explain` and `--help` show it by themselves."""

NO_MESSAGES: Final = frozenset({"metrics.py", "desired_state"})
"""Modules and folders that hold only such descriptions."""

FOREIGN: Final = frozenset({"compile", "partition"})
"""Functions whose text is held against what others say."""

PARTS: Final = frozenset(
    {
        "Open vSwitch database",
        "address …/… on …",
        "and … more",
        "at most …",
        "configured DNS servers",
        "recursion limit exceeded",
        "route …/… table …",
        "speed, duplex and auto-negotiation",
        "the kernel does not tell its routes",
        "… and … more",
        "… corrections in … minutes",
        "… default gateway",
    }
)
"""Names and parts that are no message alone, a foreign message that is looked for, and one that errno replaces."""

ROW: Final = re.compile(r"\| (`+) ?(.+?) ?\1 \|")
PLACEHOLDER: Final = re.compile(r"…+|\{\}|\\\d")


def classes(kind: type[Exception]) -> Iterator[str]:
    """The names of an exception class and of all below it."""
    yield kind.__name__
    for below in kind.__subclasses__():
        yield from classes(below)


SPEAKING: Final = {*classes(errors.NmstateControllerError), "ProbeFailed", "NothingToProbe"}


def template(node: ast.AST) -> str | None:
    """The text of a literal, with … for each placeholder; None for anything else."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(template(part) or "…" for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            sides = [template(left), template(right)]
            return "".join(side or "…" for side in sides) if any(sides) else None
        case _:
            return None


def spoken(node: ast.AST) -> list[ast.AST]:
    """What is a message by its place: of an error, a refusal, an event or a line of the log."""
    match node:
        case ast.Call(func=ast.Name(id="Problem"), args=[_, said, *_]):
            pass
        case ast.Call(func=ast.Attribute(attr="record"), args=[_, _, _, said]):
            pass
        case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=name), args=[said, *_]) if name in LEVELS:
            pass
        case ast.Call(func=ast.Name(id=name), args=[said, *_]) if name in SPEAKING:
            pass
        case ast.Raise(exc=ast.Call(args=[said, *_])):
            pass
        case _:
            return []
    return [said.body, said.orelse] if isinstance(said, ast.IfExp) else [said]


def is_sentence(text: str) -> bool:
    """Whether it has three words or more, placeholders counted, and two that are its own."""
    words = [word for word in text.split() if re.search(r"[^\W\d_]{2}|…", word)]
    return len(words) > 2 and sum("…" not in word for word in words) > 1


def texts(node: ast.AST, said: Set[ast.AST]) -> Iterator[tuple[str, int]]:
    """Each message in `node`, and its line; what is `said` is one however short it is, anything else as a sentence."""
    text = template(node)
    if text is not None:
        text = PLACEHOLDER.sub("…", text).strip()
        if text not in PARTS and re.search(r"[^\W\d_]", text) and (node in said or is_sentence(text)):
            yield text, getattr(node, "lineno", 0)
        return
    below = list(ast.iter_child_nodes(node))
    match node:
        case ast.Expr(value=ast.Constant()) | ast.AnnAssign(annotation=ast.Name(id="TypeAlias")):
            return
        case ast.keyword(arg=str(name)) if name in DESCRIPTIONS:
            return
        case ast.Call(func=ast.Attribute(attr=name)) if name in FOREIGN:
            return
        case ast.Dict(keys=keys, values=values):
            names = [key.value if isinstance(key, ast.Constant) else None for key in keys]
            below = [value for name, value in zip(names, values, strict=True) if name not in DESCRIPTIONS]
    for child in below:
        yield from texts(child, said)


def in_code() -> dict[str, str]:
    """Each message, and the file and line that say it first."""
    found: dict[str, str] = {}
    for path in sorted(CODE.rglob("*.py")):
        where = path.relative_to(CODE)
        if NO_MESSAGES.isdisjoint(where.parts):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            said = {message for node in ast.walk(tree) for message in spoken(node)}
            for text, line in texts(tree, said):
                found.setdefault(text, f"{CODE.name}/{where}:{line}")
    return found


def on_page() -> list[tuple[str, str]]:
    """Each message of the page's tables, and its line."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [(number, ROW.match(line)) for number, line in enumerate(lines, start=1)]
    return [(row[2], f"{PAGE.relative_to(CHECKOUT)}:{number}") for number, row in rows if row is not None]


def test_every_message_is_explained() -> None:
    listed = {text for text, _ in on_page()}

    missing = [f"{where}: {text}" for text, where in in_code().items() if text not in listed]
    assert not missing, "not on the page:\n" + "\n".join(missing)


def test_nothing_is_explained_that_the_code_does_not_say() -> None:
    known = in_code()

    unknown = [f"{where}: {text}" for text, where in on_page() if text not in known]
    assert not unknown, "not in the code:\n" + "\n".join(unknown)


def test_nothing_is_explained_twice() -> None:
    listed = [text for text, _ in on_page()]

    assert sorted(set(listed)) == sorted(listed)
