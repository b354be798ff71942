"""Whole flows: many tasks with scripted agents, and what the engine itself takes of the machine."""

import time
from pathlib import Path

import processes
from engine import Engine
from measure import Opened, Row

FLOW = "\n".join(
    ["version: 2", "flows:", "  four:", "    stages:"]
    + [f"      - {{name: s{n}, artifact: a{n}, is_automated: true}}" for n in range(1, 5)]
    + ["    integration: {auto_merge: true}", ""]
)


def flows(run):
    """Tasks through a flow of four stages, each an agent that hands in at once, to the merge into main."""
    count = run.times(200, 4)
    repo = run.place.repository("flows", 200)
    (repo / ".orchestra").mkdir()
    (repo / ".orchestra/workflow.yaml").write_text(FLOW)
    run.place.git(repo, "add", ".")
    run.place.git(repo, "commit", "-q", "-m", "flow")
    with Opened(run.ours(repo)) as subjects:
        for subject in subjects:
            subject.verb("trust", "--trust")
            engine = Engine.connect(subject.home)
            pid = engine.face["pid"]
            own, all_, begun = own_cpu(pid), machine_cpu(), time.monotonic()
            for number in range(count):
                task = {"slug": f"t-{number:03}", "description": f"role-hands number {number}", "flow": "four", "start": True}
                engine.call("task.new", {"project": str(repo), "task": task})
            while open_tasks(engine, repo):
                time.sleep(0.5)
            took = time.monotonic() - begun
            share = (own_cpu(pid) - own) / (machine_cpu() - all_)
            engine.close()
            yield Row(f"{count} tasks through four stages", f"{count / took * 60:.0f} a minute")
            target = "<= 5 % of all CPU used"
            yield Row("the engine's own CPU in that", f"{share * 100:.1f} %", target=target, met=share <= 0.05)


def open_tasks(engine, repo):
    tasks = engine.call("task.list", {"project": str(repo)})["tasks"]
    if stuck := [task for task in tasks if task["state"] in ("failed", "paused", "quiet", "asking", "blocked")]:
        raise RuntimeError(f"{stuck[0]['slug']} is {stuck[0]['state']}: {stuck[0]['reason']}")
    return [task for task in tasks if task["state"] != "merged"]


def own_cpu(pid):
    """Seconds of a process's own threads, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:13]) / processes.TICK


def machine_cpu():
    """Seconds in which the machine's cores were not idle."""
    fields = [int(ticks) for ticks in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / processes.TICK
