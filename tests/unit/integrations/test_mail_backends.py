"""Mail as files."""

import os
import stat
from pathlib import Path
from unittest.mock import patch

import pytest
from django.core.mail import EmailMessage

from apps.integrations.mail.backends import FileBackend
from apps.integrations.mail.transport import OutboxMail


def outbox_mail(mail_id: str = "mail_01", text: str = "Hello") -> OutboxMail:
    mail = OutboxMail("Subject", text, "a@example.com", ["b@example.com"], headers={"Message-ID": "<x@y>"})
    mail.mail_id = mail_id
    return mail


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_mail_is_a_file_of_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "mail"
    assert FileBackend(file_path=str(folder)).send_messages([outbox_mail(), outbox_mail("mail_02")]) == 2
    assert names(folder) == ["mail_01.eml", "mail_02.eml"]
    assert b"\nHello" in (folder / "mail_01.eml").read_bytes()


def test_a_repeated_delivery_replaces_its_file(tmp_path: Path) -> None:
    backend = FileBackend(file_path=str(tmp_path))
    backend.send_messages([outbox_mail(text="one")])
    backend.send_messages([outbox_mail(text="two")])
    assert names(tmp_path) == ["mail_01.eml"]
    assert b"two" in (tmp_path / "mail_01.eml").read_bytes()


def test_only_the_owner_reads_them(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    FileBackend(file_path=str(folder)).send_messages([outbox_mail()])
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(folder / "mail_01.eml").st_mode) == 0o600


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a/b", ".hidden", "x" * 81])
def test_a_name_never_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "mail"
    FileBackend(file_path=str(folder)).send_messages([outbox_mail(name)])
    assert names(tmp_path) == ["mail"]
    (written,) = names(folder)
    assert written.startswith("mail_")


def test_mail_that_is_not_from_the_outbox_gets_a_name(tmp_path: Path) -> None:
    FileBackend(file_path=str(tmp_path)).send_messages([EmailMessage("s", "t", "a@example.com", ["b@example.com"])])
    assert len(names(tmp_path)) == 1


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    with patch("os.fsync", side_effect=OSError("disk full")), pytest.raises(OSError, match="disk full"):
        FileBackend(file_path=str(tmp_path)).send_messages([outbox_mail()])
    assert names(tmp_path) == []
