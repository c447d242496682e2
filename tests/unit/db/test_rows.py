from db import rows
from db.tables import EVIDENCE, LEDGER, chained_columns
from tests.contract.journal_samples import order, sample


def test_a_row_has_as_many_values_as_its_table_has_columns() -> None:
    """One too few and every later column would hold its neighbour's value."""
    given_rows = {
        "answers": ("[]", None),
        "ticks": (0, 0, *rows.tick(sample(4), "{}", is_answered=True)),
        "proposals": (0, *rows.proposal(sample(5).proposal)),
        "gate_requests": rows.gate_request(1, "id", "off", "off", ""),
        "gate_outcomes": (0, *rows.gate_outcome(sample(5).gate)),
        "gate_replies": (0, *rows.gate_reply("id", sample(5).gate.evidence)),
        "counterfactuals": (0, *rows.counterfactual(sample(10).counterfactuals[0])),
        "reflections": (0, *rows.reflection(sample(10).reflections[0])),
        "risk_checks": (0, *rows.risk_check(sample(5).risk)),
        "orders": rows.order(order(5), 5),
        "order_refusals": (0, *rows.order_refusal(*sample(10).refusals[0])),
        "fills": (0, *rows.fill(sample(6).fills[0])),
        "funding_payments": (0, *rows.funding(sample(7).funding[0])),
        "trades": (0, *rows.trade(sample(10).trades[0])),
    }
    assert {table.name: len(chained_columns(table)) for table in LEDGER} == {
        name: len(row) for name, row in given_rows.items()
    }
    plain = (str, int, float, bytes, type(None))
    assert all(type(value) in plain for row in given_rows.values() for value in row)


def test_ticks_of_a_cold_desk_have_no_figures() -> None:
    cold = rows.tick(sample(2), None, is_answered=False)
    assert cold[7:9] == (None, None)
    assert len(cold) == len(rows.tick(sample(5), None, is_answered=True))


def test_reasons_are_joined_and_parted() -> None:
    for reasons in ((), ("one",), ("one", "two, and more")):
        assert rows.parted(rows.joined(reasons)) == reasons


def test_the_chained_columns_of_every_table_follow_its_key_without_a_gap() -> None:
    for table in EVIDENCE:
        names = [column.name for column in table.columns]
        chained = [column.name for column in chained_columns(table)]
        assert names[1 : 1 + len(chained)] == chained
        assert names[1 + len(chained)] == "hash"
