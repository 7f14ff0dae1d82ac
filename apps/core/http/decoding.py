"""Reads a response body, undoing its compression piece by piece, and stops at the limit instead of after it."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Protocol

from django.utils.translation import gettext as _

from apps.core.http.errors import HttpFailureError, ResponseTooLargeError

ACCEPTED_ENCODINGS = "gzip, deflate"

# A compressed body may be a little longer than what it stands for, and no more.
_ENCODED_SLACK = 65_536


class _Inflater(Protocol):
    def feed(self, data: bytes, room: int) -> Iterator[bytes]: ...
    def finish(self) -> None: ...


def read_body(chunks: Iterable[bytes], encoding: str, max_bytes: int) -> bytes:
    """The decoded body. `encoding` is the Content-Encoding header.

    Raises ResponseTooLargeError as soon as the decoded body is over `max_bytes`, having held at most one byte more;
    HttpFailureError (bad_encoding) for an unknown encoding, more than one, or damaged data.
    """
    names = [name for part in encoding.lower().split(",") if (name := part.strip()) not in ("", "identity")]
    inflater = _inflater_for(names)
    body = bytearray()
    received = 0
    for chunk in chunks:
        received += len(chunk)
        if received > max_bytes + (_ENCODED_SLACK if inflater else 0):
            raise too_large(max_bytes)
        if inflater is None:
            body += chunk
            continue
        for piece in inflater.feed(chunk, max_bytes + 1 - len(body)):
            body += piece
            if len(body) > max_bytes:
                raise too_large(max_bytes)
    if inflater is not None and received:
        inflater.finish()
    return bytes(body)


def too_large(max_bytes: int) -> ResponseTooLargeError:
    """The error for a body over its limit."""
    return ResponseTooLargeError(
        _("The response is larger than %(limit)d bytes.") % {"limit": max_bytes}, maybe_sent=True
    )


def _inflater_for(names: list[str]) -> _Inflater | None:
    if not names:
        return None
    if names in (["gzip"], ["x-gzip"]):
        return _Gzip()
    if names == ["deflate"]:
        return _Deflate()
    raise _bad_encoding(_("The response is encoded as %(name)s, which is not supported.") % {"name": ", ".join(names)})


class _Gzip:
    """One or more gzip members; what follows the last one is ignored, as gzip does."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def feed(self, data: bytes, room: int) -> Iterator[bytes]:
        while data:
            if self._member.eof:
                if not data.startswith(b"\x1f"):
                    return
                self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            piece = _inflate(self._member, data, room)
            room -= len(piece)
            if piece:
                yield piece
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail

    def finish(self) -> None:
        if not self._member.eof:
            raise _damaged()


class _Deflate:
    """zlib data as the standard says, or the bare deflate stream that some servers send."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj()
        self._started = False

    def feed(self, data: bytes, room: int) -> Iterator[bytes]:
        if not self._started and data:
            self._started = True
            if data[0] & 0x0F != zlib.DEFLATED:
                self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
        while data and not self._stream.eof:
            piece = _inflate(self._stream, data, room)
            room -= len(piece)
            if piece:
                yield piece
            data = self._stream.unconsumed_tail

    def finish(self) -> None:
        if not self._stream.eof:
            raise _damaged()


def _inflate(stream: "zlib._Decompress", data: bytes, room: int) -> bytes:
    try:
        return stream.decompress(data, max(1, room))
    except zlib.error:
        raise _damaged() from None


def _damaged() -> HttpFailureError:
    return _bad_encoding(_("The compressed response is damaged or cut short."), transient=True)


def _bad_encoding(detail: str, *, transient: bool = False) -> HttpFailureError:
    return HttpFailureError(detail, code="bad_encoding", transient=transient, maybe_sent=True)
