"""The secrets that one run may use, and their removal from everything that is recorded."""

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import quote, quote_plus

from apps.workflows import limits
from apps.workflows.definition.references import REFERENCE, walk
from apps.workflows.models import Secret

MASK = "••••••"
HEX = re.compile(r"(?<=%)[0-9A-Fa-f]{2}|(?<=\\u)[0-9A-Fa-f]{4}|(?<=&#x)[0-9A-Fa-f]{1,6}(?=;)")
QUOTES = (("&quot;", "&#x27;"), ("&quot;", "&#39;"), ("&quot;", "&#039;"), ("&quot;", "&apos;"), ("&#34;", "&#39;"))
LONG_LINE = 12  # characters from which a line of a longer secret is looked for on its own


def secret_names(definition: Mapping[str, Any]) -> frozenset[str]:
    """The names of all secrets that a definition refers to."""
    names = set()
    for _path, text in walk(definition):
        if "secrets" in text:
            for match in REFERENCE.finditer(text):
                reference = match[1].strip()
                if reference.startswith("secrets"):
                    names.add(reference.removeprefix("secrets").strip('.[]" '))
    return frozenset(names)


class Vault(Mapping[str, str]):
    """`{{ secrets.NAME }}` for one run: read once, only when the definition names any secret."""

    def __init__(self, organization_id: Any, names: frozenset[str]) -> None:
        self._organization_id, self._names = organization_id, names
        self._values: dict[str, str] | None = None if names else {}

    def _load(self) -> dict[str, str]:
        if self._values is None:
            found = Secret.objects.for_organization(self._organization_id).filter(name__in=self._names)
            self._values = dict(found.values_list("name", "value"))
        return self._values

    def __getitem__(self, name: str) -> str:
        return self._load()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())

    def masked(self) -> dict[str, str]:
        """The same names with masks for values: for what is shown."""
        return dict.fromkeys(self._load(), MASK)

    def redact(self, value: Any) -> Any:
        """A JSON value without any of the secrets, plain or in the forms that travel in URLs and headers."""
        return _without(value, self._needles) if self._needles else value

    @cached_property
    def _needles(self) -> list[str]:
        """What is looked for, the longest first."""
        # What is shorter would be found everywhere and leave nothing to read: the vault takes no such secret.
        secrets = [secret for secret in self._load().values() if len(secret) >= limits.SECRET_CHARACTERS]
        return sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)


def _forms(secret: str) -> Iterator[str]:
    """The secret as it may come back: with the space around it or, as headers are sent, without; whole and by lines."""
    lines = [line for line in secret.splitlines() if len(line.strip()) >= LONG_LINE] if "\n" in secret else []
    texts = {text for given in (secret, *lines) for text in (given, given.strip())}
    for text in texts:
        if len(text) >= limits.SECRET_CHARACTERS:
            yield from _spellings(text)
    # Base64 of a longer text shows a secret at one of three offsets; the inner characters are the same.
    for text in {secret, secret.strip()}:
        for offset in range(3):
            encoded = base64.b64encode(b"\0" * offset + text.encode()).decode().rstrip("=")
            core = encoded[(offset * 4 + 2) // 3 : -1]
            if len(core) >= 8:
                yield core
                yield core.replace("+", "-").replace("/", "_")


def _spellings(text: str) -> Iterator[str]:
    """A text as the languages of the world escape it for addresses, JSON and HTML."""
    yield text
    yield text.lower()  # as a host name
    escaped = {text, quote(text), quote(text, safe=""), quote_plus(text)}
    escaped |= {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], html.escape(text, quote=False)}
    for double, single in QUOTES:
        escaped.add(html.escape(text).replace("&quot;", double).replace("&#x27;", single))
    for form in escaped:
        for one in (form, form.replace("/", "\\/")):  # as PHP's JSON has it
            yield one
            yield HEX.sub(lambda found: found[0].lower(), one)
            yield HEX.sub(lambda found: found[0].upper(), one)


def _without(value: Any, needles: list[str]) -> Any:
    if isinstance(value, str):
        for needle in needles:
            if needle in value:
                value = value.replace(needle, MASK)
        return value
    if isinstance(value, Mapping):
        return {_without(key, needles): _without(item, needles) for key, item in value.items()}
    if isinstance(value, list):
        return [_without(item, needles) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        text = json.dumps(value)
        return MASK if any(needle in text for needle in needles) else value
    return value
