"""The places where the gateway can be told to die, and how often each is passed at most before it does."""

BOUNDARIES = {
    "before_accepted": 9,
    "after_accepted": 9,
    "half_a_line": 24,
    "before_signed": 9,
    "after_signed": 9,
    "before_send": 12,
    "after_send": 12,
    "before_answer": 40,
    "before_landed": 9,
    "after_landed": 9,
    "before_call": 250,
    "after_call": 250,
}
