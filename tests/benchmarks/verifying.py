"""What anybody would write to take Stripe's webhooks, behind what `django-admin startproject` puts before a view."""

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

from levqor import wsgi as _shipped  # noqa: F401 - sets everything up, with middleware that allauth insists on

settings.MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
settings.ROOT_URLCONF = "tests.benchmarks.verifying_urls"
application = WSGIHandler()
