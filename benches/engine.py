"""A client of the engine's socket: enough of JSON-RPC to ask when a state is reached."""

import json
import os
import socket
import time
from pathlib import Path

PROTOCOL = 1


class Engine:
    """A connection; `connect` waits until one is to be had."""

    def __init__(self, stream):
        self.stream = stream
        self.buffer = b""
        self.last = 0
        self.face = self.call("hello", {"protocol": PROTOCOL, "version": "0", "client": "figures"})["face"]

    @classmethod
    def connect(cls, home, seconds=20.0):
        deadline, path = time.monotonic() + seconds, Path(home) / "run/engine.sock"
        while True:
            stream = socket.socket(socket.AF_UNIX)
            try:
                stream.connect(os.path.realpath(path))
                return cls(stream)
            except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError, EOFError):
                stream.close()
                if time.monotonic() > deadline:
                    raise

    def call(self, method, params):
        self.last += 1
        request = {"jsonrpc": "2.0", "id": self.last, "method": method, "params": params}
        self.stream.sendall(json.dumps(request).encode() + b"\n")
        while True:
            answer = json.loads(self.line())
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def round_trip(self, method, params):
        """Milliseconds from the request until its answer is there, unread."""
        self.last += 1
        request = json.dumps({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params}).encode() + b"\n"
        begun = time.monotonic()
        self.stream.sendall(request)
        answer = self.line()
        took = (time.monotonic() - begun) * 1000
        if b'"error"' in answer:
            raise RuntimeError(f"{method}: {answer.decode()}")
        return took

    def line(self):
        while b"\n" not in self.buffer:
            data = self.stream.recv(1 << 20)
            if not data:
                raise EOFError("the engine closed the connection")
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line

    def live_sessions(self):
        return sum(1 for session in self.call("session.list", {})["sessions"] if session["alive"])

    def close(self):
        self.stream.close()


class Echo:
    """A bare socket on which another process sends back what it gets: what a round trip costs at least."""

    def __init__(self):
        self.stream, there = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            self.stream.close()
            while data := there.recv(1 << 16):
                there.sendall(data)
            os._exit(0)
        there.close()

    def round_trip(self, payload):
        begun, left = time.monotonic(), len(payload)
        self.stream.sendall(payload)
        while left:
            left -= len(self.stream.recv(left))
        return (time.monotonic() - begun) * 1000

    def close(self):
        self.stream.close()
        os.waitpid(self.pid, 0)
