"""What the status page learns of webhooks, from outside."""

import pytest

from apps.monitoring.observing.own_probes import BadAnswerError
from apps.workflows import watched


def test_webhooks_are_looked_at(db, client, monkeypatch):
    """The real answer to a webhook of no trigger."""
    monkeypatch.setattr(watched, "status_of", lambda path, method: client.generic(method, path).status_code)
    assert watched.webhooks_are_taken() == "webhooks are taken"


@pytest.mark.parametrize("status", [200, 405, 500, 503])
def test_any_other_answer_is_a_fault(monkeypatch, status):
    monkeypatch.setattr(watched, "status_of", lambda _path, _method: status)
    with pytest.raises(BadAnswerError, match=str(status)):
        watched.webhooks_are_taken()
