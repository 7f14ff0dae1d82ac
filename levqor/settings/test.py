"""The test suite: fast hashing, tasks run by hand, mail kept in memory; the database comes from DATABASE_URL."""

import os

from levqor.env import ENV_FILE, ROOT, Environment, environment

# Before anything is read: no `.env`, and nothing that configures a running installation but where the tests may work.
for _name in Environment.model_fields.keys() - {"LEVQOR_VAR", "DATABASE_URL", "REDIS_URL"}:
    os.environ.pop(_name, None)
os.environ[ENV_FILE] = ""
os.environ.setdefault("LEVQOR_VAR", str(ROOT / "var" / "tests"))
environment.cache_clear()

from levqor.settings.base import *  # noqa: E402, F403 - settings are built by layering modules
from levqor.settings.base import CACHES, DATABASES, ENV, STORAGES, VAR_DIR  # noqa: E402

ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
MAIL_TRANSPORT = "file"
API_DEFAULT_PLAN = "enterprise"  # tests call more often than people; those of the gate set their own limits
REQUEST_LOG_IN_BACKGROUND = False  # tests call `flush`
OBSERVE_IN_BACKGROUND = False
KEPT_DIR = VAR_DIR / "kept" / os.environ.get("PYTEST_XDIST_WORKER", "main")
API_ANONYMOUS_CALLS_PER_MINUTE = 100_000
DEMO = True
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_AUTOREFRESH = True  # nothing is collected for tests
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {"polling_interval": 0.01}
if not ENV.DATABASE_URL:
    DATABASES["default"]["NAME"] = ":memory:"
if ENV.REDIS_URL:
    REDIS_PREFIX = CACHES["default"]["KEY_PREFIX"] = f"levqor-test-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
