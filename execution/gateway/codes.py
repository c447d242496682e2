"""The closed sets of the gateway: reason codes and the states an order can be in."""

from enum import StrEnum


class Code(StrEnum):
    """Why something was refused or ended; the sentence for each stands in schema.json."""

    GARBAGE = "garbage"
    OVERSIZE = "oversize"
    UNKNOWN_VERSION = "unknown_version"
    UNKNOWN_OPERATION = "unknown_operation"
    UNKNOWN_FIELD = "unknown_field"
    MISSING_FIELD = "missing_field"
    BAD_VALUE = "bad_value"
    TERMS_DIFFER = "terms_differ"
    UNKNOWN_ORDER = "unknown_order"
    STALE_REQUEST = "stale_request"
    HALTED = "halted"
    SYMBOL_NOT_ALLOWED = "symbol_not_allowed"
    OFF_GRID = "off_grid"
    SIZE_OVER_CAP = "size_over_cap"
    PRICE_OUT_OF_BAND = "price_out_of_band"
    BAD_EXPIRY = "bad_expiry"
    TOO_MANY_ORDERS = "too_many_orders"
    DAILY_NOTIONAL = "daily_notional"
    IDS_USED_UP = "ids_used_up"
    UNRESOLVED = "unresolved"
    LOG_UNAVAILABLE = "log_unavailable"
    VENUE_UNREACHABLE = "venue_unreachable"
    VENUE_GONE = "venue_gone"
    VENUE_PAUSED = "venue_paused"
    ACCOUNT_MISSING = "account_missing"
    LAYOUT_UNKNOWN = "layout_unknown"
    ORACLE_UNFIT = "oracle_unfit"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    SIMULATION_FAILED = "simulation_failed"
    PROGRAM_REFUSED = "program_refused"
    BLOCKHASH_EXPIRED = "blockhash_expired"
    NEVER_SIGNED = "never_signed"
    VOIDED = "voided"
    INTERNAL = "internal"


class State(StrEnum):
    """Where an order stands.

    `accepted`: on record, no signature exists. `signed`: its bytes may have left, its fate is open. `confirmed`: seen
    on chain, could still be rolled back. The others are final: `refused`, `abandoned` (the process ended before a
    signature existed), `simulated` (dry run), `landed`, `failed` (landed with an error), `expired` (can never land).
    """

    ACCEPTED = "accepted"
    REFUSED = "refused"
    ABANDONED = "abandoned"
    SIMULATED = "simulated"
    SIGNED = "signed"
    CONFIRMED = "confirmed"
    LANDED = "landed"
    FAILED = "failed"
    EXPIRED = "expired"

    @property
    def is_open(self) -> bool:
        """Whether the order's fate is not final yet."""
        return self in {State.ACCEPTED, State.SIGNED, State.CONFIRMED}


class Refused(Exception):
    """Something was asked for and is not done. code: why; detail: the figures, never anything secret."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class CannotStart(Exception):
    """The gateway refuses to start; the text is one sentence that names what, where and what is allowed."""
