"""Secrets that somebody put into a row never reach Notion: planted, then looked for in all that the far end has."""

from typing import Any

import pytest

from apps.core.kinds import NotionDatabase, NotionProperty, NotionRow
from apps.core.scrubbing import REMOVED, scrub
from apps.integrations.models import NotionPage, NotionTable
from apps.integrations.notion import syncing
from apps.integrations.notion.fake import FakeNotion
from apps.integrations.notion.properties import UnfitRowError, columns_of
from tests.common.notion import Kept, only

PLANTED = [
    "lvq_live_3f0c1c1e-7f1a-4c63-9d55-4ad7d2d5a5f1_a1b2c3",
    "lvq_test_3f0c1c1e7f1a4c639d554ad7d2d5a5f1",
    "sk_live_51HqLyjWDarjtT1zdp7dcABC",
    "rk_test_51HqLyjWDarjtT1zdp7dcABC",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "ntn_509128374650918273465091827346509182",
    "re_9fA8sdf7_8sdf7as9d8f7as9d8f7asdf",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "gAAAAABk3vJmQm9vZ29vZ29vZ29vZ29vZ29vZ29vZ29vZ29vZ29vZ29vZ29vZw==",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
    "Bearer 9f86d081884c7d659a2feaa0c55ad015",
]


@pytest.mark.parametrize("secret", PLANTED)
def test_a_form_is_known_wherever_it_stands(secret: str) -> None:
    for around in ("{}", "see {}.", "https://a.example/?key={}&x=1", '{{"key": "{}"}}'):
        assert secret not in scrub(around.format(secret))
        assert REMOVED in scrub(around.format(secret))


def test_a_password_in_an_address_is_cut_out() -> None:
    assert "hunter2" not in scrub("postgres://levqor:hunter2@db/levqor")


@pytest.mark.parametrize(
    "words",
    ["key_01jqz3k5m8n2p4r6s8t0v2w4x6", "usr_01jqz3k5m8n2p4r6s8t0v2w4x6", "skill", "a basic idea", "12:30 @ home"],
)
def test_ids_and_words_stay(words: str) -> None:
    assert scrub(words) == words


def test_secrets_of_this_installation_are_known(settings: Any) -> None:
    settings.SECRET_KEY = "quite-a-long-key-of-no-form"
    assert scrub("x quite-a-long-key-of-no-form y") == f"x {REMOVED} y"


@pytest.mark.django_db
def test_none_of_them_reaches_notion(fake_notion: FakeNotion, kept: Kept, settings: Any) -> None:
    own = [settings.SECRET_KEY, settings.ENCRYPTION_KEYS[0]]
    for number, secret in enumerate([*PLANTED, *own]):
        kept.people[f"p{number}"] = {
            "Name": secret, "Note": f"note {secret}", "Kind": secret[:100], "Site": f"https://a.example/{secret}",
            "Mail": f"{secret[:60]}@a.example",
        }  # fmt: skip
    syncing.sync_all()
    there = fake_notion.everything()
    assert len(fake_notion.rows("People")) == len(PLANTED) + 2
    for secret in [*PLANTED, *own]:
        for line in secret.splitlines():
            assert line not in there
    assert fake_notion.token not in there


@pytest.mark.django_db
def test_nor_does_one_that_is_an_id(fake_notion: FakeNotion, kept: Kept) -> None:
    kept.people[PLANTED[0]] = {"Name": "x"}
    with pytest.raises(syncing.SyncFailedError) as failed:
        syncing.sync_all()
    assert PLANTED[0] not in f"{failed.value} {NotionTable.objects.get().last_error}"
    assert not NotionPage.objects.exists()


@pytest.mark.parametrize("name", ["API Key", "Password", "Secret", "Access Token", "Private Key"])
def test_a_column_for_secrets_is_refused(name: str) -> None:
    with pytest.raises(UnfitRowError):
        columns_of([NotionProperty("Name", "title"), NotionProperty(name, "rich_text")])


@pytest.mark.parametrize("name", ["API Key masked", "Key ID", "Tokens Used", "API Key Count", "Keys"])
def test_columns_that_only_sound_like_it_are_not(name: str) -> None:
    assert name in columns_of([NotionProperty("Name", "title"), NotionProperty(name, "rich_text")])


@pytest.mark.django_db
def test_nothing_of_an_error_is_a_secret(fake_notion: FakeNotion) -> None:
    def rows() -> list[NotionRow]:
        raise RuntimeError(f"no connection with {PLANTED[2]}")

    bad = NotionDatabase("bad", "Bad", (NotionProperty("Name", "title"),), rows)
    with only(bad), pytest.raises(syncing.SyncFailedError):
        syncing.sync_all()
    assert PLANTED[2] not in NotionTable.objects.get().last_error
