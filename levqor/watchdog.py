"""`python -m levqor.watchdog`: the process that alarms when the others can't.

Django is set up without rooms but the two lowest, which the ways out stand on: half the memory, a quarter of the start.
"""

import os
import signal
from importlib import import_module
from types import FrameType

from levqor import telemetry
from levqor.env import settings_module

LIGHT = ("apps.core", "apps.integrations")


def main() -> None:
    """Watch until a signal asks to stop."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    set_up()
    from django.conf import settings

    from apps.monitoring.watchdog.watching import Watchdog  # needs the settings

    import_module("apps.notifications.channels.plugins")  # while the disk can be read: it may be what we alarm about
    watchdog = Watchdog(settings.WATCHDOG_SECONDS)

    def stop(_number: int, _frame: FrameType | None) -> None:
        watchdog.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    watchdog.run()


def set_up() -> None:
    """Settings, logs, and the models of the lowest rooms; no room's contributions."""
    from django.apps import AppConfig, apps
    from django.conf import settings
    from django.utils.log import configure_logging

    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    apps.populate([AppConfig(name, import_module(name)) for name in LIGHT])
    telemetry.start(light=True)


if __name__ == "__main__":
    main()
