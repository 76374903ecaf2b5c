"""Where Sandu keeps its data and listens: the environment read once into one frozen value."""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
SECRET_BYTES = 32
DATABASE = "sandu.sqlite"


class StoreError(ValueError):
    """The settings, the database or a file of the data folder cannot be used; the sentence names it and the remedy.

    It is defined here, below the store, because wrong settings are refused before a store exists;
    import it from `survey_app.store.errors`.
    """


@dataclass(frozen=True)
class Settings:
    """What a process needs to know about its surroundings.

    home             data folder: database, secret, snapshots
    data             folder of the sampling frame, margins and choice files
    database_url     `postgresql://...`, or None: SQLite in `home`
    public_port, console_port         TCP ports of the two processes
    public_address, console_address   what people type, without a slash at the end
    allowed_hosts    host names that the processes answer to
    proxies          addresses or networks whose X-Forwarded-For and X-Forwarded-Proto are believed
    secret           32 bytes, kept in `home/secret` with mode 0600: receipts and the audit chain's seal hang on it
    language         of the command line and of pages before a choice: "zh" or "en"
    """

    home: Path
    data: Path
    secret: bytes = field(repr=False)
    database_url: str | None = None
    public_port: int = 8501
    console_port: int = 8502
    public_address: str = "http://localhost:8501"
    console_address: str = "http://localhost:8502"
    allowed_hosts: tuple[str, ...] = ("localhost", "127.0.0.1")
    proxies: tuple[str, ...] = ()
    language: str = "zh"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read SANDU_HOME, SANDU_DATA, SANDU_DATABASE_URL, SANDU_PUBLIC_PORT, SANDU_CONSOLE_PORT, SANDU_PUBLIC_ADDRESS,
        SANDU_CONSOLE_ADDRESS, SANDU_ALLOWED_HOSTS and SANDU_PROXIES (separated by commas) and SANDU_LANGUAGE.

        Makes the data folder and its secret where they are missing. Raises StoreError for a value that cannot be used.
        """
        home = _folder(environment, "SANDU_HOME", CHECKOUT / ".sandu")
        public_port = _port(environment, "SANDU_PUBLIC_PORT", 8501)
        console_port = _port(environment, "SANDU_CONSOLE_PORT", 8502)
        hosts = environment.get("SANDU_ALLOWED_HOSTS") or "localhost,127.0.0.1"
        return cls(
            home=home,
            data=_folder(environment, "SANDU_DATA", CHECKOUT / "data"),
            secret=read_secret(home),
            database_url=_database_url(environment),
            public_port=public_port,
            console_port=console_port,
            public_address=_address(environment, "SANDU_PUBLIC_ADDRESS", public_port),
            console_address=_address(environment, "SANDU_CONSOLE_ADDRESS", console_port),
            allowed_hosts=tuple(host.strip() for host in hosts.split(",") if host.strip()),
            proxies=_proxies(environment),
            language=_language(environment),
        )

    @property
    def database(self) -> Path:
        """The SQLite file, used when there is no `database_url`."""
        return self.home / DATABASE

    @property
    def snapshots(self) -> Path:
        """The folder that snapshots are written under."""
        return self.home / "snapshots"


def read_secret(home: Path) -> bytes:
    """The installation's 32 secret bytes; made at the first call, once, however many processes start together."""
    path = home / "secret"
    try:
        if not path.exists():
            _require_new(home, path)
            _make_secret(home, path)
        secret = path.read_bytes()
    except OSError as error:
        raise StoreError(
            f"The data folder {home} cannot be used ({error.strerror}). "
            "Make it writable, or set SANDU_HOME to another folder."
        ) from error
    if len(secret) != SECRET_BYTES:
        raise StoreError(
            f"{path} holds {len(secret)} bytes instead of {SECRET_BYTES}. Put it back from a backup: "
            "receipts and the audit chain depend on it."
        )
    return secret


def _require_new(home: Path, path: Path) -> None:
    """A database that lost its secret must not get another: receipts would change and the audit chain break."""
    if (home / DATABASE).exists():
        raise StoreError(
            f"{path} is missing, and the database beside it was written with it. Put it back from a backup: "
            "receipts and the audit chain depend on it."
        )


def _make_secret(home: Path, path: Path) -> None:
    """A complete file appears under the name at once (link), so that a second process never reads half of it."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = home / f"secret.{secrets.token_hex(8)}"
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    except FileExistsError:
        return  # another process was first; its secret is the one
    finally:
        draft.unlink(missing_ok=True)


def _folder(environment: Mapping[str, str], name: str, default: Path) -> Path:
    given = environment.get(name, "")
    return Path(given).expanduser().absolute() if given else default


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    given = environment.get(name, "")
    if not given:
        return default
    if not given.isascii() or not given.isdecimal() or not 0 < int(given) < 65536:
        raise StoreError(f"{name} is {given!r}, which is no port. Give a number from 1 to 65535.")
    return int(given)


def _address(environment: Mapping[str, str], name: str, port: int) -> str:
    given = environment.get(name, "") or f"http://localhost:{port}"
    if not given.startswith(("http://", "https://")):
        raise StoreError(f"{name} is {given!r}. Give the whole address, such as https://survey.example.org.")
    return given.rstrip("/")


def _database_url(environment: Mapping[str, str]) -> str | None:
    given = environment.get("SANDU_DATABASE_URL", "")
    if given and not given.startswith(("postgresql://", "postgres://")):
        kind = given.partition(":")[0]
        raise StoreError(
            f"SANDU_DATABASE_URL starts with {kind!r}. Give a postgresql:// address, or leave it empty for SQLite."
        )
    return given or None


def _proxies(environment: Mapping[str, str]) -> tuple[str, ...]:
    given = environment.get("SANDU_PROXIES", "")
    try:
        return tuple(str(ipaddress.ip_network(proxy.strip())) for proxy in given.split(",") if proxy.strip())
    except ValueError:
        raise StoreError(
            f"SANDU_PROXIES is {given!r}. Give addresses or networks, such as 127.0.0.1,10.0.0.0/24."
        ) from None


def _language(environment: Mapping[str, str]) -> str:
    given = environment.get("SANDU_LANGUAGE", "") or "zh"
    if given not in {"zh", "en"}:
        raise StoreError(f"SANDU_LANGUAGE is {given!r}. Give zh or en.")
    return given
