"""What a proposal came to by itself, which earlier ones ended in a tick, and the lessons, in words."""

from msgspec.structs import replace
from rich.console import Console

from console.hindsight import print_hindsight
from console.story import decision_json
from db.retelling import Decision
from tests.contract.journal_samples import REFLECTIONS, counterfactual
from tests.unit.console.conftest import closed, entered


def told(record, **later):
    console = Console(width=200, force_terminal=False)
    with console.capture() as capture:
        print_hindsight(console, Decision(run_id="run", tick_id=1, record=record, **later))
    return capture.get()


def test_a_tick_that_resolved_nothing_has_no_hindsight():
    assert told(closed()) == told(entered()) == ""


def test_earlier_proposals_that_ended_in_a_tick_are_told_with_their_figures_and_lessons():
    text = told(replace(closed(), counterfactuals=(counterfactual(5, 10),), reflections=REFLECTIONS))
    assert "as if each had been traded alone" in text
    (row,) = [line for line in text.splitlines() if "05-01 00:05" in line]
    assert all(word in row for word in ("e3", "long", "target", "5", "+11.2 bps", "17.2 bps", "3.5 bps", "31.2 bps"))
    assert "Lesson of the trade SOL-PERP-5-entry: the volume did not last" in text
    assert "  held: body 0.8 ATR; in one piece\n  failed: volume z 3.1\n" in text
    assert "Lesson of the counterfactual SOL-PERP-8: nothing to be learnt" in text
    assert text.count("held:") == 1


def test_what_a_ticks_own_proposal_came_to_later_is_told():
    text = told(entered(), later_outcome=counterfactual(3, 8))
    assert "This proposal by itself ended 2025-05-01 00:08 UTC by target, after 5 bars: +11.2 bps net" in text


def test_a_machine_is_told_the_same():
    record = replace(closed(), counterfactuals=(counterfactual(5, 10),), reflections=REFLECTIONS)
    out = decision_json(Decision(run_id="run", tick_id=1, record=record, later_outcome=counterfactual(3, 8)))
    assert out["counterfactuals"][0]["net_bps"] == out["later_outcome"]["net_bps"] == 11.25
    assert out["reflections"][0]["lesson"] == "the volume did not last"
