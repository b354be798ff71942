"""Tests of the harness itself: a figure is worth what its ruler is."""

import os
import unittest

import processes
from terminal import Gone, Screen, Terminal


class ScreenTest(unittest.TestCase):
    def shown(self, *parts, rows=4, cols=10):
        screen = Screen(rows, cols)
        for part in parts:
            screen.feed(part)
        return screen

    def test_text_wraps_and_scrolls(self):
        screen = self.shown(b"one\r\ntwo\r\n", b"0123456789abc\r\nend")
        self.assertEqual(screen.lines(), ["two", "0123456789", "abc", "end"])

    def test_sequences_may_come_in_pieces(self):
        screen = self.shown(b"\x1b[", b"2;3", b"Hx\xe2\x97", b"\x8f\x1b]0;ti", b"tle\x1b\\y")
        self.assertEqual(screen.lines()[1], "  x●y")
        self.assertEqual(screen.title, "title")

    def test_a_program_may_redraw_parts(self):
        screen = self.shown(b"\x1b[?1049habcdefghij\x1b[1;4H\x1b[2P\x1b[1;1H\x1b[1@\x1b[2;1Hz\x1b[3b\x1b[2;2H\x1b[1K")
        self.assertEqual(screen.lines()[:2], [" abcfghij", "  zz"])

    def test_a_region_scrolls_alone(self):
        screen = self.shown(b"a\r\nb\r\nc\r\nd\x1b[2;3r\x1b[3;1H\n\x1b[r")
        self.assertEqual(screen.lines(), ["a", "c", "", "d"])

    def test_wide_characters_take_two_columns(self):
        self.assertEqual(self.shown("日本x".encode()).col, 5)

    def test_queries_are_answered(self):
        screen = self.shown(b"\x1b[c\x1b[6n\x1b]11;?\x07")
        self.assertEqual(screen.replies[:2], ["\x1b[?62;22c", "\x1b[1;1R"])
        self.assertIn("]11;rgb:", screen.replies[2])


class TerminalTest(unittest.TestCase):
    def run_shell(self, script):
        terminal = Terminal(["sh", "-c", script], dict(os.environ), "/", rows=5, cols=40)
        self.addCleanup(terminal.close)
        return terminal

    def test_waits_for_what_is_shown(self):
        terminal = self.run_shell("stty size; read x; echo got $x; read y")
        terminal.wait("5 40", "the size")
        terminal.send("word\r")
        self.assertGreater(terminal.wait("got word", "the answer"), terminal.started)

    def test_a_wait_ends_at_its_deadline_and_shows_the_screen(self):
        terminal = self.run_shell("echo here; read x")
        with self.assertRaisesRegex(Gone, "(?s)waited 1 s for nothing.*here"):
            terminal.wait("nowhere", "nothing", seconds=1)

    def test_the_end_of_the_program_is_told(self):
        terminal = self.run_shell("echo bye")
        with self.assertRaisesRegex(Gone, "the program ended"):
            terminal.wait("nowhere", "nothing", seconds=5)

    def test_the_exit_code_is_kept(self):
        terminal = self.run_shell("echo bye; exit 3")
        self.assertTrue(terminal.ended(5))
        self.assertEqual(terminal.exit_code, 3)

    def test_a_program_that_ignores_the_hang_up_is_killed(self):
        terminal = Terminal(["sh", "-c", "trap '' HUP; echo up; while :; do read x; done"], dict(os.environ), "/")
        terminal.wait("up", "the start")
        terminal.close()
        self.assertEqual(terminal.exit_code, -9)

    def test_a_processes_use_is_seen(self):
        terminal = self.run_shell("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo done; read x")
        terminal.wait("done", "the loop", seconds=60)
        use = processes.use([terminal.pid])
        self.assertGreater(use.cpu, 0.01)
        self.assertGreater(use.pss, 50 * 1024)
        self.assertEqual(use.count, 1)
        terminal.send("y\r")
        self.assertTrue(terminal.ended(5))
        self.assertEqual(processes.use([terminal.pid]).count, 0)

    def test_a_thread_that_ends_takes_only_its_own_switches(self):
        before = processes.Use(1.0, {"1": 100, "2": 5}, 0, 1)
        now = processes.Use(1.5, {"2": 8, "3": 1}, 0, 1)
        self.assertEqual(now.since(before).wakeups, 4)


if __name__ == "__main__":
    unittest.main()
