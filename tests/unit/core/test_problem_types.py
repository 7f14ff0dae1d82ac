"""The `type` of every problem document leads to a page, or says that there is none."""

import re

import pytest
from django.test import Client
from django.utils.html import escape

from apps.accounts.errors import DeviceLoginError, RateLimitedError
from apps.core.errors import ConflictError, DomainError
from apps.core.problem_types import ADVICE, LATER, problem_types, type_of
from apps.core.problems import document

SITE = "https://levqor.example"


@pytest.fixture(autouse=True)
def _site(settings):
    settings.SITE_URL = SITE


def test_every_kind_has_a_page(client: Client) -> None:
    kinds = problem_types()
    assert {"not_found", "run_finished", "invalid_token", "outbound_timeout"} <= set(kinds)
    for code, kind in kinds.items():
        assert re.fullmatch(r"[a-z][a-z_]+", code)
        answer = client.get(type_of(DomainError(code=code)).removeprefix(SITE))
        assert answer.status_code == 200, code
        page = answer.content.decode()
        assert f"<code>{code}</code>" in page
        assert escape(str(ADVICE.get(kind.status, LATER))) in page
        assert kind.status in ADVICE or kind.status >= 500, code


def test_an_unknown_kind_is_not_found(client: Client) -> None:
    assert client.get("/problems/nothing").status_code == 404


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (ConflictError(), f"{SITE}/problems/conflict"),
        (ConflictError(code="slug_taken"), f"{SITE}/problems/conflict"),  # the code says more than its kind
        (DeviceLoginError(code="slow_down"), f"{SITE}/problems/device_login"),
        (DomainError(code=RateLimitedError.code, status=429), f"{SITE}/problems/rate_limited"),
        (DomainError(code="body_too_large", status=413), "about:blank"),
    ],
)
def test_a_finer_code_has_the_page_of_its_kind(error: DomainError, wanted: str) -> None:
    found = document(error, "/here")
    assert (found["type"], found["code"]) == (wanted, error.code)
