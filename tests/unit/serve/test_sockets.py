"""A real server on a real port: slow, endless and broken senders, and many at once."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from easyportrait.serve.limits import Limits
from tests.unit.serve.asking import (
    SOON,
    answer_of,
    decoded,
    drawn,
    error_of,
    eventually,
    head,
    net,
    photo,
    serving,
)


def test_a_picture_goes_through_a_socket_and_the_line_stays() -> None:
    body = photo()
    with serving() as served:
        made = served.connect()
        wanted = net().parse(drawn()).labels
        for _ in range(2):
            made.sendall(head("POST", "/v1/parse", f"Content-Length: {len(body)}") + body)
            status, answer = answer_of(made)
            assert status == 200 and (decoded(answer) == wanted).all()
        made.sendall(
            head("POST", "/v1/parse", "Transfer-Encoding: chunked")
            + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        )
        assert answer_of(made)[0] == 200


def test_who_says_too_much_hears_why_before_sending_it() -> None:
    with serving() as served:
        asking = head("POST", "/v1/parse", "Content-Length: 99000000000", "Expect: 100-continue")
        status, body = served.ask(asking)
    assert (status, error_of(body)) == (413, "body-too-large")


def test_who_sends_a_little_too_much_hears_why_after_it() -> None:
    """More than fits into the sockets' buffers: were it left lying, the line would break."""
    with serving(limits=Limits(body=9_000_000, linger_s=SOON)) as served:
        status, body = answer_of(served.post("/v1/parse", bytes(17_000_000)))
    assert (status, error_of(body)) == (413, "body-too-large")


def test_too_many_at_once_are_told_so_and_the_others_are_served() -> None:
    go = threading.Event()
    body = photo()
    with serving({"fake": net(lambda: go.wait(SOON))}, limits=Limits(queue=2)) as served:
        here = [served.post("/v1/parse", body) for _ in range(4)]
        assert eventually(lambda: served.metric("easyportrait_places_taken") == 4)
        with ThreadPoolExecutor(8) as pool:
            more = list(pool.map(lambda _: answer_of(served.post("/v1/parse", body)), range(16)))
        assert {(status, error_of(answer)) for status, answer in more} == {(429, "busy")}
        raw = served.post("/v1/parse", body)
        raw.settimeout(SOON)
        assert b"\r\nretry-after: " in raw.recv(4096).lower()
        assert served.ask(head("GET", "/healthz"))[0] == 200
        go.set()
        wanted = net().parse(drawn()).labels
        for made in here:
            status, answer = answer_of(made)
            assert status == 200 and (decoded(answer) == wanted).all()


def test_who_hangs_up_while_waiting_costs_nothing_more() -> None:
    go = threading.Event()
    looks: list[int] = []

    def look() -> None:
        looks.append(1)
        go.wait(SOON)

    with serving({"fake": net(look)}, threads=1) as served:
        first = served.post("/v1/parse?looks=1", photo())
        assert eventually(lambda: served.metric("easyportrait_working") == 1)
        for _ in range(5):
            served.post("/v1/parse?looks=1", photo()).close()
        assert eventually(lambda: served.metric("easyportrait_places_taken") == 1)
        go.set()
        assert answer_of(first)[0] == 200
        assert eventually(lambda: served.metric("easyportrait_places_taken") == 0)
    assert len(looks) == 1


def test_an_answer_that_takes_too_long_is_given_up() -> None:
    go = threading.Event()
    with serving({"fake": net(lambda: go.wait(SOON))}, limits=Limits(answer_s=0.3)) as served:
        status, body = answer_of(served.post("/v1/parse", photo()))
        assert (status, error_of(body)) == (503, "took-too-long")
        assert served.metric("easyportrait_places_taken") == 1
        go.set()
        assert eventually(lambda: served.metric("easyportrait_places_taken") == 0)


def test_connections_are_limited() -> None:
    with serving(limits=Limits(connections=3, keep_s=0.2, head_s=SOON)) as served:
        kept = [served.connect() for _ in range(3)]
        assert eventually(lambda: len(served.server.server_state.connections) == 3)
        status, body = answer_of(served.connect())
        assert (status, error_of(body)) == (429, "busy")
        for made in kept:
            made.close()
        assert eventually(lambda: served.ask(head("GET", "/healthz"))[0] == 200)


def test_ending_lets_those_who_are_here_have_their_answer() -> None:
    go = threading.Event()
    with serving({"fake": net(lambda: go.wait(SOON))}) as served:
        made = served.post("/v1/parse", photo())
        assert eventually(lambda: served.metric("easyportrait_working") == 1)
        served.server.should_exit = True
        threading.Timer(0.2, go.set).start()
        assert answer_of(made)[0] == 200


def test_the_loop_answers_while_threads_work() -> None:
    """Nothing that takes long runs in the event loop."""

    def check() -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        raise AssertionError("in the loop")

    with serving({"fake": net(check)}) as served:
        assert answer_of(served.post("/v1/parse", photo()))[0] == 200
