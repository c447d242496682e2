"""History fetched by the program as its users start it, from a local exchange that serves recorded months."""

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from console.figures import when_text
from tests.doubles.history.binance import binance
from tests.doubles.history.bybit import bybit
from tests.doubles.history.drift import DriftMarket, drift, fill, funding_row
from tests.doubles.history.hyperliquid import hyperliquid
from tests.doubles.history.server import Fault, HistoryServer
from tests.doubles.history.tape import Tape, recorded_tape
from tests.real.program import Program, complaint

VENUES = {"bybit": bybit, "binanceusdm": binance}
FIRST, LAST, N_DAYS = "2023-07-19", "2023-07-21", 3
FIRST_MS, END_MS = 1_689_724_800_000, 1_689_984_000_000
COLUMNS = ("open", "high", "low", "close", "volume")


@pytest.fixture(scope="module")
def tape(shared: Path) -> Tape:
    return recorded_tape(shared)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
def serve(tape: Tape) -> Iterator[Callable[..., HistoryServer]]:
    """Return a way to open a local exchange over the recorded months."""
    with ExitStack() as stack:
        yield lambda exchange, **how: stack.enter_context(HistoryServer(VENUES[exchange](tape), **how).running())


def words(server: HistoryServer, exchange: str, folder: Path, what: str = "bars") -> list[str]:
    asked = ["--exchange", exchange, "--symbol", "SOL-PERP", "--from", FIRST, "--to", LAST, "--what", what]
    own = ["--set", f"FETCH_URL={server.address}", "--set", "FETCH_PAUSE_S=0.01"]
    return ["data", "fetch", *asked, "--to-folder", str(folder), *own]


def on_disk(root: Path) -> dict[Path, bytes]:
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("exchange", VENUES)
def test_what_was_served_is_on_disk_bit_for_bit_and_the_desk_replays_it(
    program: Program, serve: Callable[..., HistoryServer], tape: Tape, exchange: str
) -> None:
    # One of every fault, spread over the pages: none of them may be seen in what is on disk.
    faults = {3 * place + 1: fault for place, fault in enumerate(Fault)}
    server, folder = serve(exchange, faults=faults), program.folder / "data"
    what = "bars,funding,open_interest,mark,oracle,premium"
    told = program.answer(*words(server, exchange, folder, what))
    assert len(told["days"]) == 6 * N_DAYS
    assert {day["state"] for day in told["days"]} == {"whole"}
    assert not any("gaps" in day for day in told["days"])
    bars = pq.read_table(folder / f"kind=bars/exchange={exchange}/symbol=SOL-PERP").to_pydict()
    stamps = [stamp for stamp in tape.bars if FIRST_MS <= stamp < END_MS]
    assert bars["ts"] == stamps
    for place, name in enumerate(COLUMNS):
        assert bars[name] == [float(tape.bars[stamp][place]) for stamp in stamps]
    checked = program.answer("data", "check", str(folder))
    assert {series["verdict"] for series in checked["series"]} == {"usable"}
    run = program.answer("backtest", "--symbol", "SOL-PERP", "--data", str(folder), "--no-report")
    assert run["n_bars"] == len(stamps)
    assert "mark_agrees_with_oracle" not in run["refusals"]


def test_hyperliquid_gives_its_newest_bars_and_all_its_funding_and_the_rest_is_told_as_gaps(
    program: Program, tape: Tape
) -> None:
    folder, now_ms = program.folder / "data", END_MS - 600 * 60_000
    oldest_ms = now_ms - 5_000 * 60_000
    venue = hyperliquid(tape, now_ms=now_ms)
    with HistoryServer(venue, faults={1: Fault.CUT, 3: Fault.SHUFFLED, 5: Fault.TOO_MANY}).running() as server:
        asked = words(server, "hyperliquid", folder, "bars,funding")
        asked[asked.index(FIRST)] = "2023-07-16"
        told = program.answer(*asked)
    assert "shows its newest 5,000 minutes" in told["warning"]
    bars = pq.read_table(folder / "kind=bars/exchange=hyperliquid/symbol=SOL-PERP").to_pydict()
    stamps = [stamp for stamp in tape.bars if oldest_ms <= stamp < END_MS]
    assert bars["ts"] == stamps
    assert bars["close"] == [float(tape.bars[stamp][3]) for stamp in stamps]
    states = {day["date"]: day["state"] for day in told["days"] if day["series"].endswith("bars")}
    assert states["2023-07-16"] == states["2023-07-17"] == "empty"
    (first,) = (day for day in told["days"] if day["date"] == "2023-07-18" and day["series"].endswith("bars"))
    assert first["gaps"][0]["n_rows"] == 1440 - first["n_rows"] > 0
    funding = pq.read_table(folder / "kind=funding/exchange=hyperliquid/symbol=SOL-PERP").to_pydict()
    assert funding["ts"] == [at for at in tape.funding if FIRST_MS - 3 * 86_400_000 <= at < END_MS]
    checked = program.answer("data", "check", str(folder))
    assert {series["verdict"] for series in checked["series"]} == {"usable"}
    run = program.answer("backtest", "--symbol", "SOL-PERP", "--data", str(folder), "--no-report")
    assert run["n_bars"] == len(stamps)


def test_killed_on_any_page_the_next_fetch_ends_with_the_same_bytes(
    program: Program, serve: Callable[..., HistoryServer]
) -> None:
    undisturbed, disturbed = program.folder / "undisturbed", program.folder / "disturbed"
    plain = serve("bybit")
    assert program.run(*words(plain, "bybit", undisturbed)).returncode == 0
    for page in (0, 1, 3, 3):
        reached, server = threading.Event(), serve("bybit")
        server.before_page = lambda place, page=page, reached=reached: place == page and reached.set()  # type: ignore[misc]
        fetching = program.start(*words(server, "bybit", disturbed))
        assert reached.wait(60)
        fetching.send_signal(signal.SIGKILL)
        fetching.communicate(timeout=60)
        for part in disturbed.rglob("part.parquet"):
            assert part.read_bytes() == on_disk(undisturbed)[part.relative_to(disturbed)]
    assert program.run(*words(serve("bybit"), "bybit", disturbed)).returncode == 0
    left_over = [path for path in on_disk(disturbed) if path.name.startswith(".")]
    assert left_over == []
    assert on_disk(disturbed) == on_disk(undisturbed)


def test_ctrl_c_ends_a_fetch_with_one_sentence_and_the_days_it_has(
    program: Program, serve: Callable[..., HistoryServer]
) -> None:
    # The last day's first page: two days are whole by then.
    reached, folder = threading.Event(), program.folder / "data"
    server = serve("bybit", faults=dict.fromkeys(range(4, 60), Fault.TOO_MANY))
    server.before_page = lambda place: None if place < 4 else reached.set()
    fetching = program.start(*words(server, "bybit", folder), "--set", "FETCH_PAUSE_S=60", "--json")
    assert reached.wait(60)
    fetching.send_signal(signal.SIGINT)
    out, errors = fetching.communicate(timeout=60)
    assert (fetching.returncode, len(errors.splitlines())) == (130, 1)
    assert errors.startswith("interrupted: the days told above are on disk")
    assert [day["date"] for day in json.loads(out)["days"]] == ["2023-07-19", "2023-07-20"]


def test_a_second_fetch_asks_for_nothing_but_what_is_not_whole(
    program: Program, serve: Callable[..., HistoryServer]
) -> None:
    server, folder = serve("bybit"), program.folder / "data"
    program.answer(*words(server, "bybit", folder))
    n_pages = len(server.pages)
    assert all(day["was_there"] for day in program.answer(*words(server, "bybit", folder))["days"])
    assert len(server.pages) == n_pages
    part = folder / "kind=bars/exchange=bybit/symbol=SOL-PERP/date=2023-07-20/part.parquet"
    part.write_bytes(b"PAR1 and nothing more")
    checked = program.call("data", "check", str(folder), "--json")
    assert checked.returncode == 2
    assert [finding["date"] for finding in json.loads(checked.stdout)["series"][0]["findings"]] == ["2023-07-20"]
    again = program.answer(*words(server, "bybit", folder))["days"]
    assert [day["was_there"] for day in again] == [True, False, True]


def test_a_venue_that_is_gone_is_said_in_one_sentence_and_leaves_nothing_half_written(
    program: Program, serve: Callable[..., HistoryServer]
) -> None:
    # Two days are three pages each; from then on nobody answers.
    server = serve("bybit", faults=dict.fromkeys(range(5, 60), Fault.HANG_UP))
    folder = program.folder / "data"
    done = program.run(*words(server, "bybit", folder), "--set", "FETCH_TRIES=3", "--json")
    assert "no answer in 3 tries" in complaint(done, 1)
    days = json.loads(done.stdout)["days"]
    assert {path.parent.name for path in folder.rglob("part.parquet")} == {f"date={day['date']}" for day in days}
    assert 0 < len(days) < N_DAYS


def test_bad_words_are_refused_before_anything_is_sent(program: Program, serve: Callable[..., HistoryServer]) -> None:
    server = serve("bybit")
    good = words(server, "bybit", program.folder / "data")
    wrong = {"bybit": "moon", "SOL-PERP": "SOL", FIRST: "19.7.2023", "bars": "ticks"}
    for place, word in enumerate(good):
        if word in wrong:
            told = complaint(program.call(*good[:place], wrong[word], *good[place + 1 :]), 2)
            assert wrong[word] in told
    assert server.asked == []
    assert "lists no DOGE/USDT:USDT" in complaint(
        program.call(*[word.replace("SOL-PERP", "DOGE-PERP") for word in good]), 2
    )


def test_recorded_drift_funding_comes_from_the_data_api_to_the_last_bit_and_is_replayed(
    program: Program, shared: Path
) -> None:
    table = pq.read_table(shared / "data/drift/sol-perp_funding_1h_drift_2025-04_2025-05.parquet").to_pydict()
    names = ("ts", "funding_rate_quote_per_base", "oracle_price_twap", "mark_price_twap")
    day = [row for row in zip(*(table[name] for name in names), strict=True) if str(row[0]).startswith("17464")][:48]
    rows = [funding_row(place, row[0] // 1000, *row[1:]) for place, row in enumerate(day)]
    seconds = range(rows and int(rows[0]["ts"]), int(rows[-1]["ts"]), 30)
    fills = [fill(place, second, f"{140 + place % 400 / 100:.6f}") for place, second in enumerate(seconds)]
    venue = drift(DriftMarket("SOL-PERP", fills, rows))
    first, last = (when_text(row[0])[:10] for row in (day[0], day[-1]))
    folder = program.folder / "data"
    with HistoryServer(venue, is_page=lambda _: True).running() as server:
        asked = ["--exchange", "velocity", "--symbol", "SOL-PERP", "--from", first, "--to", last]
        told = program.answer(
            "data", "fetch", *asked, "--to-folder", str(folder), "--set", f"FETCH_URL={server.address}"
        )
    lines = [counts["n_accepted"] for entry in told["days"] for counts in entry.get("files", [])]
    assert sum(lines) == len(fills) + len(rows)
    fetched = pq.read_table(folder / "kind=funding/exchange=velocity/symbol=SOL-PERP").to_pydict()
    for place, name in enumerate(names[1:], 1):
        assert fetched[name] == [row[place] for row in day]
    checked = program.answer("data", "check", str(folder))
    assert {series["title"]: series["counts"][1:] for series in checked["series"]} == {
        "velocity SOL-PERP bars": [0, 0],
        "velocity SOL-PERP funding": [0, 0],
    }
    run = program.answer("backtest", "--symbol", "SOL-PERP", "--data", str(folder), "--no-report")
    assert run["n_bars"] == len({second // 60 for second in seconds})
