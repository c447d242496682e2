"""The trigger of the minute."""

from datetime import UTC, datetime, timedelta

from desk.schedule import minute_trigger


def test_it_fires_at_every_full_minute_also_across_midnight_and_the_end_of_a_month() -> None:
    trigger = minute_trigger()
    moment = datetime(2025, 2, 28, 23, 58, 30, tzinfo=UTC)
    fires = []
    for _ in range(3):
        moment = trigger.get_next_fire_time(None, moment)
        fires.append(moment)
        moment += timedelta(milliseconds=1)
    assert [fire.isoformat() for fire in fires] == [
        "2025-02-28T23:59:00+00:00",
        "2025-03-01T00:00:00+00:00",
        "2025-03-01T00:01:00+00:00",
    ]
