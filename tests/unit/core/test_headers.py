"""Headers of ours on an answer."""

from django.http import HttpResponse

from apps.core.headers import add, add_missing, send_as_they_are


def sent(answer):
    """The headers as a server is handed them, by name."""
    return sorted(answer.items())


def test_headers_are_added_over_those_of_the_answer():
    answer = HttpResponse(headers={"x-one": "old"})
    add(answer, {"X-One": "1", "X-Two": "2"})
    assert answer["x-one"] == "1"
    assert sent(answer) == [("Content-Type", "text/html; charset=utf-8"), ("X-One", "1"), ("X-Two", "2")]


def test_missing_headers_are_added_under_those_of_the_answer():
    common = {"x-one": ("X-One", "common"), "x-two": ("X-Two", "common")}
    answer = HttpResponse(headers={"x-one": "own"})
    add_missing(answer, common)
    assert (answer["X-One"], answer["X-Two"]) == ("own", "common")
    assert common == {"x-one": ("X-One", "common"), "x-two": ("X-Two", "common")}, "they are of all answers"


def test_what_is_sent_as_it_is_can_still_be_changed():
    answer = HttpResponse(headers={"X-One": "1", "X-Two": "2"})
    send_as_they_are(answer)
    answer["x-one"] = "changed"
    del answer["X-Two"]
    add(answer, {"X-Three": "3"})
    assert sent(answer) == [("Content-Type", "text/html; charset=utf-8"), ("X-Three", "3"), ("x-one", "changed")]
    assert answer.headers.get("X-THREE") == "3"


def test_a_server_is_told_each_header_once():
    """WSGI is handed what `items` gives."""
    answer = HttpResponse(headers={"X-One": "1"})
    add_missing(answer, {"x-one": ("X-One", "common")})
    send_as_they_are(answer)
    assert sent(answer) == [("Content-Type", "text/html; charset=utf-8"), ("X-One", "1")]
