"""The far end of `Platform.call`: a process with the platform's own settings that runs functions on request.

One JSON object a line: `{"function": "package.module:name", "arguments": {…}}` in, `{"result": …}` or `{"error": …}`
out. A test process has its own settings and database, so whatever looks into a running platform happens in here.
"""

import importlib
import json
import os
import sys
import traceback
from typing import IO, Any

import django

from levqor.celery import app


def main() -> None:
    """Answer until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what anybody prints goes to the log
    app.set_default()
    django.setup()
    serve(answers)


def serve(answers: IO[str]) -> None:
    """Run each request and write its answer."""
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"result": _run(request["function"], request["arguments"])}
        except Exception:  # noqa: BLE001 - told to the test
            answer = {"error": traceback.format_exc()}
        answers.write(json.dumps(answer, default=str) + "\n")
        answers.flush()


def _run(name: str, arguments: dict[str, Any]) -> Any:
    module, _colon, function = name.partition(":")
    return getattr(importlib.import_module(module), function)(**arguments)


if __name__ == "__main__":
    main()
