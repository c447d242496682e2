from hypothesis import given
from hypothesis import strategies as st

from configuration.rewriting import difference, rewritten

ENV = """# my desk
DATABASE_URL=postgresql://me:secret@host/db  # keep out

export E3_VOLUME_Z = 2.0  # louder
EXIT_STOP_PCT='1.0'
EXIT_TARGET_PCT="2.0"\t# with a tab
SYMBOLS=SOL-PERP"""


def test_only_the_named_values_change_and_missing_names_are_added_at_the_end() -> None:
    changes = {"E3_VOLUME_Z": "3.5", "EXIT_STOP_PCT": "0.8", "EXIT_TARGET_PCT": "1.5", "STRATEGIES": "e3,funding_fade"}
    assert (
        rewritten(ENV, changes)
        == """# my desk
DATABASE_URL=postgresql://me:secret@host/db  # keep out

export E3_VOLUME_Z = 3.5  # louder
EXIT_STOP_PCT=0.8
EXIT_TARGET_PCT=1.5\t# with a tab
SYMBOLS=SOL-PERP
STRATEGIES=e3,funding_fade
"""
    )


def test_without_changes_the_text_stays_to_the_byte() -> None:
    assert rewritten(ENV, {}) == ENV
    assert rewritten("", {"E3_VOLUME_Z": "1"}) == "E3_VOLUME_Z=1\n"


def test_line_ends_of_another_system_stay() -> None:
    assert rewritten("A=1\r\nE3_VOLUME_Z=2\r\n", {"E3_VOLUME_Z": "3", "B": "4"}) == "A=1\r\nE3_VOLUME_Z=3\r\nB=4\r\n"


def test_a_remark_that_looks_like_the_setting_is_left_alone() -> None:
    text = "# E3_VOLUME_Z=9\nE3_VOLUME_Z=2#not a remark\n"
    assert rewritten(text, {"E3_VOLUME_Z": "3"}) == "# E3_VOLUME_Z=9\nE3_VOLUME_Z=3\n"


ENTRIES = st.lists(
    st.sampled_from(["# remark", "", "  ", "OTHER_1=a b", "OTHER_2='x # y'", "OTHER_3=", "E3_VOLUME_Z=2 # z"]),
    unique=True,
    min_size=1,
)


@given(ENTRIES, st.sampled_from(["\n", "\r\n"]))
def test_every_other_line_stays_where_it_was(lines: list[str], end: str) -> None:
    text = "".join(line + end for line in lines)
    after = rewritten(text, {"E3_VOLUME_Z": "3"})
    expected = [line.replace("=2", "=3") for line in lines]
    if "E3_VOLUME_Z=2 # z" not in lines:
        expected.append("E3_VOLUME_Z=3")
    assert after == "".join(line + end for line in expected)


def test_a_diff_shows_what_changes_and_no_neighbouring_secret() -> None:
    shown = difference(ENV, rewritten(ENV, {"E3_VOLUME_Z": "3.5"}), ".env")
    assert "-export E3_VOLUME_Z = 2.0  # louder\n+export E3_VOLUME_Z = 3.5  # louder\n" in shown
    assert "secret" not in shown
    assert difference(ENV, ENV, ".env") == ""
