"""A program that has an error tracker and a collector of traces, and does what both are told of: a request that breaks,
a task that breaks, entries of the log. Secrets are planted in all of it."""

import logging
import os
import sys
import types
from typing import Any
from wsgiref.util import setup_testing_defaults

SECRETS = {
    "key": "lvq_live_abcdefghijklmnop0123456789abcdef",
    "stripe": "sk_live_abcdefghijklmnop0123456789",
    "password": "hunter22hunter",
    "bearer": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlaXNoZXJl",
    "cookie": "k3yofthesessi0nofsomebody",
    "path": "t0kenOfAResetInAPath",
    "local": "nameless-value-of-a-variable",
    "mail": "somebody@customers.example",
}
WORDS = (
    f"called with {SECRETS['key']}, then {SECRETS['stripe']}; password={SECRETS['password']}\n"
    f"Authorization: Bearer {SECRETS['bearer']}\nCookie: csrf=1; sessionid={SECRETS['cookie']}"
)


def main() -> None:
    """Do all of it, then wait until it is told."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "levqor.settings.local"
    import django

    django.setup()
    import structlog
    from celery import shared_task
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler
    from django.http import HttpRequest, HttpResponse
    from django.urls import path

    from apps.core.context import bound

    def broken(request: HttpRequest, token: str) -> HttpResponse:
        unnamed = os.environ["PLANTED_LOCAL"]
        raise ValueError(f"{os.environ['PLANTED_WORDS']} {len(unnamed)}")

    pages = types.ModuleType("pages")
    vars(pages)["urlpatterns"] = [
        path("broken/<token>/", broken),
        path("well/<token>/", lambda _r, token: HttpResponse()),
    ]
    vars(pages)["handler500"] = lambda _request: HttpResponse("sorry", status=500)
    sys.modules["pages"] = pages
    settings.ROOT_URLCONF = "pages"

    @shared_task(name="tests.broken")
    def broken_task(words: str) -> None:
        raise RuntimeError(words)

    @shared_task(name="tests.well")
    def well_task(words: str) -> None:
        """Nothing breaks."""

    words, secret_path = os.environ["PLANTED_WORDS"], os.environ["PLANTED_PATH"]
    application = WSGIHandler()
    headers = {
        "HTTP_X_REQUEST_ID": "req-of-the-test",
        "HTTP_COOKIE": f"sid={os.environ['PLANTED_COOKIE']}",
        "HTTP_AUTHORIZATION": f"Bearer {os.environ['PLANTED_BEARER']}",
        "HTTP_USER_AGENT": os.environ["PLANTED_MAIL"],
        "HTTP_REFERER": f"http://127.0.0.1/{secret_path}",
        "QUERY_STRING": f"token={secret_path}",
    }

    def ask(page: str, **environ: str) -> None:
        asked: dict[str, Any] = {"PATH_INFO": page, **environ}
        setup_testing_defaults(asked)
        for part in application(
            asked, lambda status, _headers: sys.stdout.write(f"{page.split('/')[1]} {status[:3]}\n")
        ):
            part.decode()

    for page in ("broken", "well"):
        ask(f"/{page}/{secret_path}/", **headers)
    for host in ("10.0.0.7:8000", "unknown.example"):
        ask("/healthz", HTTP_HOST=host)
        ask("/well/x/", HTTP_HOST=host)
    broken_task.apply(args=(words,))
    well_task.apply(args=(words,))
    with bound(run="run_1", step="call", job="weekly_pulse"):
        structlog.get_logger("apps.tried").info("about_to_break", words=words)
        try:
            raise KeyError(words)
        except KeyError as error:
            structlog.get_logger("apps.tried").exception("it_broke", error=error, words=words, api_key=words)
    logging.getLogger("library").error("refused: %s", words)


if __name__ == "__main__":
    main()
