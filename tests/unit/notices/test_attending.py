"""A desk's company: whatever happens to it, the desk goes on and ends when it wants to."""

import threading
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from db.opening import open_journal
from desk.clock import SystemClock
from desk.presence import Leaving, seen
from domain.errors import BadInput, BooksDisagree
from notices import attending as company
from notices.attending import TellingThread, attending
from notices.carrying import Delivery
from notices.keeping import Keeper, Kept
from notices.notice import Message, Severity
from notices.targets import targets
from notices.teller import Teller, TellerTerms, due_day
from notices.watching import WatchTerms, open_watcher
from tests.contract.journal_samples import header, record, sample

HOUR_MS = 3_600_000
CLOCK = SystemClock()
URL = "json://127.0.0.1/info"


def terms(folder: Path, **more: object) -> TellerTerms:
    fields: dict[str, object] = {
        "targets": targets({Severity.INFO: URL, Severity.SUMMARY: URL, Severity.CRITICAL: URL}),
        "database_url": f"sqlite:///{folder}/journal.db",
        "base": folder / "state" / "notices",
        "summary_hour_utc": 6,
    }
    return TellerTerms(**(fields | more))  # type: ignore[arg-type]


class Letters:
    """Takes every message."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def __call__(self, url: str, message: Message) -> Delivery:
        self.bodies.append(message.body.rpartition("\n")[0])
        return Delivery.TOLD


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(company, "LANDING_S", 0.05)


def test_a_desk_that_ends_halts_or_is_interrupted_says_so_and_one_that_crashes_does_not(tmp_path: Path) -> None:
    path = tmp_path / "desk.here"

    def run(error: BaseException | None) -> tuple[Leaving | None, str]:
        expected = nullcontext() if error is None else pytest.raises(type(error))
        with expected, attending(path, "r", CLOCK, None, lambda text: None):
            assert seen(path)[1]
            if error is not None:
                raise error
        presence, _ = seen(path)
        assert presence is not None
        return presence.left, presence.why

    assert run(None) == (Leaving.ENDED, "")
    assert run(BooksDisagree("2 lots apart")) == (Leaving.HALTED, "2 lots apart")
    assert run(KeyboardInterrupt()) == (Leaving.INTERRUPTED, "")
    assert run(RuntimeError("a bug")) == (None, "")


def test_a_state_folder_that_cannot_be_written_is_told_and_the_desk_runs(tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "state").touch()
    record(f"sqlite:///{tmp_path}/journal.db")
    with attending(tmp_path / "state" / "desk.here", "r", CLOCK, terms(tmp_path), said.append):
        said.append("traded")
    assert [text.split(":")[0] for text in said] == [
        "a watchdog cannot see this desk", "nobody is notified", "traded",
    ]  # fmt: skip


@pytest.fixture
def blocked() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_a_target_that_hangs_for_ever_does_not_keep_a_desk_from_ending(
    tmp_path: Path, blocked: threading.Event
) -> None:
    began = threading.Event()

    def hangs(url: str, message: Message) -> Delivery:
        began.set()
        blocked.wait()
        return Delivery.TOLD

    url = f"sqlite:///{tmp_path}/journal.db"
    record(url, finish=False)
    teller = Teller(terms(tmp_path), CLOCK.now_ms, deliver=hangs)
    assert teller.take_over()
    with open_journal(url, writable=True) as store:
        store.begin(header("second"), 1).commit()
    began_s = CLOCK.elapsed_s()
    thread = TellingThread(teller, CLOCK, parting_s=0.1)
    thread.part()
    assert began.is_set()
    assert CLOCK.elapsed_s() - began_s < 30.0
    kept = Keeper(tmp_path / "state" / "notices.json").load()
    assert kept is not None
    assert [lane.is_begun for lane in kept.lanes.values()].count(True) == 1


def test_one_at_a_time_tells_of_a_journal_and_the_next_goes_on_where_it_stopped(tmp_path: Path) -> None:
    url, letters = f"sqlite:///{tmp_path}/journal.db", Letters()
    record(url, finish=False)
    first, second = (Teller(terms(tmp_path), CLOCK.now_ms, deliver=letters, beside=lambda job: job()) for _ in "12")
    assert first.take_over()
    assert not second.take_over()
    with open_journal(url, writable=True) as store:
        store.begin(header("second"), 1).commit()
        first.step()
        assert not second.step()
        first.close()
        store.begin(header("third"), 2).commit()
        assert second.step()
        second.step()
        second.close()
    assert letters.bodies == ["second: run begun", "third: run begun"]


@pytest.mark.parametrize("damage", ["{", '{"lanes": 1}'])
def test_a_damaged_memory_begins_with_what_comes_next(tmp_path: Path, damage: str, said: list[str]) -> None:
    record(f"sqlite:///{tmp_path}/journal.db")
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "notices.json").write_text(damage)
    letters = Letters()
    teller = Teller(terms(tmp_path), CLOCK.now_ms, lambda level, text: said.append(text), letters, lambda job: job())
    teller.step()
    teller.close()
    assert letters.bodies == []
    assert "cannot be read" in said[0]


def test_a_journal_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    letters = Letters()
    teller = Teller(terms(tmp_path), CLOCK.now_ms, deliver=letters, beside=lambda job: job())
    assert not teller.step()
    record(f"sqlite:///{tmp_path}/journal.db")
    teller.step()
    teller.close()
    assert letters.bodies == [], "what was on record before anybody listened is no news"


def test_the_day_is_summed_up_once_after_its_hour_however_often_it_is_asked(tmp_path: Path) -> None:
    record(f"sqlite:///{tmp_path}/journal.db", finish=False)
    hours, letters = [20_209 * 24 + 5], Letters()

    def now_ms() -> int:
        return hours[0] * HOUR_MS

    for hour in (5, 5, 6, 6, 7, 29, 30, 79):
        hours[0] = 20_209 * 24 + hour
        teller = Teller(terms(tmp_path), now_ms, deliver=letters, beside=lambda job: job())
        for _ in range(3):
            teller.step()
        teller.close()
    heads = [body.splitlines()[0] for body in letters.bodies]
    assert heads == [
        f"2025-{day} 06:00:00 UTC to 2025-{end} 06:00:00 UTC"
        for day, end in (("04-30", "05-01"), ("05-01", "05-02"), ("05-03", "05-04"))
    ]
    assert "first (simulated market): equity 10,000.02 USD" in letters.bodies[0]
    assert letters.bodies[1].endswith("No desk took a minute.")


def test_the_day_turns_at_its_hour() -> None:
    assert due_day(24 * HOUR_MS + 6 * HOUR_MS - 1, 6) == 0
    assert due_day(24 * HOUR_MS + 6 * HOUR_MS, 6) == 1


def test_a_second_watcher_and_a_memory_it_cannot_read_are_refused(tmp_path: Path, said: list[str]) -> None:
    watched = WatchTerms(
        telling=terms(tmp_path), presence=tmp_path / "desk.here", base=tmp_path / "watch", silence_s=300
    )
    watcher = open_watcher(watched, CLOCK, lambda level, text: said.append(text))
    with pytest.raises(BadInput, match="another watcher is at work"):
        open_watcher(watched, CLOCK, lambda level, text: said.append(text))
    watcher.close()
    (tmp_path / "watch.json").write_text("{")
    with pytest.raises(BadInput, match="remove it to begin anew"):
        open_watcher(watched, CLOCK, lambda level, text: said.append(text))


def test_a_watcher_whom_the_system_refuses_says_so_once_and_goes_on(tmp_path: Path, said: list[str]) -> None:
    watched = WatchTerms(
        telling=terms(tmp_path), presence=tmp_path / "desk.here", base=tmp_path / "watch", silence_s=300
    )
    watcher = open_watcher(watched, CLOCK, lambda level, text: said.append(text))
    (tmp_path / "desk.here").mkdir()
    for _ in range(3):
        watcher.step()
    (told,) = said
    assert "desk.here" in told
    (tmp_path / "desk.here").rmdir()
    watcher.step()
    watcher.close()


class HandClock:
    """Moves by hand."""

    def __init__(self) -> None:
        self.at_s = 1_000.0

    def now_ms(self) -> int:
        return int(self.at_s * 1000)

    def elapsed_s(self) -> float:
        return self.at_s


def test_a_watcher_hears_a_living_desk_fall_silent_and_lose_its_journal_and_both_come_back(tmp_path: Path) -> None:
    url, clock, letters = f"sqlite:///{tmp_path}/journal.db", HandClock(), Letters()
    watched = WatchTerms(
        telling=terms(tmp_path), presence=tmp_path / "desk.here", base=tmp_path / "watch", silence_s=300
    )
    watcher = open_watcher(watched, clock, lambda level, text: None, letters, lambda job: job())

    def after(seconds: float) -> list[str]:
        clock.at_s += seconds
        before = len(letters.bodies)
        watcher.step()
        watcher.step()
        return [body for body in letters.bodies[before:] if "run begun" not in body]

    assert after(1) == []
    with (
        open_journal(url, writable=True) as store,
        attending(tmp_path / "desk.here", "first", clock, None, lambda text: None),
    ):
        journal = store.begin(header(), 1)
        assert after(1) == []
        assert after(299) == []
        (silent,) = after(10)
        assert "has put no minute on record for 5 minutes" in silent
        assert after(1_000) == []
        journal.append(sample(1))
        journal.commit()
        (heard,) = after(1)
        assert "minutes are put on record again" in heard
        moved = tmp_path / "elsewhere.db"
        (tmp_path / "journal.db").rename(moved)
        assert after(1) == []
        (lost,) = after(30)
        assert "cannot be seen: there is no journal" in lost
        moved.rename(tmp_path / "journal.db")
        (back,) = after(1)
        assert "can be read again" in back
    assert after(1_000) == [], "a desk that ended in good order may be silent"
    watcher.close()


def test_what_is_kept_for_a_watcher_outlives_it(tmp_path: Path) -> None:
    watched = WatchTerms(
        telling=terms(tmp_path), presence=tmp_path / "desk.here", base=tmp_path / "watch", silence_s=300
    )
    (tmp_path / "desk.here").write_text('{"pid": 1, "run_id": "gone", "began_ms": 5}')
    record(f"sqlite:///{tmp_path}/journal.db", "gone", 3, finish=False)
    letters = Letters()
    for _ in range(3):
        watcher = open_watcher(watched, CLOCK, lambda level, text: None, letters, lambda job: job())
        watcher.step()
        watcher.step()
        watcher.close()
    (dead,) = letters.bodies
    assert dead.startswith("gone: the desk is dead. Its process (pid 1) is gone without a word.")
    assert Keeper(tmp_path / "watch.json").load() != Kept()
