"""The folder in which prometheus_client keeps one file a process, and that it stays small.

A process that ended leaves its file, without which its counts would be missing: Prometheus would take what is left for
a counter that began anew. The counts of all that ended are added up in one file instead.
"""

import fcntl
import os
import shutil
import struct
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog
from django.conf import settings
from prometheus_client.mmap_dict import MmapedDict

log = structlog.get_logger(__name__)

ENDED = "ended"
TIDY_EVERY_SECONDS = 60.0
OTHERS_KEPT_SECONDS = 2 * 24 * 3600.0
_tidied = 0.0


@contextmanager
def locked(*, alone: bool) -> Iterator[None]:
    """Hold the folder while its files are read (by several at once) or put together (`alone`)."""
    with (folder() / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


def folder() -> Path:
    """This machine's."""
    return Path(settings.METRICS_DIR)


def tidy_now_and_then() -> None:
    """`tidy`, once a minute and process."""
    global _tidied
    if time.monotonic() - _tidied > TIDY_EVERY_SECONDS:
        _tidied = time.monotonic()
        tidy()


def tidy() -> int:
    """Put the files of processes that ended together; forget machines that are gone. Returns how many files went."""
    here = folder()
    with locked(alone=True):
        ended: dict[str, list[Path]] = defaultdict(list)
        for file in here.glob("*.db"):
            _close(file)
            kind, _line, process = file.stem.rpartition("_")
            if process.isdigit() and not _lives(int(process)):
                ended[kind].append(file)
        for kind, files in ended.items():
            if kind in ("counter", "histogram"):
                _add_up(here / f"{kind}_{ENDED}.db", files)
            for file in files:
                file.unlink(missing_ok=True)
        (here / ".alive").touch()
    _forget_others(here)
    return sum(map(len, ended.values()))


def is_whole(file: Path) -> bool:
    """Whether a file can be read: not one that is just being made, or was cut off by a full disk."""
    try:
        for _value in MmapedDict.read_all_values_from_file(str(file)):
            pass
    except (struct.error, RuntimeError, ValueError, OSError) as error:
        if file.exists() and file.stat().st_size:
            log.warning("metrics_unreadable", file=file.name, error=str(error))
        return False
    return True


def empty() -> None:
    """Forget everything: for a start of the whole platform, while none of its processes runs."""
    for file in folder().glob("*.db"):
        file.unlink(missing_ok=True)


def _close(file: Path) -> None:
    """Nobody else reads it: prometheus_client makes files as the process makes any. (Nobody gets into the folder.)"""
    with suppress(FileNotFoundError, PermissionError):
        if file.stat().st_mode & 0o077:
            file.chmod(0o600)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _add_up(into: Path, files: list[Path]) -> None:
    """Written aside and renamed: a process that dies here leaves the sum of before or of after."""
    sums: dict[str, float] = defaultdict(float)
    for file in [*([into] if into.exists() else []), *files]:
        if not is_whole(file):
            continue
        for key, value, _moment, _place in MmapedDict.read_all_values_from_file(str(file)):
            sums[key] += value
    aside = into.with_suffix(f".{os.getpid()}")
    aside.unlink(missing_ok=True)
    made = MmapedDict(str(aside))
    for key, value in sums.items():
        made.write_value(key, value, 0.0)
    made.close()
    _close(aside)
    aside.replace(into)


def _forget_others(here: Path) -> None:
    """Folders beside ours in which nobody has tidied for days: containers get a new name at each start."""
    if here.parent.name != "metrics":
        return
    for other in here.parent.iterdir():
        alive = other / ".alive"
        if other == here or not alive.exists():
            continue
        if time.time() - alive.stat().st_mtime > OTHERS_KEPT_SECONDS:
            shutil.rmtree(other, ignore_errors=True)
