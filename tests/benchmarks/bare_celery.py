"""Celery alone: a task that does nothing, with Celery's own defaults and no results."""

import os

from celery import Celery

app = Celery("bare", broker=os.environ.get("BARE_BROKER", "memory://"), set_as_current=False)
app.conf.task_default_queue = "bare"
app.conf.task_ignore_result = True
app.conf.broker_connection_retry_on_startup = True


@app.task(name="bare.nothing")
def nothing() -> None:
    """Nothing."""
