"""Pages as tests read them: on one line."""

from typing import Any

from django.http import HttpResponse
from django.test import Client


def text(client: Client, address: str, status: int = 200, **options: Any) -> str:
    """What stands at an address."""
    answer: Any = client.get(address, **options)
    assert answer.status_code == status, address
    return words(answer)


def words(answer: HttpResponse) -> str:
    """An answer's text."""
    return " ".join(answer.content.decode().split())
