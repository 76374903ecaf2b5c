"""The head of a request (its address and headers) is limited, which the server's parser does not do of itself.

A header without an end was taken in for as long as it came: one visitor who sent 200 MB of it held all residents up for
half a minute and kept the memory.
"""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 65_536
"""Bytes of a request's address and headers; browsers send two thousand, and proxies allow some 32,000."""
_TOO_LARGE = "The address or the headers of this request are too long. Please open the link from your invitation again."


class LimitedHead(HttpToolsProtocol):
    """One connection; refuses a head that is longer than `LARGEST_HEAD` with 400, and closes."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head: int | None = None

    def data_received(self, data: bytes) -> None:
        """Hand on what came, and count it while the head has not ended."""
        super().data_received(data)
        if self._head is None or self.transport.is_closing():
            return
        self._head += len(data)
        if self._head > LARGEST_HEAD:
            self.send_400_response(_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A head begins."""
        self._head = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head has ended."""
        self._head = None
        super().on_headers_complete()
