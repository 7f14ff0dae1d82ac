"""Mail as files, one `.eml` each, for demos and development."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from apps.core.ids import new_id

_SAFE_NAME = re.compile(r"[a-z0-9_]{1,80}")


class FileBackend(BaseEmailBackend):
    """Writes each mail to `EMAIL_FILE_PATH/<mail id>.eml`: a repeated delivery replaces its own file."""

    def __init__(self, fail_silently: bool = False, file_path: str | None = None, **kwargs: Any) -> None:
        super().__init__(fail_silently=fail_silently)
        self.folder = Path(file_path or settings.EMAIL_FILE_PATH)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write the mails; each appears whole or not at all. Raises `OSError`."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for mail in email_messages:
            self._write(mail)
        return len(email_messages)

    def _write(self, mail: EmailMessage) -> None:
        name = getattr(mail, "mail_id", "")
        if not _SAFE_NAME.fullmatch(name):
            name = f"mail_{new_id().hex}"
        temporary = self.folder / f".{name}.{os.getpid()}.{new_id().hex}"
        content = mail.message().as_bytes()
        try:
            with open(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.folder / f"{name}.eml")
        finally:
            temporary.unlink(missing_ok=True)
