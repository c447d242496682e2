import json
import sqlite3
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from db.chain import RunHeader, latency_seal, link
from db.opening import open_journal
from tests.contract.journal_samples import header, play


def test_a_link_is_the_hash_of_the_one_before_and_of_the_row() -> None:
    row = ["fills", 7, "a", 1, None, 0.5]
    assert (
        link(b"\1" * 32, "fills", 7, ("a", 1, None, 0.5)) == sha256(b"\1" * 32 + msgspec.msgpack.encode(row)).digest()
    )


def test_the_genesis_does_not_know_the_runs_name() -> None:
    assert header("one").genesis == header("two").genesis
    assert header("one").genesis != header("one", settings="{}").genesis


def test_a_latency_is_sealed_with_its_request() -> None:
    assert latency_seal("a", 1.0) != latency_seal("b", 1.0)


def test_a_run_has_a_name_and_a_market() -> None:
    with pytest.raises(ValueError, match="a name"):
        RunHeader(**(json.loads(msgspec.json.encode(header())) | {"symbols": ()}))


def test_the_recipe_in_the_manual_checks_a_journal_by_hand(tmp_path: Path) -> None:
    """The Python block of docs/journal.md is run as it stands there."""
    path = tmp_path / "journal.db"
    with open_journal(f"sqlite:///{path}", writable=True) as store:
        journal = store.begin(header(), 1)
        play(journal, 1, 24)
        journal.finish("{}", 2)
    manual = (Path(__file__).parents[3] / "docs" / "journal.md").read_text()
    recipe = manual.split("```python\n")[1].split("```")[0].replace("state/journal.db", str(path))
    told: list[str] = []
    exec(recipe, {"print": lambda *words: told.append(" ".join(map(str, words)))})  # noqa: S102 - our own manual
    assert told == [f"sound: {journal.n_rows} rows, {journal.chain_hash}"]
    intruder = sqlite3.connect(path)
    intruder.execute("DROP TRIGGER fills_no_update")
    intruder.execute("UPDATE fills SET fee_microusd = fee_microusd + 1 WHERE id = (SELECT max(id) FROM fills)")
    key = intruder.execute("SELECT max(id) FROM fills").fetchone()[0]
    intruder.commit()
    intruder.close()
    told.clear()
    exec(recipe, {"print": lambda *words: told.append(" ".join(map(str, words)))})  # noqa: S102 - our own manual
    assert told == [f"altered: fills {key}"]
