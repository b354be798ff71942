"""The programs that are measured, behind one face: a bare pseudo-terminal, tmux, and Orchestra.

Invariants: each starts in a folder of its own with a closed environment, and leaves no process behind; the sessions
run the same script; `front` is the session that is on the screen and gets the keys.
"""

import os
import signal
import subprocess
import time

import processes
from engine import Engine
from terminal import Gone, Terminal

ROWS, COLS = 50, 200


class Subject:
    name = ""

    def __init__(self, place):
        self.place = place
        self.terminal = None

    def start(self, front, behind=()):
        """Starts with a session of the role `front` and, behind it, one of each role in `behind`."""
        raise NotImplementedError

    def pids(self):
        """The subject's own processes, without those that run in its sessions."""
        raise NotImplementedError

    def use(self):
        return processes.use(self.pids())

    def wait_ready(self, count, seconds=60.0):
        """Waits until `count` sessions have come so far in all; when that was."""
        deadline = time.monotonic() + seconds
        while self.place.ready() < count:
            data, _ = self.terminal.read(0.001)
            if data:
                self.terminal.show(data)
            elif time.monotonic() > deadline:
                raise Gone(f"{self.name}: no new session within {seconds:.0f} s; the screen shows:\n" + self.terminal.screen.text())
        return time.monotonic()

    def settle(self, seconds=90.0):
        """Waits until its processes have used no CPU to speak of for two seconds in a row."""
        deadline, calm = time.monotonic() + seconds, 0
        before = self.use().cpu
        while calm < 2:
            self.terminal.rest(1.0)
            now = self.use().cpu
            calm = calm + 1 if now - before <= 0.01 else 0
            before = now
            if time.monotonic() > deadline:
                raise Gone(f"{self.name} does not come to rest within {seconds:.0f} s")

    def close(self):
        if self.terminal:
            self.terminal.close()


class Raw(Subject):
    name = "raw"

    def start(self, front, behind=()):
        count = self.place.ready() + 1
        self.terminal = Terminal(self.place.session(front), self.place.env(), self.place.root, ROWS, COLS)
        self.wait_ready(count)
        return self

    def pids(self):
        return []


class Tmux(Subject):
    name = "tmux"

    def __init__(self, place):
        super().__init__(place)
        self.socket = str(place.root / f"tmux-{time.monotonic_ns()}")
        self.config = place.root / "tmux.conf"
        self.config.write_text("set -g history-limit 10000\nset -g default-terminal screen-256color\n")

    def command(self, *args):
        argv = ["tmux", "-S", self.socket, "-f", str(self.config), *args]
        done = subprocess.run(argv, env=self.place.env(), capture_output=True, text=True, check=True, timeout=60)
        return done.stdout.strip()

    def open(self, front="plain"):
        """Starts it, to its first whole frame; milliseconds that took."""
        argv = ["tmux", "-S", self.socket, "-f", str(self.config), "new-session", "-s", "bench", *self.place.session(front)]
        self.terminal = Terminal(argv, self.place.env(), self.place.root, ROWS, COLS)
        shown = self.terminal.wait(lambda screen: "[bench]" in screen.lines()[-1], "the status line of tmux")
        return (shown - self.terminal.started) * 1000

    def start(self, front, behind=()):
        count = self.place.ready() + 1 + len(behind)
        self.open(front)
        self.add(behind)
        self.wait_ready(count)
        return self

    def add(self, roles):
        for role in roles:
            self.command("new-window", "-d", *self.place.session(role))

    def attach_again(self):
        """Milliseconds of leaving nothing but the server, and the first whole frame of a new client."""
        self.command("detach-client", "-s", "bench")
        self.terminal.close()
        self.terminal = Terminal(["tmux", "-S", self.socket, "attach", "-t", "bench"], self.place.env(), self.place.root, ROWS, COLS)
        shown = self.terminal.wait(lambda screen: "[bench]" in screen.lines()[-1], "the status line of tmux")
        return (shown - self.terminal.started) * 1000

    def history(self):
        """Lines that the shortest of its sessions keeps."""
        return min(int(size) for size in self.command("list-panes", "-s", "-F", "#{history_size}").split())

    def pids(self):
        return [int(self.command("display-message", "-p", "#{pid}")), self.terminal.pid]

    def close(self):
        try:
            self.command("kill-server")
        except (subprocess.SubprocessError, OSError):
            pass  # it never started, or went by itself
        super().close()


class Orchestra(Subject):
    name = "orchestra"

    def __init__(self, place, binary, repo):
        super().__init__(place)
        self.binary = os.path.realpath(binary)
        self.repo = repo
        self.home = place.root / f"o{time.monotonic_ns()}"  # short: sockets lie below it
        self.home.mkdir()
        session = str(place.root / "session.sh")
        # In the person's own settings: commands of a project's files would ask for trust first.
        (self.home / "config.yaml").write_text(
            f"agent: bench\nmax_running: 64\nmax_running_total: 64\nui: {{tips: false}}\n"
            f"agents:\n  bench: {{start: [sh, '{session}', '{{prompt}}'], prompt: argument, conversation: none}}\n"
        )
        self.made = 0

    def verb(self, *words):
        """Runs `orchestra WORDS` without a terminal, as a whole process; seconds that it took."""
        env, begun = self.place.env(ORCHESTRA_HOME=str(self.home)), time.monotonic()
        done = subprocess.run([self.binary, *words], env=env, cwd=self.repo, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
        took = time.monotonic() - begun
        if done.returncode != 0:
            raise Gone(f"orchestra {' '.join(words)}: {done.stderr.decode(errors='replace').strip()}")
        return took

    def open(self):
        """Starts it, to its first whole frame: the footer, and the project in the list; milliseconds that took."""
        env = self.place.env(ORCHESTRA_HOME=str(self.home))
        self.terminal = Terminal([self.binary, str(self.repo)], env, self.repo, ROWS, COLS)
        shown = self.terminal.wait(self.is_whole, "the first frame of orchestra")
        return (shown - self.terminal.started) * 1000

    def is_whole(self, screen):
        lines = screen.lines()
        listed = any(self.repo.name in line[:36] for line in lines[1:])
        return listed and "sessions" in lines[0] and "? help" in lines[-1]

    def start(self, front, behind=()):
        self.open()
        self.add(behind)
        self.add([front])
        self.attach()
        return self

    def add(self, roles):
        for role in roles:
            self.create(role)

    def create(self, role):
        """A new task, by the keys a person would press; seconds from Enter until its agent runs in its worktree."""
        self.made += 1
        count, text = self.place.ready() + 1, f"role-{role} number {self.made}"
        selected = subject_of(self.terminal.screen)
        self.terminal.send("n")
        self.terminal.wait("Enter starts it", "the prompt for a new task")
        self.terminal.send(text)
        self.terminal.wait(f"> {text} ", f"{text!r} typed")
        begun = time.monotonic()
        self.terminal.send("\r")
        ready = self.wait_ready(count)
        self.terminal.wait(lambda screen: "Enter starts it" not in screen.text(), "the prompt to close")
        self.terminal.wait(lambda screen: subject_of(screen) != selected, "the new task to be selected")
        return ready - begun

    def attach(self):
        """The session that was made last, which is the selected one, gets the keys."""
        attached = lambda screen: "attached" in screen.lines()[0]
        refused = lambda screen: "Enter: " in screen.lines()[-2]
        for _ in range(50):
            self.terminal.send("\r")
            self.terminal.wait(lambda screen: attached(screen) or refused(screen), "the attached session")
            self.terminal.rest(0.1)  # refused while its agent starts: Enter again, but never into the session
            if attached(self.terminal.screen):
                return
        raise Gone("the session cannot be attached; the screen shows:\n" + self.terminal.screen.text())

    def until_served(self, kind, count, action):
        """Milliseconds from `action` until an engine of that kind answers and has `count` live sessions."""
        begun = time.monotonic()
        action()
        while True:
            engine = Engine.connect(self.home)
            try:
                while engine.face["kind"] == kind:
                    if engine.live_sessions() >= count:
                        return (time.monotonic() - begun) * 1000
            except (EOFError, ConnectionError):
                pass  # it was the one that goes
            finally:
                engine.close()

    def kill(self):
        os.kill(self.terminal.pid, signal.SIGKILL)
        self.terminal.close()

    def pids(self):
        return processes.running(self.binary, str(self.home))

    def close(self):
        super().close()
        # Its shims and an engine without a face outlive it by design; here they must not.
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def subject_of(screen):
    """What the title of the main pane names first: the selected session."""
    return screen.lines()[0].partition("\u252c\u2500 ")[2].split(" ")[0]
