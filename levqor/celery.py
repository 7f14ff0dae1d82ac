"""The Celery application: tasks are doorbells, the truth is in rows."""

import os
from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from celery.signals import setup_logging
from kombu import connection
from kombu.transport import TRANSPORT_ALIASES

from levqor.env import settings_module

os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())

TRANSPORT_ALIASES["files"] = "apps.core.queue_files:Transport"  # what an installation without Redis queues in
TRANSPORT_ALIASES["redis"] = TRANSPORT_ALIASES["rediss"] = "apps.core.queue_redis:Transport"


class Connection(connection.Connection):
    """Looks every second for a broker that is away, however long it has been: kombu's own waits up to 30 seconds."""

    def as_uri(self, *args: Any, **options: Any) -> str:
        """The broker's address for logs; a folder has neither user nor password nor virtual host."""
        return "files" if self.transport_cls == "files" else super().as_uri(*args, **options)

    def ensure_connection(self, *args: Any, **options: Any) -> Any:
        """This connection, once it is there. The error, if it is not by the last of `max_retries`."""
        patience = {"interval_start": 1, "interval_step": 0, "interval_max": 1}
        return super().ensure_connection(*args, **{**patience, **options})  # type: ignore[no-untyped-call]


class Messages(AMQP):
    """Celery's ways with messages, over our connections."""

    Connection = Connection


app = Celery("levqor", amqp=Messages)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logs(**_options: object) -> None:
    """A receiver is all that it takes for Celery to leave logging as Django set it up (`apps.core.logs`)."""
