"""The platform asks itself the way people reach it."""

from typing import Any

import pytest

from apps.core.kinds import StatusComponent
from apps.monitoring.observing import own_probes
from apps.monitoring.services import probing

pytestmark = pytest.mark.django_db


def test_the_platforms_own_address_is_asked(live_server: Any, settings: Any) -> None:
    settings.SITE_URL = live_server.url
    assert own_probes.pages_answer() == "the start page answers"
    assert own_probes.api_answers() == "the API answers"
    settings.SITE_URL = "http://127.0.0.1:9"
    up, _taken, words = probing._examine(StatusComponent("tried", "Tried", "", own_probes.pages_answer))
    assert not up
    assert words
    for one in (live_server.url, settings.SITE_URL):
        settings.SITE_URL = one
        own_probes._client(one).close()
    own_probes._client.cache_clear()
