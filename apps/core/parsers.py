"""JSON in, as it can be stored: a body that no database would take is refused at the door."""

import io
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from apps.core.json_values import MAX_DEPTH, is_storable, is_too_deep


def is_longer(request: HttpRequest, most: int) -> bool:
    """Whether the body was declared to have more than `most` bytes, or so many as is no number. Nothing is read."""
    declared = request.META.get("CONTENT_LENGTH") or "0"
    return not (declared.isascii() and declared.isdecimal() and len(declared) <= len(str(most))) or int(declared) > most


class StorableJSONParser(JSONParser):
    """DRF's parser that also refuses NUL characters, lone surrogates and numbers that are none."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """The body's data. Raises `ParseError` (400), or Django's `RequestDataTooBig` (told as 413)."""
        if isinstance(stream, HttpRequest):
            stream = io.BytesIO(stream.body)  # read by Django: under its limit, and still there for a second look
        document = stream.read()
        if is_too_deep(document):
            raise ParseError(_("The JSON is nested more than %(most)s levels deep.") % {"most": MAX_DEPTH})
        data = super().parse(io.BytesIO(document), media_type, parser_context)
        if not is_storable(data):
            raise ParseError(_("The JSON has NUL characters, half surrogate pairs, or numbers that are none."))
        return data
