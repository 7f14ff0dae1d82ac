"""One machine, no configuration: `make run`."""

import warnings

from celery.exceptions import SecurityWarning

from levqor.settings.base import *  # noqa: F403 - settings are built by layering modules
from levqor.settings.base import ENV

DEBUG = False
ALLOWED_HOSTS = ENV.ALLOWED_HOSTS or ["127.0.0.1", "localhost", "[::1]", "testserver"]

# Celery warns root of pickled tasks, which run whatever they carry; ours are JSON. In a container of one's own root is
# usual; in production the advice stands.
warnings.filterwarnings("ignore", category=SecurityWarning)
