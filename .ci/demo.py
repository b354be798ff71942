#!/usr/bin/env python3
"""Runs the first command of the README as a person would: `.ci/demo.py target/release/orchestra`.

It waits for the first screen of the demo with a session in it, leaves, and demands exit code 0 and an empty folder.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benches"))

import processes  # noqa: E402
from terminal import Gone, Terminal  # noqa: E402


def main():
    binary = os.path.realpath(sys.argv[1])
    place = Path(os.path.realpath(tempfile.mkdtemp(prefix="demo-check-")))
    env = {name: os.environ[name] for name in ("PATH", "LANG", "USER") if name in os.environ}
    env |= {"HOME": str(place), "TMPDIR": str(place), "TERM": "xterm-256color", "SHELL": "/bin/sh"}
    terminal = Terminal([binary, "demo"], env, "/", rows=36, cols=120)
    try:
        terminal.wait(lambda screen: "sessions" in screen.lines()[0] and "1/" in screen.text(), "the first step of the demo", 60)
        terminal.send("q")
        if not terminal.ended(30):
            raise Gone("q does not end the demo")
        left = [path.name for path in place.glob("orchestra-demo*")]
        # A shim whose end has been collected may still be on its way out.
        alive = [pid for pid in processes.running(binary, str(place)) if not processes.gone(pid, 5)]
        if terminal.exit_code or left or alive:
            raise Gone(f"exit code {terminal.exit_code}, folders left: {left}, processes left: {alive}")
        print("the demo came up, was left with q, and left nothing behind")
    finally:
        terminal.close()
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
