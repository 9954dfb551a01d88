"""What the bench reads off the wire and off its load generator."""

import re
from itertools import pairwise

import pytest
from bench.contenders import PACED
from bench.http1 import Endpoint, read_events
from bench.processes import BenchError
from bench.report import BEGIN, END, write_into
from bench.results import Results, judge
from bench.scenarios.throughput import Throughput, read_wrk, write_script
from bench.streams import Exchange, read_stream
from hypothesis import given
from hypothesis import strategies as st

WRK = """Running 2s test @ http://127.0.0.1:1/v1/chat/completions
  1 threads and 64 connections
  9744 requests in 2.00s, 7.53MB read
{errors}Requests/sec:   4872.13
Transfer/sec:      3.76MB
"""


def _event(text, finish="null"):
    return b'data: {"choices":[{"delta":{"content":"%b"},"finish_reason":%b}]}\n\n' % (text, finish.encode())


def _answer(*events):
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in events) + b"0\r\n\r\n"


WHOLE = _answer(_event(b" 0"), _event(b" 1"), _event(b"", '"stop"'), b"data: [DONE]\n\n")


def test_failed_requests_are_counted_wherever_wrk_names_them():
    """Refused answers and broken sockets both make a run void."""
    errors = "  Socket errors: connect 1, read 2, write 0, timeout 3\n  Non-2xx or 3xx responses: 4\n"
    assert read_wrk(WRK.format(errors=errors)).failures == 10
    clean = read_wrk(WRK.format(errors=""))
    assert (clean.requests, clean.per_second, clean.failures) == (9744, 4872.13, 0)


def test_a_report_that_is_not_understood_is_an_error():
    """Never a rate of 0."""
    with pytest.raises(BenchError):
        read_wrk("unable to connect")


@given(st.lists(st.integers(1, len(WHOLE) - 1), max_size=8, unique=True))
def test_a_stream_reads_the_same_however_its_bytes_arrive(cuts):
    """Packets cut events, chunks and heads anywhere; content and order stay."""
    edges = [0, *sorted(cuts), len(WHOLE)]
    reads = [(float(at), WHOLE[a:b]) for at, (a, b) in enumerate(pairwise(edges))]
    stream = read_stream(Exchange(0.0, reads, is_ended=True), 2)
    assert stream.is_clean
    assert len(stream.gaps_s) == 1


def test_an_event_is_timed_by_the_read_that_completed_it():
    """A first token half sent has not come yet."""
    middle = WHOLE.index(b" 0")
    _, events = read_events([(1.0, WHOLE[:middle]), (2.0, WHOLE[middle:])])
    assert events[0].at == 2.0


@pytest.mark.parametrize(
    "events",
    [
        [_event(b" 1"), _event(b" 0"), _event(b"", '"stop"'), b"data: [DONE]\n\n"],
        [_event(b" 0"), _event(b"", '"stop"'), b"data: [DONE]\n\n"],
        [_event(b" 0"), _event(b" 0"), _event(b" 1"), _event(b"", '"stop"'), b"data: [DONE]\n\n"],
        [_event(b" 0"), _event(b" 1"), b"data: [DONE]\n\n"],
        [_event(b" 0"), _event(b" 1"), _event(b"", '"stop"')],
    ],
    ids=["swapped", "lost", "doubled", "no finish reason", "no end mark"],
)
def test_a_stream_that_is_not_whole_is_not_clean(events):
    """Each way of spoiling a stream is seen."""
    assert not read_stream(Exchange(0.0, [(1.0, _answer(*events))], is_ended=True), 2).is_clean


def test_a_run_with_failures_gives_no_ratio():
    """A fast gateway that refuses requests has no rate."""
    results = Results({}, {}, {"naru": "Naru", "bare": "bare proxy"})
    good = Throughput((100.0, 100.0), 0)
    results.throughput["fast"] = {"naru": good, "bare": Throughput((50.0, 50.0), 7, "7 of 100 failed")}
    assert results.ratio("fast", "bare") is None
    goal = next(goal for goal in judge(results) if "bare proxy" in goal.name)
    assert goal.is_met is None
    assert "7 of 100 failed" in goal.measured


def test_a_goal_beyond_what_the_upstream_allows_is_not_held_against_naru():
    """With 20 ms and 64 connections nobody exceeds 3,200 requests/s; 1,500 cannot be beaten 2.5 times."""
    results = Results({}, {}, {"portkey": "Portkey"})
    rates = {"naru": 2900.0, "portkey": 1500.0, "direct": 3100.0}
    results.throughput["slow"] = {name: Throughput((rate, rate), 0) for name, rate in rates.items()}
    goal = next(goal for goal in judge(results) if "20 ms: by Portkey" in goal.name)
    assert goal.is_met is None
    assert goal.measured == "1.93 × (even without a gateway only 2.07 ×)"


def test_what_was_not_measured_is_neither_met_nor_missed():
    """A goal needs a figure."""
    assert {goal.is_met for goal in judge(Results({}, {}, {}))} == {None}


def test_the_page_keeps_its_words_around_the_tables(tmp_path):
    """Only what stands between the marks is replaced; a page without marks is left alone."""
    page = tmp_path / "benchmarks.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_into(page, "new")
    assert page.read_text() == f"before\n{BEGIN}\n\nnew\n{END}\nafter\n"
    page.write_text("no marks")
    with pytest.raises(ValueError, match="lacks the marks"):
        write_into(page, "new")
    assert page.read_text() == "no marks"


def test_a_request_names_its_length_in_bytes():
    """Korean text has more bytes than characters."""
    endpoint = Endpoint(1, PACED)
    body = endpoint.build_body("나루")
    head, _, sent = endpoint.build_request(body).partition(b"\r\n\r\n")
    assert sent == body
    assert f"content-length: {len(body)}".encode() in head


def test_no_prompt_of_the_load_comes_twice_in_a_gateways_memory():
    """64,000 different ones, so that no gateway answers or looks through one from memory."""
    script = write_script(Endpoint(1, "m", {"authorization": 'Bearer "x"'}))
    words = re.search(r"local words = \{(.*)\}", script)
    assert words is not None
    assert len(set(words[1].split(", "))) ** 3 >= 64_000
    assert 'wrk.headers["authorization"] = "Bearer \\"x\\""' in script
