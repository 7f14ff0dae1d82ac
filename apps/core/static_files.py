"""Collecting static files only when one changed: hashing and compressing all of them takes seconds."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command


def fingerprint() -> str:
    """A digest of every source file's name, size and time of change, and of the storage that serves them."""
    digest = hashlib.sha256(repr((settings.STORAGES["staticfiles"], settings.VERSION)).encode())
    for finder in get_finders():
        for path, storage in finder.list([]):
            prefix = getattr(storage, "prefix", None) or ""
            changed = storage.get_modified_time(path)
            digest.update(f"{prefix}/{path}|{storage.size(path)}|{changed.timestamp()}\n".encode())
    return digest.hexdigest()


def mark_path() -> Path:
    """Where the digest of what was collected is kept: beside `STATIC_ROOT`, since all within is served to everybody."""
    root = Path(settings.STATIC_ROOT)
    return root.with_name(f"{root.name}.collected")


def collect() -> bool:
    """Bring `STATIC_ROOT` up to date. False when it was."""
    mark = mark_path()
    wanted = fingerprint()
    if mark.exists() and mark.read_text() == wanted and settings.STATIC_ROOT.is_dir():
        return False
    mark.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    mark.write_text(wanted)
    return True
