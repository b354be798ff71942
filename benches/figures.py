#!/usr/bin/env python3
"""Prints the figures of the README: Orchestra beside tmux, a bare pseudo-terminal, and bare git, in one run.

    cargo build --release && python3 benches/figures.py
    python3 benches/figures.py --only flood,echo          first-frame, sessions, flood, echo, tasks, handover, rpc, status, flows, opencode
    python3 benches/figures.py --quick                    small sizes, one round: does it all still run?

Exit code: 0 when every figure was measured, 1 when one or its competitor could not be, with --strict also when a target
was missed. Ratios of one run count; absolute times belong to the machine. See docs/performance.md.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))

from measure import Run  # noqa: E402
from measures import MEASURES  # noqa: E402
from terminal import Gone  # noqa: E402
from workplace import Workplace  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(MEASURES), help="figures to measure, with commas between")
    parser.add_argument("--quick", action="store_true", help="small sizes and one round")
    parser.add_argument("--strict", action="store_true", help="a missed target is a failure")
    parser.add_argument("--binary", default=ROOT / "target/release/orchestra", type=Path)
    parser.add_argument("--competitors-only", action="store_true", help="without Orchestra: proves the harness")
    chosen = parser.parse_args()
    chosen.only = chosen.only.split(",")
    if unknown := [name for name in chosen.only if name not in MEASURES]:
        parser.error(f"no figure is called {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    if shutil.which("tmux") is None:
        parser.error("tmux is needed: a figure without its competitor says nothing")
    if not chosen.competitors_only and not chosen.binary.exists():
        parser.error(f"{chosen.binary} is not there: cargo build --release")
    return chosen


def main():
    chosen = arguments()
    print(machine())
    failed, missed = [], []
    print("\n| figure | orchestra | tmux | reference | target | |\n| --- | --- | --- | --- | --- | --- |", flush=True)
    for name in chosen.only:
        place = Workplace(flood_mb=4 if chosen.quick else 64)
        binary = None if chosen.competitors_only else str(chosen.binary)
        try:
            for row in MEASURES[name](Run(place, binary, chosen.quick)):
                mark = {None: "", True: "met", False: "missed"}[row.met]
                cells = (row.figure, row.ours, row.tmux, row.other, row.target, mark)
                print("| " + " | ".join(cells) + " |", flush=True)
                missed += [row.figure] if row.met is False else []
        except (Gone, OSError, subprocess.SubprocessError) as error:
            failed.append(name)
            print(f"{name}: could not be measured: {error}", file=sys.stderr, flush=True)
        finally:
            place.remove()
    if missed:
        print(f"\ntargets missed{' (sizes are too small to judge)' * chosen.quick}: {'; '.join(missed)}")
    if failed:
        print(f"\nnot measured: {', '.join(failed)}")
    return 1 if failed or (chosen.strict and missed) else 0


def machine():
    tmux = subprocess.run(["tmux", "-V"], capture_output=True, text=True, check=True).stdout.strip()
    commit = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True)
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, load {load:.1f} at the start, {tmux}, "
        f"orchestra {commit.stdout.strip()}, terminal of 50 x 200"
    )


if __name__ == "__main__":
    sys.exit(main())
