"""Choices are made on train alone; pieces follow each other, carry the account on, and add up."""

import asyncio

import numpy as np
import pytest
from msgspec.structs import replace

import main
from backtest.compiled.columns import RETURN_BPS, Columns, columns_of
from backtest.compiled.run import run_compiled
from backtest.objective import Goal, Objective
from backtest.segment import Segment
from backtest.sweep.crew import Threads
from backtest.sweep.grid import Grid
from backtest.sweep.plan import Plan
from backtest.walkforward.choosing import Choice, choose
from backtest.walkforward.drift import drifts
from backtest.walkforward.page import walkforward_page
from backtest.walkforward.pieces import PieceRunner, Tape, stitched
from backtest.walkforward.telling import told_walked
from backtest.walkforward.walkforward import NO_CANDIDATE, NO_TRAIN, RUINED, Walked, efficiency, walk_forward
from backtest.walkforward.windows import Window
from db.off import JournalOff
from domain.features import Regime
from domain.tick import TradingState
from tests.flow.engines import settings_of
from tests.unit.backtest.tune.stage import FREE, SHORT, SOL, bench_on, moving_tape, turned

N_MOVES, SPACING, EMBARGO = 40, 40, 30
GRID = Grid(values={"EXIT_TARGET_PCT": ("0.3", "0.7", "3"), "EXIT_STOP_PCT": ("0.5", "1")})
NET = Objective(goal=Goal.NET, min_trades=2)


@pytest.fixture(scope="module")
def columns() -> Columns:
    return columns_of(moving_tape(N_MOVES, SPACING), SOL)


def windows(n_windows: int = 4, train: int = 400, step: int = 276) -> list[Window]:
    """Return windows whose steps end amid a move, with a position open."""
    starts = [train + EMBARGO + step * number for number in range(n_windows)]
    return [
        Window(
            number=number,
            train=Segment(first=start - EMBARGO - train, until=start - EMBARGO),
            step=Segment(first=start, until=min(start + step, N_MOVES * SPACING)),
        )
        for number, start in enumerate(starts)
    ]


def chosen_on(columns: Columns, over: list[Window], objective: Objective = NET) -> dict[int, Choice]:
    plan = Plan(GRID, GRID.sample(None, 0), turned, SOL)
    return choose(plan, over, Threads(columns, 2), objective, GRID.n_combinations, lambda _: None)


def walked_on(columns: Columns, over: list[Window], chosen: dict[int, Choice] | None = None) -> Walked:
    picked = chosen_on(columns, over) if chosen is None else chosen
    return walk_forward(Tape(columns, SOL, False), over, picked, GRID, turned, NET, "made", 3)


def test_the_choice_is_the_best_of_single_runs_over_the_train_segment(columns: Columns) -> None:
    over = windows()
    chosen = chosen_on(columns, over)
    for window in over:
        assert window.train is not None
        nets = [
            float(bench_on(columns).measure(GRID.combination(number), window.train).figures[0, 0])
            for number in range(GRID.n_combinations)
        ]
        assert chosen[window.number].score == max(nets)
        assert chosen[window.number].number == nets.index(max(nets))


def test_no_bar_from_the_embargo_on_can_change_a_choice(columns: Columns) -> None:
    window = windows(1)[0]
    altered = Columns(ints=columns.ints.copy(), floats=columns.floats.copy(order="K"))
    altered.floats[400:, :4] *= 0.97
    altered.floats[400:, RETURN_BPS] -= 1.0
    altered.ints[400:, 2:9] -= 11
    one, other = chosen_on(columns, [window])[0], chosen_on(altered, [window])[0]
    assert (one.number, one.score) == (other.number, other.score)


def test_stitched_equity_adds_up_and_no_two_desks_overlap(columns: Columns) -> None:
    walked = walked_on(columns, windows())
    curve, start = walked.outcome.curve, 10_000_000_000
    assert curve.starting_microusd == start
    np.testing.assert_array_equal(curve.close_ms, columns.close_ms[430 : 430 + len(curve.close_ms)])
    assert sum(step.metrics.net_microusd for step in walked.steps) == curve.equity_microusd[-1] - start
    assert sum(trade.net_microusd for trade in walked.outcome.trades) == curve.equity_microusd[-1] - start
    assert walked.metrics.n_trades == sum(step.metrics.n_trades for step in walked.steps) > 10
    opened = [trade.opened_ms for trade in walked.outcome.trades]
    closed = [trade.closed_ms for trade in walked.outcome.trades]
    assert all(after >= before for before, after in zip(closed, opened[1:], strict=False))


def test_a_position_is_carried_over_its_step_s_end_until_its_own_exit(columns: Columns) -> None:
    """The first signal of a move stands at 32 of its 40 minutes; a step that ends at 34 leaves a position open."""
    end = 10 * SPACING + 34
    over = [replace(windows(1)[0], train=Segment(first=0, until=300), step=Segment(first=340, until=end))]
    over.append(Window(number=1, train=Segment(first=0, until=300), step=Segment(first=end, until=end + 200)))
    walked = walked_on(columns, over)
    first, second = walked.steps
    assert first.piece.segment.until > end
    assert second.piece.segment.first == first.piece.segment.until
    last = first.piece.outcome.trades[-1]
    assert columns.close_ms[end - 1] < last.closed_ms
    assert not first.piece.is_open_at_end


def test_a_piece_is_the_desk_s_own_run_that_only_reduces_after_its_step() -> None:
    tape = moving_tape(14)
    columns, segment = columns_of(tape, SOL), Segment(first=150, until=434)
    master = main.build(settings_of({**SHORT, **FREE}), {"SOL-PERP": SOL}, JournalOff())

    async def go() -> list[tuple[int, list[object]]]:
        states = [TradingState.ACTIVE if 150 <= place < 434 else TradingState.REDUCING for place in range(len(tape))]
        records = [await master.tick(snapshot, state) for snapshot, state in zip(tape, states, strict=True)]
        return [(record.equity_microusd, list(record.trades)) for record in records]

    desk = asyncio.run(go())
    piece = PieceRunner(Tape(columns, SOL, False)).run(turned(FREE), segment, 10_000_000_000)
    until = piece.segment.until
    assert until > 434
    assert piece.outcome.curve.equity_microusd.tolist() == [equity for equity, _ in desk[150:until]]
    assert list(piece.outcome.trades) == [trade for _, trades in desk for trade in trades]


def test_a_tape_that_ends_with_a_position_leaves_it_at_its_mark(columns: Columns) -> None:
    until = 4 * SPACING + 35
    cut_off = Columns(ints=columns.ints[:until], floats=np.asfortranarray(columns.floats[:until]))
    segment = Segment(first=100, until=until)
    piece = PieceRunner(Tape(cut_off, SOL, False)).run(turned(FREE), segment, 10_000_000_000)
    assert piece.is_open_at_end
    assert piece.segment == segment
    assert piece.ending_microusd != 10_000_000_000 + sum(trade.net_microusd for trade in piece.outcome.trades)


def test_a_window_without_a_candidate_a_train_or_money_stays_flat_and_says_so(columns: Columns) -> None:
    over = windows()
    picky = Objective(goal=Goal.NET, min_trades=10_000)
    assert chosen_on(columns, over, picky) == {}
    untrained = [replace(over[0], train=None), *over[1:]]
    walked = walked_on(columns, untrained, {})
    assert [step.note for step in walked.steps] == [NO_TRAIN, NO_CANDIDATE, NO_CANDIDATE, NO_CANDIDATE]
    assert set(walked.outcome.curve.equity_microusd.tolist()) == {10_000_000_000}
    assert (efficiency(walked), walked.luck.finding) == (None, "no_trades")
    told = told_walked(columns, walked, drifts(GRID, walked.steps))
    assert (told["n_flat"], told["verdict"]) == (4, "No window had a candidate: nothing was traded.")
    broke = PieceRunner(Tape(columns, SOL, False)).flat(over[0].step, 0)
    assert broke.ending_microusd == 0
    assert RUINED


def test_pieces_that_do_not_carry_the_account_on_are_refused(columns: Columns) -> None:
    runner = PieceRunner(Tape(columns, SOL, False))
    one, other = runner.flat(Segment(first=0, until=5), 7), runner.flat(Segment(first=5, until=9), 8)
    with pytest.raises(ValueError, match="does not carry on"):
        stitched([one, other], "broken")


def test_efficiency_compares_daily_returns_out_of_sample_with_those_chosen_for(columns: Columns) -> None:
    walked = walked_on(columns, windows(2))
    inside = [float(step.choice.figures[1]) / float(step.choice.figures[8]) for step in walked.steps if step.choice]
    outside = [(step.metrics.total_return_frac or 0.0) / step.metrics.n_days for step in walked.steps]
    assert efficiency(walked) == pytest.approx(sum(outside) / sum(inside))


def test_drift_counts_changes_and_measures_numbers(columns: Columns) -> None:
    """Combinations 0, 2, 2, 5: targets 0.3, 0.7, 0.7, 3 and stops 0.5, 0.5, 0.5, 1."""
    made = {place: Choice(number=number, score=1.0, figures=np.ones(26)) for place, number in enumerate((0, 2, 2, 5))}
    targets, stops = drifts(GRID, walked_on(columns, windows(), made).steps)
    assert (targets.chosen, targets.n_changes, targets.changed_frac) == (("0.3", "0.7", "0.7", "3"), 2, 2 / 3)
    assert targets.mean_jump == pytest.approx((0.4 + 2.3) / 2)
    assert (stops.chosen, stops.n_changes, stops.mean_jump) == (("0.5", "0.5", "0.5", "1"), 1, 0.5)


def test_the_page_shows_equity_and_drift_and_asks_nobody_for_anything(columns: Columns) -> None:
    walked = walked_on(columns, windows())
    page = walkforward_page(walked, drifts(GRID, walked.steps), "net")
    assert page.count("<svg") == 3
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert "://" not in page.replace("http://www.w3.org", "")
    assert "EXIT_TARGET_PCT: changed" in page


@pytest.mark.parametrize("regime", list(Regime))
def test_a_piece_trades_in_the_regimes_its_strategies_are_switched_to(columns: Columns, regime: Regime) -> None:
    parts = turned({**FREE, "REGIME_SWITCH": f"e3:{regime.value}"})
    whole = Segment(first=0, until=len(columns.ints))
    piece = PieceRunner(Tape(columns, SOL, False)).run(parts, whole, 10_000_000_000)
    alone = run_compiled(columns, SOL, parts.built(), parts.rules, parts.windows, parts.regimes)
    assert piece.outcome.trades == alone.trades
    assert {trade.regime for trade in piece.outcome.trades} <= {regime}
