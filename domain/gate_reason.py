"""Why the gate answered as it did: a closed set, each member with its meaning for people."""

from enum import StrEnum


class GateReason(StrEnum):
    """One reason of the gate. OK and GATE_OFF let a proposal pass; every other reason denies it."""

    OK = "ok"
    GATE_OFF = "gate_off"
    NO_BACKEND = "no_backend"
    LLM_DENY = "llm_deny"
    BELOW_THRESHOLD = "below_threshold"
    INCONSISTENT = "inconsistent"
    DEADLINE = "deadline"
    UNREACHABLE = "unreachable"
    CONNECTION_LOST = "connection_lost"
    SERVER_BUSY = "server_busy"
    SERVER_ERROR = "server_error"
    MODEL_NOT_FOUND = "model_not_found"
    BAD_REQUEST = "bad_request"
    CANCELLED = "cancelled"
    FORBIDDEN_HOST = "forbidden_host"
    REDIRECTED = "redirected"
    PROTOCOL_VIOLATION = "protocol_violation"
    OLLAMA_INCOMPLETE = "ollama_incomplete"
    OLLAMA_DONE_LENGTH = "ollama_done_length"
    PROMPT_TRUNCATED = "prompt_truncated"
    REMOTE_MODEL = "remote_model"
    IDENTITY_CHANGED = "identity_changed"
    REPLY_TOO_LONG = "reply_too_long"
    REPLY_TOOL_CALL = "reply_tool_call"
    REPLY_EMPTY = "reply_empty"
    REPLY_NOT_JSON = "reply_not_json"
    REPLY_DUPLICATE_KEY = "reply_duplicate_key"
    REPLY_NONFINITE = "reply_nonfinite"
    REPLY_SCHEMA = "reply_schema"
    BUSY_LOCAL = "busy_local"
    CIRCUIT_OPEN = "circuit_open"
    AUDIT_FAILED = "audit_failed"
    INTERRUPTED = "interrupted"
    IDENTITY_UNKNOWN = "identity_unknown"
    CONTEXT_CHANGED = "context_changed"
    SERVER_TOO_OLD = "server_too_old"
    NOT_A_CHAT_MODEL = "not_a_chat_model"
    FORMAT_NOT_ENFORCED = "format_not_enforced"
    OPENAI_LENGTH = "openai_length"
    REPLY_REFUSED = "reply_refused"
    STALE = "stale"
    CASSETTE_MISS = "cassette_miss"
    CASSETTE_UNWRITTEN = "cassette_unwritten"
    ABSTAINED = "abstained"
    NO_QUORUM = "no_quorum"
    CALLED_OFF = "called_off"

    @property
    def label(self) -> str:
        """The reason in words."""
        return _LABELS[self]


_LABELS = {
    GateReason.OK: "the model approved, with a chance of profit above what is asked",
    GateReason.GATE_OFF: "the gate is not part of this run",
    GateReason.NO_BACKEND: "a model was asked for and none is configured",
    GateReason.LLM_DENY: "the model said no",
    GateReason.BELOW_THRESHOLD: "the model's chance of profit is below what is asked of a yes",
    GateReason.INCONSISTENT: "the model's verdict and its own figure contradict each other",
    GateReason.DEADLINE: "no whole answer came in time",
    GateReason.UNREACHABLE: "nobody answers at the server's address",
    GateReason.CONNECTION_LOST: "the connection ended before the answer was whole",
    GateReason.SERVER_BUSY: "the server is busy: its queue is full, or it is still loading",
    GateReason.SERVER_ERROR: "the server reported an error of its own",
    GateReason.MODEL_NOT_FOUND: "the server does not have this model",
    GateReason.BAD_REQUEST: "the server did not accept the question",
    GateReason.CANCELLED: "the server says the question was withdrawn",
    GateReason.FORBIDDEN_HOST: "the server does not allow this desk to ask",
    GateReason.REDIRECTED: "the server pointed to another address, which is never followed",
    GateReason.PROTOCOL_VIOLATION: "what came back is not an answer as the server's protocol has it",
    GateReason.OLLAMA_INCOMPLETE: "the server gave up in the middle of the answer",
    GateReason.OLLAMA_DONE_LENGTH: "the answer was cut off at its length limit",
    GateReason.PROMPT_TRUNCATED: "the model cannot have read the whole question",
    GateReason.REMOTE_MODEL: "the answer came from a model on another machine",
    GateReason.IDENTITY_CHANGED: "another model answered than the one that was asked",
    GateReason.REPLY_TOO_LONG: "more came back than any answer needs",
    GateReason.REPLY_TOOL_CALL: "the model wanted to call a tool",
    GateReason.REPLY_EMPTY: "the model said nothing",
    GateReason.REPLY_NOT_JSON: "the reply is not one JSON object and nothing else",
    GateReason.REPLY_DUPLICATE_KEY: "the reply names a key twice",
    GateReason.REPLY_NONFINITE: "the reply holds a number that is not finite",
    GateReason.REPLY_SCHEMA: "the reply does not have the agreed keys, types and ranges",
    GateReason.BUSY_LOCAL: "a question about this market is still open",
    GateReason.CIRCUIT_OPEN: "the server failed several times in a row and is left alone for a while",
    GateReason.AUDIT_FAILED: "question or approval could not be put on record, so nothing rests on it",
    GateReason.INTERRUPTED: "the desk was cut off before the answer was on record",
    GateReason.IDENTITY_UNKNOWN: "the server does not tell which model's weights it answered with",
    GateReason.CONTEXT_CHANGED: "the model runs with another window than the one that was asked for",
    GateReason.SERVER_TOO_OLD: "the server's version is older than the gate can rely on",
    GateReason.NOT_A_CHAT_MODEL: "the server says that this model cannot complete a chat",
    GateReason.FORMAT_NOT_ENFORCED: "the server let the model answer outside the agreed schema",
    GateReason.OPENAI_LENGTH: "the reply reached the length it was allowed before it ended",
    GateReason.REPLY_REFUSED: "the model refused to answer",
    GateReason.STALE: "the answer came when the bar it was about was too old",
    GateReason.CASSETTE_MISS: "the cassette holds no answer to this question, and no server is asked",
    GateReason.CASSETTE_UNWRITTEN: "the answer could not be put on the cassette, so it does not count",
    GateReason.ABSTAINED: "the model has seen too few resolved triggers to say anything",
    GateReason.NO_QUORUM: "fewer members of the ensemble approved than must",
    GateReason.CALLED_OFF: "the desk was told to halt or to reduce while the question was open",
}
