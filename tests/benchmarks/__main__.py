"""`python -m tests.benchmarks NAME`: measurements that anyone can repeat; none of them is a test."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

NAMES = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def main() -> int:
    """Run the measurement named."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in NAMES:
        sys.stderr.write(f"usage: python -m tests.benchmarks NAME; names: {', '.join(NAMES)}\n")
        return 2
    importlib.import_module(f"tests.benchmarks.{name}").main(sys.argv[2:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
