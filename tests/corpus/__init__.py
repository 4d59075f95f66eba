"""nmstate documents that libnmstate takes, one small file each, and the mistakes that the schema refuses."""

from pathlib import Path
from typing import Any, Final

import yaml

Document = dict[str, Any]


def _load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


DOCUMENTS: Final[dict[str, Document]] = {
    path.stem: _load(path) for path in sorted(Path(__file__).parent.glob("*.yaml")) if path.stem != "mistakes"
}
"""By the name of the file, which says what the document shows."""

MISTAKES: Final[list[tuple[str, Document]]] = [
    (mistake["field"], mistake["document"]) for mistake in _load(Path(__file__).parent / "mistakes.yaml")
]
"""Documents that the schema refuses, each with the path of the field that the message has to name."""
