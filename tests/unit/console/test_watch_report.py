"""What a watcher says in its terminal."""

import json
import logging

from rich.console import Console

from console.watch_report import WatchLines, print_tried

TRIED = (("critical 1 (ntfy)", "told"), ("info 1 (tgram)", "refused"), ("info 2 (json)", "unknown"))


def test_a_watcher_says_when_it_begins_what_goes_wrong_and_when_it_ends(page: Console) -> None:
    lines = WatchLines(page)
    lines.begun(1, "state/journal.db")
    lines.say(logging.WARNING, "critical 1 (ntfy) could not be told (refused); it is tried again")
    lines.ended()
    assert page.export_text().splitlines() == [
        "watching state/journal.db; 1 target to tell; Ctrl-C ends",
        "critical 1 (ntfy) could not be told (refused); it is tried again",
        "watching has ended; what was not told waits for the next watcher",
    ]


def test_a_test_says_of_every_target_what_became_of_it(page: Console) -> None:
    print_tried(page, TRIED, as_json=False)
    told = page.export_text()
    for words in ("look whether it arrived", "could not be told", "no answer in time"):
        assert words in told


def test_the_same_for_a_machine(page: Console) -> None:
    print_tried(page, TRIED, as_json=True)
    written = page.file.getvalue()  # type: ignore[attr-defined]  # the page is kept in memory
    assert json.loads(written)["targets"][2] == {"target": "info 2 (json)", "result": "unknown"}
