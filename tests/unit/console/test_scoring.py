import io

from rich.console import Console

from console.scoring import print_notes, print_others, print_score, print_simulated

TABLE = ("Arms", ("arm", ">delta"), (("no gate", "-"), ("the gate", "+1.2")))


def printed(*deeds, width=80):
    console = Console(file=io.StringIO(), width=width)
    for deed in deeds:
        deed(console)
    return console.file.getvalue()


def test_the_plain_sentence_comes_before_every_table() -> None:
    told = printed(lambda one: print_score(one, "ollama m", "no_evidence", ["Nothing known.", "Much asked."], [TABLE]))
    assert told.index("ollama m") < told.index("Nothing known.") < told.index("Much asked.") < told.index("the gate")


def test_an_empty_table_is_not_printed() -> None:
    told = printed(lambda one: print_score(one, "m", "too_few", ["Few."], [("Arms", ("arm",), ())]))
    assert "Arms" not in told


def test_others_are_named_with_their_verdicts_and_how_to_see_more() -> None:
    told = printed(lambda one: print_others(one, [("ollama n", "Too few.")]))
    assert "--model and --prompt" in told
    assert "ollama n: Too few." in told
    assert printed(lambda one: print_others(one, [])) == ""


def test_text_is_never_taken_for_markup() -> None:
    told = printed(
        lambda one: print_score(one, "[red]m", "too_few", ["[b]"], [("t", ("a",), (("[i]",),))]),
        lambda one: print_notes(one, ["[u]"]),
        print_simulated,
    )
    assert all(mark in told for mark in ("[red]m", "[b]", "[u]", "SIMULATED"))


def test_a_note_breaks_between_words_and_a_path_does_not_break() -> None:
    told = printed(lambda one: print_notes(one, ["one two three four"]), width=10)
    assert [line.rstrip() for line in told.splitlines()] == ["one two", "three four"]
    assert printed(lambda one: print_notes(one, ["Page: /a/b/c/d/e"], wraps=False), width=10) == "Page: /a/b/c/d/e\n"
