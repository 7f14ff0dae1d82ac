"""What the killed processes run with: the local settings and one more app, whose work can be held in the middle."""

from levqor.settings.local import *  # noqa: F403 - settings are built by layering modules
from levqor.settings.local import INSTALLED_APPS, STORAGES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.plugin"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # nothing is collected
WHITENOISE_AUTOREFRESH = True
API_DEFAULT_PLAN = "enterprise"  # what is hurt here is not the limit
