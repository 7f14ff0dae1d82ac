"""What programs that tests start find around them: nothing of an installation on this machine."""

import os
import subprocess
import sys
from pathlib import Path

from levqor.env import ENV_FILE, ROOT, Environment
from levqor.settings.observing import FOLDER_VARIABLE


def bare_environment(**variables: str) -> dict[str, str]:
    """Our own environment without any setting and without an `.env`, then `variables`."""
    settings = {"DJANGO_SETTINGS_MODULE", FOLDER_VARIABLE, *Environment.model_fields}
    ours = {
        name: value for name, value in os.environ.items() if name not in settings and not name.startswith("LEVQOR_")
    }
    return {**ours, ENV_FILE: "", **variables}


def bare_python(folder: Path, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """What a Python with these arguments says, in an environment of nobody's, with this folder for its files."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=bare_environment(LEVQOR_VAR=str(folder), **variables),
        capture_output=True,
        text=True,
        timeout=60,
    )
