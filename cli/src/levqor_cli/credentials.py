"""Logins on disk: one JSON file, readable by its owner alone, replaced atomically, guarded by a file lock."""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from levqor_cli.errors import CliError
from levqor_cli.exit_codes import ExitCode


@dataclass(frozen=True)
class Login:
    """The tokens of one server. `expires_at` is the access token's end in seconds since the epoch."""

    access: str
    refresh: str
    expires_at: float
    email: str = ""
    organization: str = ""


@dataclass
class CredentialBook:
    """All logins, as read from disk; `save()` writes them back."""

    path: Path
    logins: dict[str, Login] = field(default_factory=dict)
    default_url: str = ""

    def save(self) -> None:
        """Replace the file in one step, so that no reader ever sees half of it."""
        document = {
            "version": 1,
            "default": self.default_url,
            "hosts": {url: asdict(login) for url, login in sorted(self.logins.items())},
        }
        target = self.path.resolve()  # keeps a symlink into a dotfiles folder a symlink
        handle, name = tempfile.mkstemp(prefix=".credentials-", dir=target.parent)  # mkstemp makes it 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(document, stream, indent=2)
                stream.write("\n")
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def default_path(environment: Mapping[str, str]) -> Path:
    """`$XDG_CONFIG_HOME/levqor/credentials.json`, or the same under `~/.config`."""
    configured = environment.get("XDG_CONFIG_HOME", "")
    base = Path(configured) if configured.startswith("/") else Path.home() / ".config"
    return base / "levqor" / "credentials.json"


class CredentialStore:
    """Reads logins freely and changes them under the lock."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> CredentialBook:
        """All logins. A file that others could read is closed to them first."""
        try:
            if self.path.stat().st_mode & 0o077:
                self.path.chmod(0o600)
            document = json.loads(self.path.read_text(encoding="utf-8"))
            return _book(self.path, document)
        except FileNotFoundError:
            return CredentialBook(self.path)
        except OSError as error:
            raise CliError(f"Cannot read {self.path}: {error.strerror}.", ExitCode.REFUSED) from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CliError(
                f"{self.path} is damaged.", ExitCode.REFUSED, hint="Remove the file, then: levqor login"
            ) from error

    @contextmanager
    def locked(self) -> Iterator[CredentialBook]:
        """Read the logins and keep every other `levqor` process from changing them meanwhile."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CliError(f"Cannot write in {self.path.parent}: {error.strerror}.", ExitCode.REFUSED) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self.read()
        finally:
            os.close(lock)  # closing releases the lock


def _book(path: Path, document: Any) -> CredentialBook:
    logins = {
        str(url): Login(
            access=str(entry["access"]),
            refresh=str(entry["refresh"]),
            expires_at=float(entry["expires_at"]),
            email=str(entry.get("email", "")),
            organization=str(entry.get("organization", "")),
        )
        for url, entry in document["hosts"].items()
    }
    return CredentialBook(path, logins, str(document.get("default", "")))
