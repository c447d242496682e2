import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.redaction import HIDDEN, Redactor, names_a_secret, scrub

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
KEYPAIRS = st.binary(min_size=64, max_size=64).filter(lambda raw: raw[0] > 3)
NAMES = st.text("abcdefghijklmnop_", min_size=1, max_size=8).filter(lambda name: not names_a_secret(name))
SECRETS = st.text("ABCDEFGHJKMNPQRSTUVWXYZ23456789", min_size=12, max_size=30)


def base58(raw: bytes) -> str:
    number, text = int.from_bytes(raw, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return text


def nested(names: list[str], value: object) -> dict[str, object]:
    for level, name in enumerate(names[1:]):
        value = {name: value} if level % 2 else [{name: value}, ("x", 1)]
    return {names[0]: value}


def shown(event: dict[str, object], *known: str) -> str:
    return json.dumps(Redactor(known)(None, "info", dict(event)))


@given(
    st.lists(NAMES, min_size=1, max_size=6),
    st.sampled_from(
        ["password", "apiKey", "API_KEY", "wallet_key", "bot_token", "clientSecret", "DATABASE_URL", "key"]
    ),
    SECRETS,
)
def test_a_value_under_a_secret_name_never_appears_however_deep(names: list[str], name: str, secret: str) -> None:
    assert secret not in shown(nested(names, {name: secret}))
    assert secret not in shown(nested(names, {name: [{"inner": secret}]}))


@given(st.lists(NAMES, min_size=1, max_size=6), SECRETS, st.text(max_size=20), st.text(max_size=20))
def test_a_known_secret_never_appears_whatever_stands_around_it(
    names: list[str], secret: str, before: str, after: str
) -> None:
    text = before + secret + after
    assert secret not in shown(nested(names, text), secret)
    assert secret not in shown({"event": text, text: 1}, secret)


@given(st.lists(NAMES, min_size=1, max_size=5), KEYPAIRS)
def test_a_wallet_key_is_known_by_its_looks(names: list[str], raw: bytes) -> None:
    text, array = base58(raw), json.dumps(list(raw))
    assert text not in shown(nested(names, f"loaded {text}, ready"))
    assert array not in shown(nested(names, f"loaded {array}"))
    assert HIDDEN in shown(nested(names, list(raw)))
    assert array[1:-1] not in shown(nested(names, list(raw)))


@given(SECRETS)
def test_logins_tokens_and_named_secrets_are_cut_out_of_text(secret: str) -> None:
    for text in (
        f"cannot reach postgresql://desk:{secret}@db.example/journal",
        f"cannot reach postgresql://desk:{secret}/@x@db.example/journal",
        f"Authorization: Bearer {secret}",
        f"password={secret} host=db",
        f'{{"api_key": "{secret} {secret}"}}',
        f"POST /bot123456789:{secret}{secret}{secret}/sendMessage",
    ):
        assert secret not in scrub(text)


def test_what_is_no_secret_stays_readable() -> None:
    for text in (
        "ab" * 32,
        "e3: body is under 0.5 ATR, volume z is under 2",
        "SOL-PERP-1746057780000-entry",
        "https://example.org/path",
    ):
        assert scrub(text) == text
    event = {"event": "entered", "equity_usd": 9_945.47, "position_lots": -3, "why": None, "is_simulated": True}
    assert Redactor()(None, "info", event) == event


@pytest.mark.parametrize("name", ["tick_id", "symbol", "chain_hash", "monkey_count", "position_lots", "keeper"])
def test_an_ordinary_name_is_no_secret(name: str) -> None:
    assert not names_a_secret(name)


def test_bottomless_nesting_is_cut_off() -> None:
    value: object = "end"
    for _ in range(100):
        value = {"deeper": value}
    assert HIDDEN in shown({"value": value})
