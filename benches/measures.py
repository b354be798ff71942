"""The figures. Each function yields rows and runs the competitor in the same breath."""

import statistics
import subprocess
import time

from engine import Echo, Engine
from flows import flows, opencode
from measure import Opened, Row
from subjects import Raw, Tmux
from terminal import Gone

MIB = 1 << 20
LETTERS = "^|&"  # in no escape sequence and no frame: drawn by nothing but the echo


def first_frame(run):
    """From exec to the first whole frame; the first start of each, which lays its files, does not count."""
    ours, found = run.ours(run.small_repository()), {}
    for round_ in range(1 + run.times(15, 3)):
        for subject in filter(None, (Tmux(run.place), ours)):
            with Opened(subject):
                took = subject.open()
                found.setdefault(subject.name, []).extend([took] if round_ else [])
    tmux = statistics.median(found["tmux"])
    mine = statistics.median(found["orchestra"]) if ours else None
    yield Row("first frame", ms(mine), ms(tmux), target="<= 50 ms", met=mine and mine <= 50)


def sessions(run):
    """Memory with 1, 20 and 50 idle sessions of 10,000 lines, then CPU and wakeups of the 50."""
    steps, seconds = ((1, 3), 5) if run.quick else ((1, 20, 50), 60)
    found = {}
    for subject in (Tmux(run.place), run.ours(run.small_repository())):
        if subject is None:
            continue
        with Opened(subject):
            fill(subject, steps, found)
            if isinstance(subject, Tmux) and subject.history() < 9_000:
                raise Gone(f"tmux keeps {subject.history()} lines, which is no match")
            before = subject.use()
            subject.terminal.rest(seconds)
            found[subject.name, "idle"] = subject.use().since(before)
    for step in steps:
        mine, tmux = found.get(("orchestra", step)), found["tmux", step]
        last = step == steps[-1]
        yield Row(
            f"memory (PSS), {step} idle session{'s' * (step > 1)} of 10,000 lines",
            *(f"{use.pss / MIB:.1f} MiB, {use.count} processes" if use else "" for use in (mine, tmux)),
            target="<= tmux, <= 204 MiB" if last else "",
            met=mine.pss <= min(tmux.pss, 204 * MIB) if mine and last else None,
        )
    mine, tmux = found.get(("orchestra", "idle")), found["tmux", "idle"]
    load = lambda use: 100 * use.cpu / seconds
    rate = lambda use: use.wakeups / seconds
    texts = [f"{load(use):.2f} % of a core, {rate(use):.1f} wakeups/s" if use else "" for use in (mine, tmux)]
    met = load(mine) <= 0.1 and rate(mine) <= 1 if mine else None
    yield Row(f"idle for {seconds} s, {steps[-1]} sessions", *texts, target="<= 0.1 %, <= 1/s", met=met)


def fill(subject, steps, found):
    if isinstance(subject, Tmux):
        subject.start("idle")
        made = 1
    else:
        subject.open()
        made = 0
    for step in steps:
        count = subject.place.ready() + step - made
        subject.add(["idle"] * (step - made))
        subject.wait_ready(count)
        made = step
        subject.settle()
        found[subject.name, step] = subject.use()


def flood(run):
    """`cat` of the big file in the session in front, until its end is on the outer screen; subjects take turns."""
    size, found = run.place.flood_bytes, {}
    with Opened(Raw(run.place), Tmux(run.place), run.ours(run.small_repository())) as subjects:
        for subject in subjects:
            subject.start("flood")
        for round_ in range(run.times(5)):
            for subject in subjects:
                subject.terminal.settle()
                word = "R" + "ABCDEFGHIJ"[round_]
                before, sent, begun = subject.use(), subject.terminal.received, time.monotonic()
                subject.terminal.send(word + "\r")
                wall = subject.terminal.wait_bytes(f"END{word}X".encode()) - begun
                cpu = subject.use().cpu - before.cpu
                found.setdefault(subject.name, []).append((wall, cpu, subject.terminal.received - sent))
    middle = {name: [statistics.median(values) for values in zip(*rounds)] for name, rounds in found.items()}
    raw, tmux, mine = middle["raw"], middle["tmux"], middle.get("orchestra")
    title = f"cat of {size // MIB} MiB"
    seconds = lambda one: f"{one[0]:.2f} s, {one[0] / raw[0]:.2f} x raw" if one else ""
    met = mine and mine[0] <= 1.3 * raw[0] and mine[0] * 2 <= tmux[0]
    yield Row(title + ", wall", seconds(mine), seconds(tmux), f"raw {raw[0]:.2f} s", "<= 1.3 x raw, <= tmux / 2", met)
    use = [f"{one[1]:.2f} s" if one else "" for one in (mine, tmux)]
    yield Row(title + ", own CPU", *use, target="<= tmux", met=mine and mine[1] <= tmux[1])
    sent = [f"{one[2] / 1e6:.2f} MB" if one else "" for one in (mine, tmux)]
    yield Row(title + ", sent to the outer terminal", *sent, f"raw {raw[2] / 1e6:.0f} MB")


def echo(run):
    """From a key to its echo on the outer screen, alone and with 20 sessions of 30 KB/s behind."""
    for noise in (0, 3 if run.quick else 20):
        found = {}
        subjects = [Tmux(run.place), run.ours(run.small_repository())] + ([] if noise else [Raw(run.place)])
        for subject in filter(None, subjects):
            with Opened(subject):  # one after the other: the noise of one is not the other's
                subject.start("echo", ["noisy"] * noise)
                found[subject.name] = keystrokes(subject.terminal, run.times(1000, 60))
        parts = {name: (statistics.median(all_), percentile(all_, 0.99)) for name, all_ in found.items()}
        behind = f", {noise} noisy sessions behind" if noise else ""
        for index, part in enumerate(("p50", "p99")):
            mine, tmux, raw = (parts[name][index] if name in parts else None for name in ("orchestra", "tmux", "raw"))
            met = mine and mine <= 1.5 * tmux
            ours = f"{mine:.3f} ms, {mine / tmux:.2f} x tmux" if mine else ""
            other = f"raw {raw:.3f} ms" if raw else ""
            yield Row(f"echo {part}{behind}", ours, f"{tmux:.3f} ms", other, "<= 1.5 x tmux", met)


def keystrokes(terminal, count):
    """Milliseconds from each of `count` keys to the read that brought it back."""
    found = []
    while len(found) < count:
        letter = LETTERS[len(found) % len(LETTERS)].encode()
        if len(found) % 40 == 39:
            terminal.send("\r\n")  # a new line, so that no echo wraps
            drain(terminal, 0.05)
        begun = time.monotonic()
        terminal.send(letter)
        found.append((terminal.wait_bytes(letter, 10) - begun) * 1000)
        drain(terminal, 0.02)  # a person types no faster
    return found


def drain(terminal, seconds):
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        terminal.read(left)


def tasks(run):
    """From Enter to the agent at work in its new worktree, against `git worktree add`; they take turns."""
    files = 2_000 if run.quick else 50_000
    repo = run.place.repository("large", files)
    bare, made = [], []
    with Opened(run.ours(repo)) as subjects:
        for subject in subjects:
            subject.open()
        for round_ in range(1 + run.times(7, 2)):
            path, begun = run.place.root / f"bare{round_}", time.monotonic()
            run.place.git(repo, "worktree", "add", "-q", "-b", f"bare{round_}", str(path))
            bare.append(time.monotonic() - begun)
            # Nothing is removed before the end: ext4 without a journal is slow to give out inodes that were freed lately.
            subprocess.run(["sync", "-f", str(run.place.root)], check=True)  # one's writes are not the other's wait
            for subject in subjects:
                made.append(subject.create("plain"))
                subject.settle()
                subprocess.run(["sync", "-f", str(run.place.root)], check=True)
    git, mine = statistics.median(bare[1:]), made and statistics.median(made[1:])
    ours = f"{mine * 1000:.0f} ms, {mine / git:.2f} x git" if mine else ""
    met = mine <= 1.1 * git if mine else None
    yield Row(f"new task, {files:,} files", ours, "", f"git worktree add {git * 1000:.0f} ms", "<= 1.1 x git", met)


def handover(run):
    """Leaving 50 sessions to an engine without a face, taking them back, and finding them again after kill -9."""
    count, found = run.times(50, 5), {"left": [], "back": [], "crash": []}
    with Opened(run.ours(run.small_repository()), Tmux(run.place)) as subjects:
        for subject in subjects:
            subject.start("idle", ["idle"] * (count - 1))
            subject.settle()
        tmux = subjects[-1]
        attached = [tmux.attach_again() for _ in range(run.times(5))]
        for subject in subjects[:-1]:
            subject.terminal.send("\x11")  # Ctrl-Q: back from the session to the list
            for _ in range(run.times(5)):
                found["left"].append(subject.until_served("headless", count, lambda: subject.terminal.send("q")))
                found["back"].append(subject.until_served("tui", count, subject.open))
                subject.settle()
                subject.kill()
                found["crash"].append(subject.until_served("tui", count, subject.open))
                subject.settle()
    reference = f"attach again {ms(statistics.median(attached))}"
    targets = [("q until a headless engine has", "left", 200), ("start until the screen has", "back", 200)]
    for what, name, target in [*targets, ("start after kill -9 until the screen has", "crash", 1000)]:
        mine = found[name] and statistics.median(found[name])
        yield Row(f"{what} all of {count} sessions", ms(mine), reference, target=f"<= {target} ms", met=mine and mine <= target)


def rpc(run):
    """Round trips on the engine's socket while sessions write 30 KB/s each, beside a bare socket that echoes."""
    noise, count = (3, 100) if run.quick else (20, 3000)
    methods = {"engine.ping": {}, "task.list": {"project": "small"}}
    found = {name: [] for name in ("bare", *methods)}
    with Opened(run.ours(run.small_repository()), Echo()) as (*subjects, bare):
        engines = []
        for subject in subjects:
            subject.start("plain", ["noisy"] * noise)
            engines.append(Engine.connect(subject.home))
        with Opened(*engines):
            for _ in range(count):
                found["bare"].append(bare.round_trip(b"x" * 100))
                for name, params in methods.items():
                    found[name] += [engine.round_trip(name, params) for engine in engines]
    for name in methods:
        for part in (0.5, 0.99):
            mine, least = found[name] and percentile(found[name], part), percentile(found["bare"], part)
            what = f"{name} p{part * 100:.0f}, {noise} noisy sessions"
            target = "<= 2 ms" if part == 0.99 else ""
            yield Row(what, ms3(mine), "", f"bare socket {ms3(least)}", target, mine <= 2 if mine and target else None)


def status(run):
    """`orchestra status` as a whole process, with the engine running and with none; tmux lists its windows."""
    count, rounds = run.times(100, 5), run.times(30, 3)
    found = {}
    with Opened(Tmux(run.place), run.ours(run.small_repository())) as subjects:
        for subject in subjects:
            if isinstance(subject, Tmux):
                subject.start("plain", ["plain"] * (count - 1))
            else:
                for number in range(count):
                    subject.verb("new", f"task-{number:03}", "-d", f"# Task {number}\n\nWhat is to be done.")
        for _ in range(1 + rounds):
            for subject in subjects:
                if isinstance(subject, Tmux):
                    begun = time.monotonic()
                    subject.command("list-windows")
                    found.setdefault("tmux", []).append((time.monotonic() - begun) * 1000)
                    continue
                found.setdefault("running", []).append(subject.verb("status") * 1000)
                subject.verb("rpc", "engine.handover")
                found.setdefault("none", []).append(subject.verb("status") * 1000)
    middle = {name: statistics.median(values[1:]) for name, values in found.items()}
    for name, title, limit in (("running", "the engine running", 30), ("none", "no engine running", 150)):
        mine = middle.get(name)
        tmux = f"list-windows {ms(middle['tmux'])}" if name == "running" else ""
        yield Row(f"status of {count} tasks, {title}", ms(mine), tmux, target=f"<= {limit} ms", met=mine and mine <= limit)


def percentile(values, part):
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


def ms3(value):
    return f"{value:.3f} ms" if value else ""


def ms(value):
    return f"{value:.1f} ms" if value else ""


MEASURES = {"first-frame": first_frame, "sessions": sessions, "flood": flood, "echo": echo, "tasks": tasks}
MEASURES |= {"handover": handover, "rpc": rpc, "status": status, "flows": flows, "opencode": opencode}
