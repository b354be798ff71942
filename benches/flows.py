"""Whole flows: many tasks through their stages, and what the engine itself takes of the machine."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
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
SHARE = 0.05
SHARED = Path(os.environ.get("ORCHESTRA_SHARED", Path(__file__).resolve().parent.parent.parent / "shared"))


def flows(run):
    """Tasks through a flow of four stages, each an agent that hands in at once, to the merge into main."""
    count = run.times(200, 4)
    for took, share in through(run, "flows", count, {}):
        yield Row(f"{count} tasks through four stages", f"{count / took * 60:.0f} a minute")
        yield Row("the engine's own CPU in that", percent(share), target=f"<= {SHARE:.0%} of all CPU used", met=share <= SHARE)


def opencode(run):
    """The same with OpenCode: in each stage a scripted model has it hand in by a command, at once."""
    if shutil.which("opencode") is None or not server().exists():
        raise OSError("it needs opencode on PATH, and the model server in $ORCHESTRA_SHARED/tools")
    count = run.times(12, 2)
    with model(run.place) as port:
        (run.place.root / "home/.config/opencode").mkdir(parents=True)
        (run.place.root / "home/.config/opencode/opencode.json").write_text(json.dumps(settings(port)))
        for took, share in through(run, "opencode", count, {"agent": "opencode", "mode": "headless"}):
            yield Row(f"{count} tasks through four stages with OpenCode", f"{count / took * 60:.0f} a minute")
            yield Row("the engine's own CPU in that", percent(share), target=f"<= {SHARE:.0%} of all CPU used", met=share <= SHARE)


def through(run, name, count, agent):
    """Seconds that the tasks took, and the engine's own part of the CPU that was used meanwhile."""
    repo = run.place.repository(name, 200)
    (repo / ".orchestra").mkdir()
    (repo / ".orchestra/workflow.yaml").write_text(FLOW)
    run.place.git(repo, "add", ".")
    run.place.git(repo, "commit", "-q", "-m", "flow")
    with Opened(run.ours(repo)) as subjects:
        for subject in subjects:
            with open(subject.home / "config.yaml", "a") as config:
                config.write("  opencode: {env: {OPENCODE_DISABLE_MODELS_FETCH: '1', OPENCODE_DISABLE_DEFAULT_PLUGINS: '1'}}\npermissions: all\n")
            subject.verb("trust", "--trust")
            engine = Engine.connect(subject.home)
            pid = engine.face["pid"]
            own, all_, begun = own_cpu(pid), machine_cpu(), time.monotonic()
            for number in range(count):
                task = {"slug": f"t-{number:03}", "description": f"role-hands number {number}", "flow": "four", "start": True}
                engine.call("task.new", {"project": str(repo), "task": task | agent})
            while open_tasks(engine, repo):
                time.sleep(0.5)
            yield time.monotonic() - begun, (own_cpu(pid) - own) / (machine_cpu() - all_)
            engine.close()


def open_tasks(engine, repo):
    tasks = engine.call("task.list", {"project": str(repo)})["tasks"]
    if stuck := [task for task in tasks if task["state"] in ("failed", "paused", "quiet", "asking", "blocked")]:
        raise RuntimeError(f"{stuck[0]['slug']} is {stuck[0]['state']}: {stuck[0]['reason']}")
    return [task for task in tasks if task["state"] != "merged"]


def server():
    return SHARED / "tools/model_server.py"


@contextlib.contextmanager
def model(place):
    """A model that has an agent hand in, and then ends the turn; its port."""
    scenario = place.root / "scenario.json"
    rule = {"match": {}, "steps": [{"shell": "echo done | orchestra submit"}, {"text": "Done."}]}
    scenario.write_text(json.dumps({"rules": [rule]}))
    argv = [sys.executable, str(server()), "--port", "0", "--lifetime", "1800", "--scenario", str(scenario)]
    with subprocess.Popen(argv, env=place.env(), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as child:
        try:
            yield int(child.stdout.readline())
        finally:
            child.kill()


def settings(port):
    """OpenCode's settings for that model."""
    options = {"baseURL": f"http://127.0.0.1:{port}/v1", "apiKey": "none"}
    limit = {"context": 200_000, "output": 32_000}
    test = {"npm": "@ai-sdk/openai-compatible", "options": options, "models": {"test-model": {"tool_call": True, "limit": limit}}}
    model_name = "test/test-model"
    return {"model": model_name, "small_model": model_name, "enabled_providers": ["test"], "provider": {"test": test}}


def percent(share):
    return f"{share * 100:.1f} %"


def own_cpu(pid):
    """Seconds of a process's own threads, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:13]) / processes.TICK


def machine_cpu():
    """Seconds in which the machine's cores were not idle."""
    fields = [int(ticks) for ticks in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / processes.TICK
