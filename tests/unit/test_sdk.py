"""What the SDKs are written by hand for keeps up with the API: generated code is tried by `make sdk`."""

from pathlib import Path

import pytest
from django.conf import settings

from apps.core.api import document

SDK = Path(settings.BASE_DIR) / "sdk"


@pytest.mark.parametrize("client", ["python/src/levqor_sdk/client.py", "typescript/src/client.ts"])
def test_every_subject_is_in_the_client(client: str) -> None:
    operations = [operation for path in document()["paths"].values() for operation in path.values()]
    tags = {tag for operation in operations for tag in operation["tags"]} - {"auth"}  # logging in is the terminal's
    text = (SDK / client).read_text()
    assert {tag for tag in tags if f".{tag} = " in text} == tags
