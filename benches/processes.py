"""What processes use, read from /proc."""

import os
import select
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Use:
    """Seconds of CPU with those of collected children, voluntary context switches of each thread, bytes of PSS."""

    cpu: float
    switches: dict
    pss: int
    count: int

    @property
    def wakeups(self):
        return sum(self.switches.values())

    def since(self, before):
        """What was used after `before`; a thread that ended meanwhile takes its switches with it."""
        switches = {thread: count - before.switches.get(thread, 0) for thread, count in self.switches.items()}
        return Use(self.cpu - before.cpu, switches, self.pss, self.count)


def use(pids):
    """The sum over processes; one that ended meanwhile counts nothing."""
    total = Use(0.0, {}, 0, 0)
    for pid in pids:
        try:
            seconds, threads, memory = cpu(pid), switches(pid), pss(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
        total = Use(total.cpu + seconds, total.switches | threads, total.pss + memory, total.count + 1)
    return total


def cpu(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / TICK


def switches(pid):
    found = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            status = (thread / "status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        found[thread.name] = int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    return found


def pss(pid):
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def gone(pid, seconds):
    """Waits for the end of a process; False when it takes longer."""
    try:
        held = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([held], [], [], seconds)[0])
    finally:
        os.close(held)


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
