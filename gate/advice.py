"""What to do about a server or model that cannot be asked: one half sentence for each reason that somebody can mend."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from domain.gate_reason import GateReason

_SHORT_REPLY: Final = "raise GATE_REPLY_TOKENS; a model that thinks aloud spends them on that, so switch it off"
_ADVICE: Final[Mapping[GateReason, str]] = MappingProxyType(
    {
        GateReason.UNREACHABLE: "start the server (`ollama serve`), or put its address into GATE_URL",
        GateReason.CONNECTION_LOST: "see the server's own log, and whether GATE_URL is its address",
        GateReason.PROTOCOL_VIOLATION: "see whether GATE_URL is the address of a server that GATE_BACKEND names",
        GateReason.REDIRECTED: "put the address it points to into GATE_URL",
        GateReason.FORBIDDEN_HOST: "let the server answer this machine without a key: the desk sends none",
        GateReason.SERVER_BUSY: "wait until it has loaded, or leave the server to the desk alone",
        GateReason.SERVER_ERROR: "see the server's own log; the model may not fit into its memory",
        GateReason.SERVER_TOO_OLD: "bring the server up to date: Ollama 0.30 or newer",
        GateReason.MODEL_NOT_FOUND: "fetch it (`python main.py gate pull`), or name one of `ollama list` in GATE_MODEL",
        GateReason.REMOTE_MODEL: "name a model in GATE_MODEL that lies on the server's own disk",
        GateReason.NOT_A_CHAT_MODEL: "name a model in GATE_MODEL that completes chats",
        GateReason.IDENTITY_CHANGED: (
            "if these weights are meant, put their digest into GATE_MODEL_DIGEST; they have to be measured anew"
        ),
        GateReason.IDENTITY_UNKNOWN: "let the server do nothing else: the model was gone when it was looked at",
        GateReason.CONTEXT_CHANGED: "set GATE_CONTEXT_TOKENS to a window that the model can have",
        GateReason.PROMPT_TRUNCATED: "raise GATE_CONTEXT_TOKENS",
        GateReason.FORMAT_NOT_ENFORCED: "take another model or a newer server: the schema of a reply must be kept to",
        GateReason.OLLAMA_DONE_LENGTH: _SHORT_REPLY,
        GateReason.OPENAI_LENGTH: _SHORT_REPLY,
        GateReason.DEADLINE: "raise GATE_WARMUP_S, or take a smaller model",
    }
)


def advice_on(reason: GateReason) -> str:
    """Return what to do; empty where nothing is known."""
    return _ADVICE.get(reason, "")
