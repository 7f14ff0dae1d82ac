"""The WSGI entry point that granian serves."""

import os

from django.core.wsgi import get_wsgi_application

from levqor.celery import app as celery_app
from levqor.env import settings_module

os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())

celery_app.set_default()  # doorbells rung by requests go to our broker
application = get_wsgi_application()
