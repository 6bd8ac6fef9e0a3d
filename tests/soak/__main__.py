"""./scripts/soak [MINUTES]: mixed load on a real deployment, in which something is killed every quarter of a minute."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.soak.report import report
from tests.soak.soak import plan, soak


def main() -> int:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("minutes", type=float, nargs="?", default=5.0, help="how long (default: 5)")
    seconds = 60 * parser.parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="kalends-soak-") as directory:
        result = soak(Path(directory), seconds, plan(seconds))
    print(report(result))
    for fault in result.faults:
        print(fault, file=sys.stderr)
    return 1 if result.faults else 0


if __name__ == "__main__":
    sys.exit(main())
