"""What a run at a venue goes on with, and when it is over."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from console.trading import figures_on_record
from db.chain import RunHeader
from db.opening import open_journal
from db.store import Store
from domain.errors import BadInput
from execution.instruments import instrument

SOL = instrument("SOL-PERP")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_journal(f"sqlite:///{tmp_path}/journal.db", writable=True) as opened:
        header = RunHeader(
            run_id="live",
            command="live",
            settings_json="{}",
            code_version="1",
            data_identity="live:bybit:1",
            symbols=("SOL-PERP",),
            instruments_json=msgspec.json.encode([SOL]).decode(),
        )
        opened.begin(header, 1)
        yield opened


def test_a_run_goes_on_with_the_figures_it_was_begun_with_though_the_least_size_follows_the_price(store: Store) -> None:
    there = replace(SOL, min_size_lots=SOL.min_size_lots + 7, initial_margin_frac=1.0)
    assert figures_on_record(store, "live", {"SOL-PERP": there}) == {"SOL-PERP": SOL}


@pytest.mark.parametrize(
    "there", [replace(SOL, lot_size_base=SOL.lot_size_base * 10), replace(SOL, tick_size_price=Decimal("0.01"))]
)
def test_a_run_whose_venue_has_another_grid_now_is_refused_with_both(store: Store, there) -> None:
    with pytest.raises(BadInput, match=f"a lot of {SOL.lot_size_base} .* and {there.lot_size_base} now"):
        figures_on_record(store, "live", {"SOL-PERP": there})
