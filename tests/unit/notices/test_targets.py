import pytest

from notices.notice import Severity
from notices.targets import Target, addresses, objection_to, targets


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("  ", ()),
        ("ntfy://desk", ("ntfy://desk",)),
        ("ntfy://desk , json://host/a?x=1,2,tgram://1:a/2", ("ntfy://desk", "json://host/a?x=1,2", "tgram://1:a/2")),
    ],
)
def test_a_comma_parts_addresses_only_before_the_next_scheme(text: str, found: tuple[str, ...]) -> None:
    assert addresses(text) == found


def test_a_target_is_named_by_severity_place_and_kind_and_its_address_never_shows() -> None:
    found = targets(
        {
            Severity.CRITICAL: "ntfy://secret-topic,json://host/secret",
            Severity.INFO: "ntfy://secret-topic,ntfy://secret-topic",
        }
    )
    assert [one.name for one in found] == ["critical 1 (ntfy)", "critical 2 (json)", "info 1 (ntfy)"]
    assert "secret" not in repr(found) + "".join(one.key for one in found)
    assert len({one.key for one in found}) == 3


@pytest.mark.parametrize("text", ["ntfy://desk", "json://127.0.0.1:8080/x", "ntfy://a,json://host"])
def test_addresses_that_apprise_can_read_are_taken(text: str) -> None:
    assert objection_to(text) is None


@pytest.mark.parametrize(
    ("text", "which"),
    [
        ("hello", "entry 1 is none"),
        ("ntfy://ok,tgram://sekret", "entry 2 is none"),
        ("nosuch://sekret", "entry 1 is none"),
        ("tgram://sekret,ntfy://ok,discord://sekret", "entries 1, 3 are none"),
        ("ntfy://ok,", "entry 1 is none"),
    ],
)
def test_a_wrong_address_is_named_by_its_place_and_not_shown(
    text: str, which: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    objection = objection_to(text)
    assert objection is not None
    assert objection.endswith(which)
    printed = capsys.readouterr()
    assert "sekret" not in objection + printed.out + printed.err + caplog.text


def test_a_target_s_queue_is_its_own_for_each_severity() -> None:
    assert (
        Target(severity=Severity.INFO, name="", url="a://b").key
        != Target(severity=Severity.CRITICAL, name="", url="a://b").key
    )
