"""The download route: /downloads/<wave>/<snapshot>/<kind>.zip, signed in, never cached, each one an audit row.

Not `st.download_button`: its files are open to whoever has the address, without a cookie, long after the tab closed.
"""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from survey_app import permissions
from survey_app.publish.catalogue import Snapshot, find_snapshot
from survey_app.publish.exports import file_name, write_zip
from survey_app.store import audit
from survey_app.store.database import Store
from survey_app.store.shapes import Account
from survey_app.text import LANGUAGES, translator

_ = str  # marks a text for the catalogue; it is translated when it is shown
_REFUSED = _("This account may not download this file. Ask an administrator for the role of analyst.")
_FAILED = _("This download cannot be made: {reason}")
_NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


@dataclass(frozen=True)
class Downloads:
    """The route over one store and one data folder (`home`)."""

    store: Store
    home: Path

    def routes(self) -> list[Route]:
        """The one route; the session gate has already put the account into the request's state."""
        return [Route("/downloads/{wave}/{snapshot}/{kind}.zip", self.download, methods=["GET"])]

    async def download(self, request: Request) -> Response:
        """Make the zip, write the audit row, then send; an unknown name gets 404 and one sentence."""
        account: Account | None = getattr(request.state, "account", None)
        wave, kind = request.path_params["wave"], request.path_params["kind"]
        if account is None or not permissions.can(account, f"{kind}.download", wave):
            return _sentence(_REFUSED, 403)
        try:
            snapshot = find_snapshot(self.home, request.path_params["snapshot"], wave=wave)
            path = await run_in_threadpool(self._prepared, snapshot, kind, account)
        except ValueError as error:
            return _sentence(_FAILED, 404, reason=str(error))
        return FileResponse(
            path,
            media_type="application/zip",
            filename=file_name(snapshot, kind),
            headers=_NO_STORE,
            background=BackgroundTask(path.unlink, missing_ok=True),
        )

    def _prepared(self, snapshot: Snapshot, kind: str, account: Account) -> Path:
        """The zip as a private temporary file; the audit row is written before a byte leaves the house."""
        with tempfile.NamedTemporaryFile(prefix="sandu-", suffix=".zip", delete=False) as file:
            path = Path(file.name)
            try:
                write_zip(snapshot, kind, file)
                file.flush()
                file.seek(0)
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                actor, facts = account.name, {"snapshot": snapshot.hash, "kind": kind, "sha256": digest}
                audit.note(self.store, "download", actor=actor, wave=snapshot.wave, **facts)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
        return path


def _sentence(text: str, status: int, **values: str) -> Response:
    """One sentence in both languages: the address of a file carries no language."""
    both = "\n".join(translator(language)(text).format(**values) for language in LANGUAGES)
    return PlainTextResponse(both, status, headers=_NO_STORE)
