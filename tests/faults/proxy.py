"""A wire that can be cut: TCP passed on from a port of its own, before a request, after it, or not at all."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Wire:
    """Listens on `port` and passes on to `target`.

    cut: "" whole; "before": what a browser sends next ends its connection and goes nowhere; "after": what the server
    answers goes nowhere, until `sever` ends the connections; "off": nothing gets through until `mend`.
    """

    def __init__(self, target: int) -> None:
        self.cut = ""
        self._target = target
        self._ends: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        """What a browser is given."""
        return f"http://localhost:{self.port}"

    def sever(self) -> None:
        """End every connection, and be whole for new ones."""
        self._end_all()
        self.mend()

    def cut_off(self) -> None:
        """End every connection; new ones are closed at once."""
        self.cut = "off"
        self._end_all()

    def mend(self) -> None:
        """Be whole again."""
        self.cut = ""

    def close(self) -> None:
        """End it all."""
        self.cut_off()
        self._listener.close()

    def _end_all(self) -> None:
        for end in list(self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = self._reach()
                if far is None:
                    near.close()
                    continue
                self._ends |= {near, far}
                for one, other, there in ((near, far, True), (far, near, False)):
                    threading.Thread(target=self._pass_on, args=(one, other, there), daemon=True).start()

    def _reach(self) -> socket.socket | None:
        with suppress(OSError):
            return None if self.cut == "off" else socket.create_connection(("127.0.0.1", self._target))
        return None

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
            self._ends.discard(end)
