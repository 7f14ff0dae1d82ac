"""Where figures for Prometheus are kept between the processes of this machine, and who may read them."""

import os
import re
import socket
from contextlib import suppress
from pathlib import Path

from levqor.env import Environment

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # read by prometheus_client as soon as it is imported


def metrics_folder(env: Environment) -> Path:
    """The folder of this machine: process numbers mean nothing on another, which may share the disk."""
    named = os.environ.get(FOLDER_VARIABLE)
    host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:80] or "host"
    folder = Path(named) if named else env.LEVQOR_VAR / "metrics" / host
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not named:
        with suppress(PermissionError):  # another user's, who shares the disk
            folder.chmod(0o700)  # one of before
    os.environ[FOLDER_VARIABLE] = str(folder)
    return folder
