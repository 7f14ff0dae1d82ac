"""What a key looks like: whole or not can be told from its text alone."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts import key_format

ALPHABET = string.digits + string.ascii_letters


def test_a_key_says_what_it_opens():
    secret = key_format.new_secret("live")
    assert secret.startswith("lvq_live_")
    assert len(secret) == len("lvq_live_") + 28
    assert key_format.environment_of(secret) == "live"
    assert key_format.environment_of(key_format.new_secret("test")) == "test"


def test_no_two_are_alike():
    assert len({key_format.new_secret("live") for _n in range(1000)}) == 1000


@given(place=st.integers(0, 36), other=st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(place, other):
    secret = key_format.new_secret("live")
    changed = secret[:place] + other + secret[place + 1 :]
    assert (key_format.environment_of(changed) == "live") is (changed == secret)


@pytest.mark.parametrize(
    "text", ["", "lvq_", "lvq_live_", "lvq_prod_" + "a" * 28, "x" * 10_000, "lvq_live_" + "é" * 28]
)
def test_what_is_no_key(text):
    assert key_format.environment_of(text) is None


@given(st.text(max_size=60))
def test_any_text_gets_an_answer(text):
    assert key_format.environment_of(text) in (None, "live", "test")


def test_a_key_that_is_cut_off():
    secret = key_format.new_secret("test")
    assert all(key_format.environment_of(secret[:length]) is None for length in range(len(secret)))
