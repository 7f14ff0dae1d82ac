#!/usr/bin/env python
"""Django's command line for Levqor. What an operator can put right is told in one line, without a traceback."""

import os
import sys

from levqor.env import settings_module


def main() -> None:
    """Run a management command with the settings that the environment asks for."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    from apps.core.errors import DomainError
    from levqor.celery import app as celery_app

    celery_app.set_default()  # doorbells rung by commands go to our broker
    try:
        execute_from_command_line(sys.argv)
    except (DomainError, ImproperlyConfigured, OperationalError) as error:
        if "--traceback" in sys.argv:
            raise
        raise SystemExit(_stop(error)) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _stop(error: Exception) -> int:
    kind = {"OperationalError": "database: ", "ImproperlyConfigured": "bad setting: "}.get(type(error).__name__, "")
    first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
    sys.stderr.write(f"levqor: {kind}{first_line}\n")
    return 2 if kind.startswith("bad") else 1


if __name__ == "__main__":
    main()
