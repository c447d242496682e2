from backtest.score.gathering import RunTriggers, Wanted, gather
from domain.market import MINUTE_MS
from tests.unit.backtest.score.triggers import START_MS, asked, evidence, story


def run(*said, run_id="r1", model="", price=150.0):
    told = [story(START_MS + place * MINUTE_MS, 1.0, one, reference_price=price) for place, one in enumerate(said)]
    return RunTriggers(run_id=run_id, is_simulated=False, model=model, stories=tuple(told))


def failed(reason="deadline", backend="ollama"):
    return asked(False, reason_code=reason, evidence=None, backend=backend)


def by(**changed):
    return asked(evidence=evidence(**changed))


def counts(gathered):
    return {(one.model, one.digest, one.prompt_version): len(told) for one, told in gathered.by_answerer}


def test_another_model_weights_or_prompt_is_somebody_else() -> None:
    said = (
        by(),
        by(),
        by(),
        by(digest="sha256:2"),
        by(model="other"),
        by(prompt_version="veto-9"),
        by(prompt_sha256="1"),
    )
    found = gather([run(*said)], Wanted())
    assert [len(told) for _, told in found.by_answerer] == [3, 1, 1, 1, 1]


def test_who_was_asked_and_is_not_to_be_scored_is_named() -> None:
    found = gather([run(by(), by(model="other"))], Wanted(model="third"))
    assert found.by_answerer == ()
    assert [one.model for one in found.unwanted] == ["m", "other"]
    assert [one.model for one in gather([run(by(), by(model="other"))], Wanted(model="m")).unwanted] == ["other"]


def test_a_failure_is_put_down_to_who_answered_last_before_it_or_else_first_after() -> None:
    found = gather([run(failed(), by(), failed(), by(digest="sha256:2"), failed(), failed())], Wanted())
    assert counts(found) == {("m", "sha256:1", "veto-2"): 3, ("m", "sha256:2", "veto-2"): 3}


def test_where_nobody_ever_answered_the_model_is_the_one_the_settings_name() -> None:
    assert counts(gather([run(failed("unreachable"), model="qwen3:4b")], Wanted())) == {("qwen3:4b", "", "unknown"): 1}
    assert counts(gather([run(failed("unreachable"))], Wanted())) == {("unknown", "", "unknown"): 1}


def test_an_answer_that_does_not_tell_its_weights_comes_from_those_told_last() -> None:
    found = gather([run(by(digest=None), by(), by(digest=None))], Wanted())
    assert counts(found) == {("m", "", "veto-2"): 1, ("m", "sha256:1", "veto-2"): 2}


def test_a_model_that_learns_as_it_goes_stays_who_it_is() -> None:
    said = (by(source="embedded", digest=f"w{place}") for place in range(3))
    assert list(counts(gather([run(*said)], Wanted())).values()) == [3]
    members = (by(digest="w1", prompt_sha256="1"), by(digest="w2", prompt_sha256="2"))
    voted = (asked(evidence=one.evidence, backend="ensemble") for one in members)
    assert list(counts(gather([run(*voted)], Wanted())).values()) == [2]


def test_a_proposal_nobody_was_asked_about_is_counted_and_scored_for_nobody() -> None:
    said = (None, asked(reason_code="gate_off"), asked(False, reason_code="no_backend"), by())
    found = gather([run(*said)], Wanted())
    assert (found.n_triggers, found.n_never_asked, len(found.distinct)) == (4, 3, 4)
    assert list(counts(found).values()) == [1]


def test_the_same_trigger_in_a_second_run_counts_once_and_the_same_minute_of_another_market_twice() -> None:
    again = gather([run(by(), by()), run(by(), by(), by(), run_id="r2")], Wanted())
    assert (list(counts(again).values()), again.n_repeated, len(again.distinct)) == ([3], 2, 3)
    elsewhere = gather([run(by(), by()), run(by(), by(), run_id="r2", price=151.0)], Wanted())
    assert (list(counts(elsewhere).values()), elsewhere.n_repeated) == ([4], 0)


def test_only_what_is_wanted_is_scored() -> None:
    runs = [run(by(), by(model="other"), by(prompt_version="veto-9"))]
    assert counts(gather(runs, Wanted(model="other"))) == {("other", "sha256:1", "veto-2"): 1}
    assert counts(gather(runs, Wanted(prompt_version="veto-9"))) == {("m", "sha256:1", "veto-9"): 1}
    early = gather(runs, Wanted(until_ms=START_MS + MINUTE_MS))
    assert (early.n_triggers, list(counts(early).values())) == (1, [1])
