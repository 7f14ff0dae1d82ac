"""What an API key looks like: `lvq_live_` or `lvq_test_`, a random UUID in base62, and a checksum.

The checksum tells a mistyped or cut-off key from a wrong one before anybody is asked, and lets secret scanners report
only what can be a key (https://github.blog/engineering/behind-githubs-new-authentication-token-formats/).
"""

import hashlib
import re
import uuid
import zlib

from django.core.signing import b62_encode

SECRET_LENGTH, CHECKSUM_LENGTH = 22, 6
PREFIX = "lvq_"
PATTERN = re.compile(rf"lvq_(live|test)_[0-9A-Za-z]{{{SECRET_LENGTH + CHECKSUM_LENGTH}}}")


def new_secret(environment: str) -> str:
    """A key of 122 random bits for "live" or "test"."""
    body = f"{PREFIX}{environment}_{b62_encode(uuid.uuid4().int).rjust(SECRET_LENGTH, '0')}"
    return body + _checksum(body)


def environment_of(text: str) -> str | None:
    """ "live" or "test" where the text has the form of a key and its checksum fits, else None."""
    match = PATTERN.fullmatch(text)
    if match is None or _checksum(text[:-CHECKSUM_LENGTH]) != text[-CHECKSUM_LENGTH:]:
        return None
    return match[1]


def looks_like_key(text: str) -> bool:
    """Whether the text means to be a key, whole or not: no access token begins like one."""
    return text.startswith(PREFIX)


def digest(text: str) -> str:
    """What is stored of a key: its SHA-256. One fast hash is enough for 122 random bits."""
    return hashlib.sha256(text.encode()).hexdigest()


def _checksum(body: str) -> str:
    return b62_encode(zlib.crc32(body.encode())).rjust(CHECKSUM_LENGTH, "0")
