from pathlib import Path

from backtest.compare.figures import NO_FIGURES, FigureReader, nearly_equal
from db.opening import open_journal
from db.pairing import Line, PairedRun
from tests.unit.backtest.compare.runs import record, tape


def test_traces_are_equal_and_figures_are_not() -> None:
    assert nearly_equal((1.0, None, 2e6), (1.0 + 1e-9, None, 2e6 + 1.0))
    assert not nearly_equal((1.0, None), (1.01, None))
    assert not nearly_equal((1.0, None), (1.0, 0.0))
    assert not nearly_equal((1.0,), NO_FIGURES)


def test_figures_are_those_of_the_tick_in_whatever_order_they_are_asked_for(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    record(url, "a", tape(40))
    with open_journal(url, writable=False) as store:
        run = PairedRun(store, "a")
        ids = [Line(*row).id for row in run.rows()]
        whole, reader = run.figures(ids[0], ids[-1]), FigureReader(run)
        assert [reader.of(one) for one in ids[::-1]] == [whole[one] for one in ids[::-1]]
        assert len({whole[one] for one in ids[20:]}) == 20
