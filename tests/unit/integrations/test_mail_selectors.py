"""Reading the outbox."""

from collections.abc import Callable

from apps.integrations.mail import selectors
from apps.integrations.models import MailMessage

Queue = Callable[..., MailMessage]


def test_lists_are_newest_first(queued: Queue) -> None:
    first, second = queued("a"), queued("b", to="bob@example.com")
    assert list(selectors.all_mail()) == [second, first]
    assert list(selectors.mail_to(" BOB@example.com ")) == [second]


def test_lists_load_no_bodies(queued: Queue) -> None:
    queued()
    assert selectors.all_mail().get().get_deferred_fields() == {"text", "html", "headers"}
