"""Folders, repositories and scripts that the figures are measured on; all of it is made anew and removed afterwards."""

import os
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

WORDS = "compiling linking crate module warning unused variable test passed failed running field value parse line".split()

# What a session runs, by its role. `ready` files tell, without a look at the screen, that a session has come so far.
ROLES = {
    # Nothing: a prompt that waits.
    "plain": "ready; exec cat",
    # A finished agent with 10,000 lines behind it.
    "idle": 'cat "$HERE/history.txt"; ready; exec cat',
    # An agent at work: 30 KB a second.
    "noisy": 'ready; while :; do cat "$HERE/chunk.txt"; sleep 0.1; done',
    # Each line typed brings the big file, then that line as a mark in capitals on a clear screen.
    "flood": 'ready; while read x; do cat "$HERE/flood.txt"; printf "\\033[2J\\033[HEND%sX\\n" "$x"; done',
    # An agent that has nothing to do but to hand in.
    "hands": "ready; echo done | orchestra submit",
    # Every byte comes straight back.
    "echo": "stty raw -echo; ready; exec cat",
}


class Workplace:
    """A folder for one run. `flood_mb`: megabytes of the big file."""

    def __init__(self, flood_mb):
        self.root = Path(os.path.realpath(tempfile.mkdtemp(prefix="figures-")))
        self.flood_bytes = flood_mb << 20
        self.ready_dir = self.root / "ready"
        self.ready_dir.mkdir()
        source = random.Random(1)
        (self.root / "history.txt").write_text("".join(line(source) for _ in range(10_000)))
        (self.root / "chunk.txt").write_text("".join(line(source) for _ in range(40)))
        block = "".join(line(source) for _ in range(20_000)).encode()[: 1 << 20]
        with open(self.root / "flood.txt", "wb") as flood:
            for _ in range(flood_mb):
                flood.write(block)
        script = ["#!/bin/sh", f"HERE='{self.root}'", 'ready() { : > "$HERE/ready/$$"; }', 'case "$1" in']
        script += [f"*role-{role}*) {body} ;;" for role, body in ROLES.items()]
        script += ['*) echo "no role in: $1"; exit 1 ;;', "esac", ""]
        (self.root / "session.sh").write_text("\n".join(script))

    def session(self, role):
        return ["sh", str(self.root / "session.sh"), f"role-{role}"]

    def ready(self):
        """How many sessions have come so far since this workplace was made."""
        return len(os.listdir(self.ready_dir))

    def env(self, **more):
        """A closed environment: nothing of the person's own settings changes a figure."""
        (self.root / "home").mkdir(exist_ok=True)
        return {
            "HOME": str(self.root / "home"),
            "PATH": os.environ["PATH"],
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            "SHELL": "/bin/sh",
            "USER": "bench",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "bench",
            "GIT_AUTHOR_EMAIL": "bench@example.invalid",
            "GIT_COMMITTER_NAME": "bench",
            "GIT_COMMITTER_EMAIL": "bench@example.invalid",
            **more,
        }

    def repository(self, name, files):
        """A repository with one commit of that many small files, a hundred in a folder."""
        repo = self.root / name
        repo.mkdir()
        for number in range(files):
            folder = repo / f"src/part{number // 100:03}"
            if number % 100 == 0:
                folder.mkdir(parents=True)
            (folder / f"file{number % 100:02}.txt").write_text(f"file {number}\n" * (1 + number % 20))
        self.git(repo, "init", "-q", "-b", "main")
        self.git(repo, "add", ".")
        self.git(repo, "commit", "-q", "-m", "start")
        return repo

    def git(self, repo, *args):
        subprocess.run(["git", "-C", str(repo), *args], env=self.env(), check=True, stdin=subprocess.DEVNULL)

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)


def line(source):
    """One line of a build log, of small letters and digits only: 10 to 100 columns, one in five with colors."""
    text = " ".join(source.choice(WORDS) for _ in range(source.randint(2, 11)))
    number = source.randint(100, 999)
    return (f"\x1b[32m   {number}\x1b[0m {text}" if number % 5 == 0 else f"   {number} {text}")[:118] + "\n"
