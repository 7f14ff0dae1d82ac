import gzip
import tracemalloc
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.http import HttpFailureError, ResponseTooLargeError
from apps.core.http.decoding import read_body

DATA = b"levqor " * 1000


def gzipped(data, compresslevel=9):
    """The same bytes at every call: test names are made of them, and workers must agree on the names."""
    return gzip.compress(data, compresslevel, mtime=0)


def pieces(data: bytes, size: int = 7) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


@pytest.mark.parametrize(
    ("encoding", "encoded"),
    [
        ("", DATA),
        ("identity", DATA),
        ("gzip", gzipped(DATA)),
        ("X-GZIP", gzipped(DATA)),
        ("identity, gzip", gzipped(DATA)),
        ("gzip", gzipped(DATA[:3500]) + gzipped(DATA[3500:])),
        ("gzip", gzipped(DATA) + b"\0\0\0trailing"),
        ("deflate", zlib.compress(DATA)),
        ("deflate", raw_deflate(DATA)),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_bodies_are_decoded_however_they_arrive(encoding: str, encoded: bytes, size: int) -> None:
    assert read_body(pieces(encoded, size), encoding, len(DATA)) == DATA


@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
def test_an_empty_body_needs_no_decoding(encoding: str) -> None:
    assert read_body([], encoding, 10) == b""


@pytest.mark.parametrize("encoded", [DATA, gzipped(DATA)], ids=["plain", "gzip"])
def test_the_limit_is_exact(encoded: bytes) -> None:
    encoding = "" if encoded is DATA else "gzip"
    assert read_body(pieces(encoded), encoding, len(DATA)) == DATA
    with pytest.raises(ResponseTooLargeError):
        read_body(pieces(encoded), encoding, len(DATA) - 1)


@pytest.mark.parametrize(
    ("encoding", "encoded"),
    [
        ("gzip", gzipped(bytes(200_000_000), compresslevel=1)),
        ("deflate", zlib.compress(bytes(200_000_000), level=1)),
    ],
    ids=["gzip", "deflate"],
)
def test_a_bomb_is_never_unpacked(encoding: str, encoded: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ResponseTooLargeError):
            read_body(pieces(encoded, 65_536), encoding, 1_000_000)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000


def test_compressed_noise_that_decodes_to_nothing_is_limited_too() -> None:
    empty_members = gzipped(b"") * 10_000
    with pytest.raises(ResponseTooLargeError):
        read_body(pieces(empty_members, 65_536), "gzip", 1000)


@pytest.mark.parametrize(
    ("encoding", "encoded"),
    [
        ("gzip", b"not gzip at all"),
        ("gzip", gzipped(DATA)[:-9]),
        ("gzip", gzipped(DATA)[:-8] + bytes(8)),
        ("deflate", b"\xff\xff\xff"),
        ("deflate", zlib.compress(DATA)[:-5]),
        ("br", b"x"),
        ("zstd", b"x"),
        ("gzip, gzip", gzipped(gzipped(DATA))),
    ],
)
def test_what_cannot_be_decoded_is_an_error(encoding: str, encoded: bytes) -> None:
    with pytest.raises(HttpFailureError) as caught:
        read_body(pieces(encoded), encoding, 100_000)
    assert caught.value.code == "bad_encoding"
    assert caught.value.maybe_sent


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", ""]), st.integers(1, 50))
def test_no_input_escapes_the_declared_errors(data: bytes, encoding: str, size: int) -> None:
    with suppress(HttpFailureError, ResponseTooLargeError):
        assert len(read_body(pieces(data, size), encoding, 200)) <= 200
