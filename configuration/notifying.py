"""Knobs of telling a human: who hears of what, and when a desk counts as silent."""

from pydantic import BaseModel

from configuration.knob import Hidden, Number, Whole, knob

ADDRESSES = "empty, or a comma list of apprise addresses such as ntfy://TOPIC or tgram://TOKEN/CHAT; never shown"


class NotifyKnobs(BaseModel):
    """Notifications (docs/notifications.md). The addresses hold tokens: they are never shown, logged or recorded."""

    notify_critical: Hidden = knob(
        Hidden(""), "", "who hears of a halt, books that disagree, a dead desk", allowed=ADDRESSES, decides=False
    )
    notify_warning: Hidden = knob(
        Hidden(""), "", "who hears of a lost feed or journal, late minutes, breakers", allowed=ADDRESSES, decides=False
    )
    notify_info: Hidden = knob(
        Hidden(""), "", "who hears of fills, closed trades, starts and stops", allowed=ADDRESSES, decides=False
    )
    notify_summary: Hidden = knob(Hidden(""), "", "who gets a summary once a day", allowed=ADDRESSES, decides=False)
    notify_summary_hour_utc: Whole = knob(0, "hour UTC", "when the day of the summary ends", ge=0, le=23, decides=False)
    watch_silence_s: Number = knob(
        300.0,
        "seconds",
        "`watch` speaks up when a living desk has put no minute on record for so long",
        ge=90,
        le=86_400,
        decides=False,
    )
