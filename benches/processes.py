"""What processes use, read from /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Use:
    """Seconds of CPU with those of collected children, voluntary context switches of all threads, bytes of PSS."""

    cpu: float
    wakeups: int
    pss: int
    count: int

    def __sub__(self, other):
        return Use(self.cpu - other.cpu, self.wakeups - other.wakeups, self.pss - other.pss, self.count - other.count)


def use(pids):
    """The sum over processes; one that ended meanwhile counts nothing."""
    total = Use(0.0, 0, 0, 0)
    for pid in pids:
        try:
            one = Use(cpu(pid), wakeups(pid), pss(pid), 1)
        except (FileNotFoundError, ProcessLookupError):
            continue
        total = Use(total.cpu + one.cpu, total.wakeups + one.wakeups, total.pss + one.pss, total.count + 1)
    return total


def cpu(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / TICK


def wakeups(pid):
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            status = (thread / "status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    return total


def pss(pid):
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def running(program, about):
    """Processes that run the file `program` and name the folder `about` in arguments or environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if os.path.realpath(entry / "exe") != program:
                continue
            words = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if os.fsencode(about) in words:
            found.append(int(entry.name))
    return found
