"""One platform per LEVQOR_VAR: `make run` holds a lock there, which `move_database` respects."""

import fcntl
import os
from pathlib import Path

from django.utils.translation import gettext as _

from apps.core.errors import ConflictError


class RunningLock:
    """An advisory lock on a file that the kernel frees when its holder is gone, however it went."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "running.lock"
        self._descriptor = -1

    def __enter__(self) -> "RunningLock":
        """Raises `ConflictError` when another process holds it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 32).decode().strip()
            os.close(self._descriptor)
            raise ConflictError(
                _("Levqor is already running on %(folder)s (process %(pid)s).")
                % {"folder": self.path.parent, "pid": holder or "?"}
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, str(os.getpid()).encode())
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self._descriptor)
