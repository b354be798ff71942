"""A program in a pseudo-terminal, and just enough of a screen to wait for what it shows.

Invariants: nothing sleeps, every wait has a deadline and names what it waited for; times are taken when bytes arrive,
before they are parsed; the queries that full-screen programs stall on are answered.
"""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
import unicodedata

TOKEN = re.compile(
    r"\x1b\[(?P<params>[0-9;:?<=>!]*)[ -/]*(?P<final>[@-~])"
    r"|\x1b\](?P<osc>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    r"|\x1b[PX^_][^\x1b]*\x1b\\"
    r"|\x1b[ -/]+[0-~]"
    r"|\x1b(?P<escape>[0-OQ-WYZ\\`-~])"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f]+)"
)


class Gone(Exception):
    """The program ended, or did not show in time what was waited for."""


class Screen:
    """The text of a terminal, without its colors."""

    def __init__(self, rows, cols):
        self.rows, self.cols = rows, cols
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.pending = ""
        self.replies = []
        self.saved = (0, 0)
        self.title = ""
        self.reset()

    def reset(self):
        self.cells = [[" "] * self.cols for _ in range(self.rows)]
        self.row = self.col = 0
        self.top, self.bottom = 0, self.rows - 1

    def lines(self):
        return ["".join(row).rstrip() for row in self.cells]

    def text(self):
        return "\n".join(self.lines())

    def feed(self, data):
        self.pending += self.decoder.decode(data)
        at = 0
        while match := TOKEN.match(self.pending, at):
            at = match.end()
            if match["text"]:
                self.write(match["text"])
            elif match["final"]:
                self.control_sequence(match["params"], match["final"])
            elif match["control"]:
                self.control(match["control"])
            elif match["escape"]:
                self.escape(match["escape"])
            elif match["osc"]:
                self.command(match["osc"])
        self.pending = self.pending[at:]
        if len(self.pending) > 65536:  # no sequence is so long: it will never end
            self.pending = self.pending[1:]

    def write(self, text):
        for letter in text:
            if unicodedata.combining(letter) or letter in "\u200d\ufe0f":
                continue
            width = 2 if unicodedata.east_asian_width(letter) in "WF" else 1
            if self.col + width > self.cols:
                self.col = 0
                self.line_feed()
            self.cells[self.row][self.col] = letter
            if width == 2:
                self.cells[self.row][self.col + 1] = ""
            self.col += width

    def line_feed(self):
        if self.row == self.bottom:
            self.scroll(self.top, 1)
        else:
            self.row = min(self.row + 1, self.rows - 1)

    def scroll(self, top, count):
        """Moves the rows from `top` up by `count`, or down when it is negative."""
        height = self.bottom - top + 1
        blank = [[" "] * self.cols for _ in range(min(abs(count), height))]
        kept = self.cells[top : self.bottom + 1]
        kept = kept[count:] + blank if count > 0 else blank + kept[: height + count]
        self.cells[top : self.bottom + 1] = kept[:height]

    def control(self, letter):
        if letter == "\r":
            self.col = 0
        elif letter in "\n\v\f":
            self.line_feed()
        elif letter == "\b":
            self.col = max(self.col - 1, 0)
        elif letter == "\t":
            self.col = min(self.col // 8 * 8 + 8, self.cols - 1)

    def escape(self, letter):
        if letter == "7":
            self.saved = (self.row, self.col)
        elif letter == "8":
            self.row, self.col = self.saved
        elif letter == "D":
            self.line_feed()
        elif letter == "E":
            self.col = 0
            self.line_feed()
        elif letter == "M":
            if self.row == self.top:
                self.scroll(self.top, -1)
            else:
                self.row = max(self.row - 1, 0)
        elif letter == "c":
            self.reset()

    def command(self, osc):
        number, _, value = osc.partition(";")
        if number in ("0", "2"):
            self.title = value
        elif value == "?" and number in ("10", "11", "12"):
            shade = "d0d0" if number != "11" else "1010"
            self.replies.append(f"\x1b]{number};rgb:{shade}/{shade}/{shade}\x1b\\")

    def control_sequence(self, params, final):
        if params[:1] in ("?", "<", "=", ">", "!"):
            self.private(params, final)
            return
        numbers = [int(part) if part.isdigit() else 0 for part in params.split(";")] if params else [0]
        count = max(numbers[0], 1)
        row = self.cells[self.row]
        if final in "Hf":
            self.row = min(count, self.rows) - 1
            self.col = min(max(numbers[1] if len(numbers) > 1 else 1, 1), self.cols) - 1
        elif final in "A":
            self.row = max(self.row - count, 0)
        elif final in "Be":
            self.row = min(self.row + count, self.rows - 1)
        elif final in "Ca":
            self.col = min(self.col + count, self.cols - 1)
        elif final == "D":
            self.col = max(self.col - count, 0)
        elif final in "G`":
            self.col = min(count, self.cols) - 1
        elif final == "d":
            self.row = min(count, self.rows) - 1
        elif final == "J":
            self.erase_screen(numbers[0])
        elif final == "K":
            start = self.col if numbers[0] == 0 else 0
            end = min(self.col + 1, self.cols) if numbers[0] == 1 else self.cols
            row[start:end] = [" "] * (end - start)
        elif final == "X":
            end = min(self.col + count, self.cols)
            row[self.col : end] = [" "] * (end - self.col)
        elif final == "P":
            self.cells[self.row] = (row[: self.col] + row[self.col + count :] + [" "] * self.cols)[: self.cols]
        elif final == "@":
            self.cells[self.row] = (row[: self.col] + [" "] * count + row[self.col :])[: self.cols]
        elif final == "L":
            self.scroll(self.row, -count)
        elif final == "M":
            self.scroll(self.row, count)
        elif final == "S":
            self.scroll(self.top, count)
        elif final == "T":
            self.scroll(self.top, -count)
        elif final == "b" and self.col:
            self.write(row[self.col - 1] * count)
        elif final == "r":
            last = numbers[1] if len(numbers) > 1 and numbers[1] else self.rows
            self.top, self.bottom = count - 1, min(last, self.rows) - 1
            self.row = self.col = 0
        elif final == "c":
            self.replies.append("\x1b[?62;22c")
        elif final == "n" and numbers[0] == 6:
            self.replies.append(f"\x1b[{self.row + 1};{self.col + 1}R")
        elif final == "n" and numbers[0] == 5:
            self.replies.append("\x1b[0n")

    def private(self, params, final):
        if params.startswith("?") and final in "hl" and any(p in ("1049", "47") for p in params[1:].split(";")):
            self.reset()
        elif params.startswith(">") and final == "c":
            self.replies.append("\x1b[>1;10;0c")
        elif params.startswith(">") and final == "q":
            self.replies.append("\x1bP>|bench 1\x1b\\")

    def erase_screen(self, what):
        at, blank = self.row, [" "] * self.cols
        if what == 0:
            self.cells[at][self.col :] = blank[self.col :]
            self.cells[at + 1 :] = [list(blank) for _ in range(self.rows - at - 1)]
        elif what == 1:
            self.cells[at][: self.col + 1] = blank[: self.col + 1]
            self.cells[:at] = [list(blank) for _ in range(at)]
        elif what == 2:
            self.cells = [list(blank) for _ in range(self.rows)]


class Terminal:
    """A program in a pseudo-terminal of its own."""

    def __init__(self, argv, env, cwd, rows=50, cols=200):
        self.screen = Screen(rows, cols)
        self.received = 0
        self.exit_code = None
        self.started = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
                os.chdir(cwd)
                os.execvpe(argv[0], argv, env)
            finally:
                os._exit(127)

    def read(self, seconds):
        """What arrives within that time and when it did: `(None, None)` for nothing; `Gone` at the end."""
        ready, _, _ = select.select([self.fd], [], [], max(seconds, 0))
        if not ready:
            return None, None
        try:
            data = os.read(self.fd, 1 << 16)
        except OSError:
            data = b""
        now = time.monotonic()
        if not data:
            raise Gone("the program ended; its last screen:\n" + self.screen.text())
        self.received += len(data)
        return data, now

    def show(self, data):
        self.screen.feed(data)
        if self.screen.replies:
            self.send("".join(self.screen.replies))
            self.screen.replies.clear()

    def send(self, text):
        data = text.encode() if isinstance(text, str) else text
        while data:
            data = data[os.write(self.fd, data) :]

    def wait(self, shown, what, seconds=20.0):
        """Waits until `shown` holds of the screen (a function, or a text that it holds); when it became so."""
        holds = (lambda screen: shown in screen.text()) if isinstance(shown, str) else shown
        now = time.monotonic()
        deadline = now + seconds
        while not holds(self.screen):
            data, at = self.read(min(deadline - time.monotonic(), 0.05))
            if data:
                now = at
                self.show(data)
            elif time.monotonic() > deadline:
                raise Gone(f"waited {seconds:.0f} s for {what}; the screen shows:\n" + self.screen.text())
        return now

    def wait_bytes(self, marker, seconds=300.0):
        """Waits for bytes without a screen, for floods; when they came."""
        deadline, tail = time.monotonic() + seconds, b""
        while True:
            data, at = self.read(deadline - time.monotonic())
            if data is None:
                raise Gone(f"waited {seconds:.0f} s for {marker!r}")
            if marker in (tail := tail + data):
                return at
            tail = tail[-len(marker) :]

    def rest(self, seconds):
        """Takes and shows all that arrives for that long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            data, _ = self.read(left)
            if data:
                self.show(data)

    def settle(self, quiet=0.3, seconds=20.0):
        """Takes and shows what arrives until nothing has come for `quiet` seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            data, _ = self.read(quiet)
            if data is None:
                return
            self.show(data)
        raise Gone(f"output did not end within {seconds:.0f} s; the screen shows:\n" + self.screen.text())

    def close(self):
        """Ends the program: a hang-up, and a kill when it stays."""
        for number, patience in ((signal.SIGHUP, 3.0), (signal.SIGKILL, 5.0)):
            if self.exit_code is None:  # once collected, its number may be another program's
                os.kill(self.pid, number)
                self.ended(patience)
        os.close(self.fd)

    def ended(self, seconds):
        """True once the program has ended, within that time; what it still writes is taken and dropped."""
        deadline, closed = time.monotonic() + seconds, False
        while self.exit_code is None and (left := deadline - time.monotonic()) > 0:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.exit_code = os.waitstatus_to_exitcode(status)
            try:
                select.select([], [], [], 0.01) if closed else self.read(min(left, 0.01))
            except Gone:
                closed = True
        return self.exit_code is not None
