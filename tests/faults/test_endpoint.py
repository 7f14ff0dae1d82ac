"""The endpoint that the other tests count calls at counts only what arrived whole."""

import socket

import httpx

from tests.common.counting_server import CountingServer
from tests.common.processes import eventually


def test_a_request_whose_sender_was_killed_after_its_head_is_no_call() -> None:
    with CountingServer() as server:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"POST /ok HTTP/1.1\r\nHost: here\r\nIdempotency-Key: one\r\nContent-Length: 13\r\n\r\n")
        eventually(lambda: server.cut_off == 1, 10, "the server saw the end of the connection")
        assert server.calls() == []
        answer = httpx.post(f"{server.url}/ok", headers={"Idempotency-Key": "one"}, json={"run": "one"})
        assert answer.json() == {"tries": 1, "echo": {"run": "one"}}
        assert [call.body for call in server.calls()] == [{"run": "one"}]
