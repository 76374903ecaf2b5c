"""A wire between browser and server that a test cuts: before what is sent arrives, or before its answer comes back."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Wire:
    """Listens on `port` and passes on to `target`.

    cut: "" whole; "before": what a browser sends next ends its connection and goes nowhere; "after": what the server
    answers goes nowhere, until `sever` ends the connections.
    """

    def __init__(self, target: int) -> None:
        self.cut = ""
        self._target = target
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        """What a browser is given."""
        return f"http://localhost:{self.port}"

    def sever(self) -> None:
        """End every connection, and be whole for new ones."""
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._ends, self.cut = [], ""

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._ends += [near, far]
                for one, other, there in ((near, far, True), (far, near, False)):
                    threading.Thread(target=self._pass_on, args=(one, other, there), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket, there: bool) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                if there and self.cut == "before":
                    break
                if there or self.cut != "after":
                    other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
