"""The bench is a program of the repository and not of the package: it is imported from the root."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
