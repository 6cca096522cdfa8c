"""Makes `support` importable: builders of domain values and the fake of the ports."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))
