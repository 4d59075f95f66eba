"""Documents as users write them: what is there already, what is new and what is wrong, in one.

Each is made from a random source of its own and from what is on the node at that moment; the node keeps what succeeded,
so that it looks more and more like a node that somebody has worked with.
"""

import dataclasses
import random

from tests.e2e.drafts import Draft, Here
from tests.e2e.faults import WRONG
from tests.e2e.parts import RIGHT, Part, own_dns
from tests.lab import Json

WRONG_SHARE = 0.4
"""Of the documents: each costs the time that the probes take."""


@dataclasses.dataclass(frozen=True)
class Document:
    """One to be applied; `parts` says what is in it, `wrong` what of it should not succeed."""

    name: str
    desired: Json
    parts: tuple[str, ...] = ()
    wrong: str | None = None
    probes: list[Json] | None = None


def make(seed: str, facts: Json, own: str) -> Document:
    """The document of that seed for a node with those facts and that address of its own."""
    draft = Draft(random.Random(seed), Here(facts, own))
    wrong = _add(draft, WRONG) if draft.random.random() < WRONG_SHARE else None
    parts: list[str] = []
    for _ in range(draft.random.choice([1, 2, 2, 3, 4])):
        # What is wrong stays as it is: nothing that is right is put in its place.
        found = _add(draft, {name: part for name, part in RIGHT.items() if name not in parts})
        parts += [found] if found is not None else []
    if not draft.document():
        own_dns(draft)
    return Document(seed, draft.document(), tuple(parts), wrong, draft.probes)


def _add(draft: Draft, parts: dict[str, tuple[Part, int]]) -> str | None:
    """Add one of those parts that fits, and return its name; None when none of a few does."""
    names = list(parts)
    for _ in range(5):
        name = draft.random.choices(names, [parts[each][1] for each in names])[0]
        if parts[name][0](draft) is not False:
            return name
    return None
