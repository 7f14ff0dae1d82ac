"""Words as every reader can have them: XML 1.0, which the feed is, knows no control characters."""

import re
from typing import Any

from django import forms

# Word processors and chats have these for a line's end.
_LINE_ENDS = re.compile("[\x0b\x0c]")
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def readable(text: str) -> str:
    """The text without what no feed can hold; it comes with what is pasted, and nobody sees it."""
    return _UNREADABLE.sub("", _LINE_ENDS.sub("\n", text))


class WordsField(forms.CharField):
    """Words for everybody."""

    def to_python(self, value: Any) -> str:
        """Django's hook: before it asks whether there are any."""
        return readable(super().to_python(value) or "").strip()


class LineField(WordsField):
    """Words in one line."""

    def to_python(self, value: Any) -> str:
        """Django's hook."""
        return " ".join(super().to_python(value).split())
