"""hack/ is no package of the project: its tests put it on the path as the programs in it do."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "hack"))
