"""An address is scheme, host and port, and another machine's only where that was allowed."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.address import objection_to


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:11434", "http://127.9.9.9", "https://[::1]:1", "http://localhost:11434/", "HTTP://LOCALHOST"],
)
def test_this_machine_may_be_asked(url):
    assert objection_to(url, allows_remote=False) is None


@pytest.mark.parametrize("url", ["http://10.0.0.7:11434", "https://gpu-1.lan", "http://localhost.evil.com"])
def test_another_machine_only_where_that_is_allowed(url):
    assert "GATE_ALLOW_REMOTE=true" in objection_to(url, allows_remote=False)
    assert objection_to(url, allows_remote=True) is None


@pytest.mark.parametrize(
    "url",
    [
        "", "localhost", "localhost:11434", "ftp://127.0.0.1", "http://", "http://:1", "http://127.0.0.1:0",
        "http://127.0.0.1:65536", "http://127.0.0.1:x", "http://me@127.0.0.1", "http://me:word@127.0.0.1",
        "http://127.0.0.1/api", "http://127.0.0.1?a=b", "http://127.0.0.1#a", "http://[::1", "http://[fe80::1%25eth0]",
        "http://a..b", "http://a b", f"http://{'a' * 64}", "http://gr\u00f6\u00dfe", "http://127.0.0.1\x00",
        "http://127.0.0.1\n", " http://127.0.0.1", "http://999.1.1.1:1", "http://xn--a", "http://xn--",
    ],
    ids=ascii,
)  # fmt: skip
def test_what_is_no_plain_address_is_refused_even_where_another_machine_is_allowed(url):
    assert "http://HOST:PORT" in objection_to(url, allows_remote=True)


@given(
    st.one_of(st.text(), st.builds("http://{}".format, st.text()), st.from_regex(r"http://(xn--)?[a-z0-9.:\[\]%-]+"))
)
def test_an_address_without_objection_is_one_that_the_client_takes(url):
    if objection_to(url, allows_remote=True) is None:
        assert httpx.URL(url).host
