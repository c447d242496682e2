"""The closed sets a setting may choose from."""

from enum import StrEnum


class FeedKind(StrEnum):
    """Where the market comes from."""

    SIM = "sim"
    REPLAY = "replay"
    LIVE = "live"


class LiveExchange(StrEnum):
    """The exchanges a live feed can be opened on, by the name ccxt gives them."""

    BINANCEUSDM = "binanceusdm"
    BYBIT = "bybit"
    DERIBIT = "deribit"
    MEXC = "mexc"
    HYPERLIQUID = "hyperliquid"


class Speed(StrEnum):
    """How fast a run goes. AUTO: watchable on a terminal, full speed otherwise. REAL: one minute a minute."""

    AUTO = "auto"
    MAX = "max"
    REAL = "real"


class OnStop(StrEnum):
    """What a graceful stop does with open positions."""

    KEEP = "keep"
    FLATTEN = "flatten"


class E3Direction(StrEnum):
    """Which way E3 trades an explosive minute."""

    MOMENTUM = "momentum"
    PREMIUM_FADE = "premium_fade"


class GateBackend(StrEnum):
    """Who answers for the gate. OFF: nobody. OLLAMA: a model on an Ollama server. OPENAI: on a compatible server.

    METALABEL: a model of the desk's own, without a server. ENSEMBLE: several of the others, who vote.
    """

    OFF = "off"
    OLLAMA = "ollama"
    OPENAI = "openai"
    METALABEL = "metalabel"
    ENSEMBLE = "ensemble"


class GateMemory(StrEnum):
    """Whether the gate's model is told how similar past triggers ended."""

    OFF = "off"
    ON = "on"


class LogLevel(StrEnum):
    """The least severity that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class AllocationMethod(StrEnum):
    """How the capital is shared out among strategies and symbols. NONE: each may use all of it."""

    NONE = "none"
    EQUAL = "equal"
    INVERSE_VOLATILITY = "inverse_volatility"
    PERFORMANCE = "performance"


class Mode(StrEnum):
    """How much of an order is real. DRY_RUN: the transaction is built and simulated. LIVE: it is sent."""

    PAPER = "paper"
    DRY_RUN = "dry_run"
    LIVE = "live"


class Execution(StrEnum):
    """Who carries orders to the venue."""

    GATEWAY = "gateway"
    CCXT = "ccxt"


class CcxtVenue(StrEnum):
    """The exchanges that orders can be sent to, by the name ccxt gives them."""

    BYBIT = "bybit"
    HYPERLIQUID = "hyperliquid"


class RiskAccepted(StrEnum):
    """Whether the human has said that real money may be lost."""

    NO = "no"
    YES = "I_ACCEPT_THE_RISK"
