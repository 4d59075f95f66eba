"""hack/ is no package of the project: these tests put it on the path as hack/lab does."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "hack"))
