"""The key file: what is refused, and that nothing tells what is in it."""

import json
import os
import pickle
import traceback
from pathlib import Path

import pytest

from domain.errors import BadInput
from execution.exchange.keys import HIDDEN, MOST_BYTES, load_key

KEY, SECRET = "AbCdEfGh12345678", "ZyXwVuTs87654321ZyXwVuTs87654321"
GOOD = {"apiKey": KEY, "secret": SECRET}
WALLET = {"walletAddress": "0x" + "ab" * 20, "privateKey": "0x" + "1F" * 32}


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "key.json"
    path.write_text(text)
    path.chmod(mode)
    return path


class Exchange:
    """What a key is given to."""


def test_a_good_file_opens_the_exchange_and_shows_nothing(tmp_path):
    key = load_key(written(tmp_path, json.dumps(GOOD)), "bybit")
    exchange = Exchange()
    key.give_to(exchange)
    assert vars(exchange) == GOOD
    assert KEY not in f"{key!r} {key} {dir(key)}"
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_the_key_is_taken_out_of_every_text_however_it_is_written(tmp_path):
    key = load_key(written(tmp_path, json.dumps(WALLET)), "hyperliquid")
    told = f"no {WALLET['privateKey']} nor {'1f' * 32} of {WALLET['walletAddress']}"
    assert key.hide(told) == f"no 0x{HIDDEN} nor {HIDDEN} of {WALLET['walletAddress']}"
    assert key.hide("sign " + "9a" * 32) == f"sign {HIDDEN}"
    assert load_key(written(tmp_path, json.dumps(GOOD)), "bybit").hide(f"{KEY}.{SECRET}") == f"{HIDDEN}.{HIDDEN}"


WRONG = {
    "empty": "",
    "not json": f"{KEY}:{SECRET}",
    "not an object": json.dumps([KEY, SECRET]),
    "half of it": json.dumps({"apiKey": KEY}),
    "more than it": json.dumps(GOOD | {"password": SECRET}),
    "a number": json.dumps(GOOD | {"secret": 7}),
    "a line break": json.dumps(GOOD | {"secret": SECRET + "\n"}),
    "another exchange's": json.dumps(WALLET),
    "cut off": json.dumps(GOOD)[:-3],
    "deep": "[" * 4_000,
}


@pytest.mark.parametrize("name", list(WRONG))
def test_a_file_that_holds_something_else_is_refused_without_a_byte_of_it(tmp_path, name):
    path = written(tmp_path, WRONG[name])
    with pytest.raises(BadInput, match=r"apiKey and secret") as caught:
        load_key(path, "bybit")
    told = "".join(traceback.format_exception(caught.value))
    assert KEY not in told
    assert SECRET not in told
    assert caught.value.__context__ is None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o400, 0o700])
def test_a_file_that_others_may_read_is_refused(tmp_path, mode):
    with pytest.raises(BadInput, match=rf"mode {mode:04o}; only 0600"):
        load_key(written(tmp_path, json.dumps(GOOD), mode), "bybit")


def test_a_link_a_folder_a_pipe_and_nothing_at_all_are_refused(tmp_path):
    written(tmp_path, json.dumps(GOOD))
    (tmp_path / "link").symlink_to(tmp_path / "key.json")
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, why in (("link", "link"), ("", "regular"), ("pipe", "regular"), ("none", "No such file")):
        with pytest.raises(BadInput, match=why):
            load_key(tmp_path / name, "bybit")


def test_a_file_that_is_too_long_is_refused(tmp_path):
    with pytest.raises(BadInput, match="longer than"):
        load_key(written(tmp_path, json.dumps(GOOD) + " " * MOST_BYTES), "bybit")


def test_a_file_of_another_user_is_refused(tmp_path, monkeypatch):
    path = written(tmp_path, json.dumps(GOOD))
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(BadInput, match="belongs to user"):
        load_key(path, "bybit")
