from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from console.board import N_DECISIONS, Board
from domain.tick import TickRecord


@pytest.fixture
def board(run: list[TickRecord]) -> Board:
    seen = Board()
    for record in run:
        seen.see(record)
    return seen


def test_waiting_is_not_worth_telling_and_everything_else_is(run: list[TickRecord]) -> None:
    board = Board()
    assert [board.see(record) for record in run] == [False, False, *[True] * 8]


def test_the_board_counts_minutes_trades_and_the_deepest_drawdown(board: Board, made: SimpleNamespace) -> None:
    assert (board.n_minutes, board.n_ticks, board.n_trades) == (10, 10, 1)
    assert board.max_drawdown_frac == pytest.approx(-made.TRADE.net_microusd / made.CASH)


def test_symbols_of_one_minute_count_as_one_minute(made: SimpleNamespace) -> None:
    board = Board()
    for minute in (1, 2):
        for symbol in ("SOL-PERP", "BTC-PERP"):
            board.see(made.waiting(minute, snapshot=replace(made.snapshot(minute), symbol=symbol)))
    assert (board.n_minutes, board.n_ticks, len(board.latest)) == (2, 4, 2)


def test_the_same_refusal_minute_after_minute_is_one_line(board: Board) -> None:
    refusal = board.decisions[-2]
    assert (refusal.cause, refusal.times) == ("cooled_down", 4)


def test_a_position_is_held_from_its_fill_until_it_is_flat(run: list[TickRecord], made: SimpleNamespace) -> None:
    board = Board()
    for record in run[:4]:
        board.see(record)
    held = board.held["SOL-PERP"]
    assert (held.size_lots, held.entry_ticks, held.plan) == (3_377, made.ENTRY_FILL.price_ticks, made.PLAN)
    assert held.best_price == 148.41
    board.see(run[4])
    assert board.held == {}


def test_a_position_older_than_the_board_is_shown_without_an_invented_entry(made: SimpleNamespace) -> None:
    board = Board()
    board.see(made.waiting(1, position_lots=-5))
    assert (board.held["SOL-PERP"].size_lots, board.held["SOL-PERP"].entry_ticks) == (-5, None)


def test_the_board_forgets_old_decisions(made: SimpleNamespace) -> None:
    board = Board()
    for minute in range(1, 50):
        board.see(made.refused(minute, rule=f"rule_{minute}"))
    assert len(board.decisions) == N_DECISIONS
