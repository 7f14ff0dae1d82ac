"""What programs that tests start find around them: nothing of an installation on this machine."""

import os

from levqor.env import ENV_FILE, Environment
from levqor.settings.observing import FOLDER_VARIABLE


def bare_environment(**variables: str) -> dict[str, str]:
    """Our own environment without any setting and without an `.env`, then `variables`."""
    settings = {"DJANGO_SETTINGS_MODULE", FOLDER_VARIABLE, *Environment.model_fields}
    ours = {
        name: value for name, value in os.environ.items() if name not in settings and not name.startswith("LEVQOR_")
    }
    return {**ours, ENV_FILE: "", **variables}
