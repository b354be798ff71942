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
