"""A wire between browser and server that a test cuts: before what is sent arrives, or before its answer does."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Wire:
    """Listens on `port` and passes on to `target`. cut: "" (whole), "before" or "after" the server has taken it in."""

    def __init__(self, target: int) -> None:
        self.cut = ""
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        """What a browser is given."""
        return f"http://localhost:{self.port}"

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                for one, other, cut in ((near, far, "before"), (far, near, "after")):
                    threading.Thread(target=self._pass_on, args=(one, other, cut), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket, cut: str) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                if self.cut == cut:
                    break
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
