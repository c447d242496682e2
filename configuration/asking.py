"""Knobs of the gate: whether a language model is asked before an entry, which one, and what counts as a yes."""

from pydantic import BaseModel

from configuration.choices import GateBackend, GateMemory
from configuration.knob import CommaList, Number, Whole, knob
from domain.cassette import CassetteMode
from domain.decisions import GateMode


class GateKnobs(BaseModel):
    """The gate: a language model is asked before every entry and can only say no. Exits never ask it."""

    gate_mode: GateMode = knob(
        GateMode.OFF, "", "how much its answer counts; shadow: it is asked and recorded, and nothing depends on it"
    )
    gate_backend: GateBackend = knob(
        GateBackend.OFF, "", "who answers, once GATE_MODE is not off; without anybody every answer is a no (no_backend)"
    )
    gate_url: str = knob(
        "http://127.0.0.1:11434", "", "the server's address", allowed="http://HOST:PORT or https://HOST:PORT"
    )
    gate_allow_remote: bool = knob(False, "", "let the server stand on another machine", allowed="true or false")
    gate_model: str = knob(
        "",
        "",
        "the model's name as the server lists it",
        allowed="a name such as qwen3:4b; needed where GATE_BACKEND is a server",
    )
    gate_deadline_s: Number = knob(
        8.0, "seconds", "for the whole call; later is a no. More than GATE_MAX_AGE_S is of no use", ge=0.1, le=45
    )
    gate_min_p_win_pct: Whole = knob(
        50, "%", "least chance of a net profit; the trade's break-even chance is asked as well", ge=0, le=100
    )
    gate_context_tokens: Whole = knob(4096, "tokens", "the model's window", ge=1024, le=1_000_000)
    gate_reply_tokens: Whole = knob(200, "tokens", "what it may spend on its reply", ge=16, le=100_000)
    gate_seed: Whole = knob(7, "", "seed sent along; the temperature is 0", ge=0, le=2**31 - 1)
    gate_breaker_bars: Whole = knob(
        15, "bars", "how long a server that failed three times in a row is left alone", ge=0, le=1440
    )
    gate_model_digest: str = knob(
        "",
        "",
        "the weights that must answer; empty: those found when the desk opens",
        allowed="empty, or the first 12 to 64 hex digits (0-9, a-f) of the model's digest, as `gate check` prints them",
        pattern=r"^([0-9a-f]{12,64})?$",
    )
    gate_warmup_s: Number = knob(
        120.0, "seconds", "for finding the model fit when the desk opens, loading it included", ge=1, le=3600
    )
    gate_max_age_s: Number = knob(
        20.0, "seconds", "how long after the bar's close an approval may come; later it is stale", ge=0.1, le=60
    )
    gate_memory: GateMemory = knob(
        GateMemory.OFF, "", "on: the question tells how the most similar past triggers of the rule ended"
    )
    gate_memory_neighbours: Whole = knob(5, "triggers", "how many of them, with GATE_MEMORY=on", ge=1, le=20)
    # Neither decides by itself: what a cassette says is an answer of the gate, and those are on record one by one.
    gate_cassette: CassetteMode = knob(
        CassetteMode.OFF,
        "",
        "record the answers, or replay them without a server: a miss is denied, in replay_strict it stops the run",
        decides=False,
    )
    gate_cassette_file: str = knob(
        "", "", "the cassette's file", allowed="a file; GATE_CASSETTE needs one unless it is off", decides=False
    )
    gate_evaluation: str = knob(
        "",
        "",
        "the stored evaluation that lets this gate veto outside a backtest; `gate score RUN --store` prints it",
        allowed="empty, or the number of an evaluation in this journal",
        pattern=r"^([1-9][0-9]{0,8})?$",
    )
    gate_metalabel_min_triggers: Whole = knob(
        200, "triggers", "how many must be resolved before the meta-label model answers", ge=40, le=5000
    )
    gate_members: CommaList = knob(
        (),
        "",
        "who votes when GATE_BACKEND is ensemble",
        allowed="a comma list of two or more of ollama, openai, metalabel; empty without an ensemble",
    )
    gate_quorum: Whole = knob(0, "members", "how many of an ensemble must approve; 0: all of them", ge=0, le=3)
    gate_openai_url: str = knob(
        "",
        "",
        "the compatible server's address where an ensemble asks Ollama as well, which then has GATE_URL",
        allowed="http://HOST:PORT or https://HOST:PORT",
    )
    gate_openai_model: str = knob(
        "", "", "the model on that server", allowed="a name as the server lists it; needed beside GATE_OPENAI_URL"
    )

    @property
    def gate_servers(self) -> tuple[GateBackend, ...]:
        """The servers that are asked: the backend's own, or those among an ensemble's members."""
        is_ensemble = self.gate_backend is GateBackend.ENSEMBLE
        asked = self.gate_members if is_ensemble else (self.gate_backend.value,)
        return tuple(server for server in (GateBackend.OLLAMA, GateBackend.OPENAI) if server.value in asked)

    def gate_server_knobs(self, server: GateBackend) -> tuple[str, str]:
        """Return which knobs hold a server's address and model. Only beside Ollama does the other need its own."""
        is_second = server is GateBackend.OPENAI and GateBackend.OLLAMA in self.gate_servers
        return ("GATE_OPENAI_URL", "GATE_OPENAI_MODEL") if is_second else ("GATE_URL", "GATE_MODEL")
