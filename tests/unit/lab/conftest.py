"""hack/ is no package of the project: its tests put it on the path as hack/lab does."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "hack"))
