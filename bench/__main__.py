"""`python -m bench [gateway] [--quick] [--only naru,bare] [--skip latency] [--json FILE] [--no-docs]`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Container
from pathlib import Path

from bench.contenders import STARTERS
from bench.environments import ROOT, require_tools
from bench.processes import BenchError
from bench.report import render, write_into
from bench.results import judge
from bench.run import FULL, PHASES, QUICK, run

PAGE = ROOT / "docs" / "benchmarks.md"


def main() -> int:
    """Status 0 when the run was made, whatever its figures: a goal not met is a finding, not a failure."""
    options = _parse()
    os.chdir(ROOT)
    try:
        require_tools()
        results = run(options.only, options.phases, QUICK if options.quick else FULL)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bench: stopped; every process it started is gone", file=sys.stderr)
        return 130
    text = render(results)
    print(f"\n{text}")
    if options.json:
        document = json.dumps(results.to_json(), ensure_ascii=False, indent=1)
        options.json.write_text(document, encoding="utf-8")
    is_whole = set(options.only) == set(STARTERS) and set(options.phases) == set(PHASES)
    if options.docs or (options.docs is None and is_whole and not options.quick):
        write_into(PAGE, text)
        print(f"written to {PAGE.relative_to(ROOT)}")
    missed = [goal.name for goal in judge(results) if goal.is_met is False]
    print(f"{len(missed)} goals not met" + "".join(f"\n  - {name}" for name in missed))
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("suite", nargs="?", choices=["gateway"], default="gateway")
    parser.add_argument("--quick", action="store_true", help="a smoke run of about 3 minutes")
    parser.add_argument(
        "--only", type=_names(STARTERS), default=list(STARTERS), help=f"of {','.join(STARTERS)}"
    )
    parser.add_argument("--phases", type=_names(PHASES), default=list(PHASES), help=f"of {','.join(PHASES)}")
    parser.add_argument("--json", type=Path, help="where to write all figures")
    parser.add_argument(
        "--docs",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="write docs/benchmarks.md (default: after a full run of everything)",
    )
    return parser.parse_args()


def _names(known: Container[str]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",") if name.strip()]
        unknown = [name for name in names if name not in known]
        if unknown or not names:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown) or 'nothing given'}")
        return names

    return parse


if __name__ == "__main__":
    sys.exit(main())
