"""A call to a model and its reply, taken apart so that a person can read them; `--json` has them as they were."""

import base64
import json
from collections.abc import Iterator
from typing import Any

from console.figures import percent_text
from console.gate_news import reason_text

MOST_SAID = 400
NAMED = frozenset({"member", "reason"})


def question_parts(prompt: str) -> Iterator[tuple[str, str]]:
    """Yield what a model was told, message by message, then the rest of the call; any other question as it is."""
    call = _object(prompt)
    messages = call.get("messages")
    if not isinstance(messages, list) or not all(_is_message(one) for one in messages):
        yield "asked", printable(prompt)
        return
    for one in messages:
        yield f"asked, {one['role']}", printable(one["content"])
    rest = {name: value for name, value in call.items() if name != "messages"}
    yield "asked, the rest of the call", printable(json.dumps(rest, separators=(",", ":"), ensure_ascii=False))


def words_of(raw: bytes) -> str:
    """Return what a model said in a reply of Ollama's or OpenAI's protocol, in one line; empty where it is neither."""
    reply = _object(raw.decode("utf-8", "replace"))
    choices = reply.get("choices")
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else reply
    message = first.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, str) or not content.strip():
        return ""
    said = _object(content)
    if set(said) == {"analysis", "p_win_pct", "verdict"}:
        content = f"{said['verdict']} at {said['p_win_pct']} %: {said['analysis']}"
    return printable(" ".join(content.split()))[:MOST_SAID]


def votes_of(raw: bytes) -> list[str]:
    """Return how each member of an ensemble voted, in a line each; empty where it is no reply of one."""
    try:
        votes = json.loads(raw)
    except (ValueError, RecursionError):
        return []
    is_vote = isinstance(votes, list) and all(isinstance(one, dict) and set(one) >= NAMED for one in votes)
    return [printable(_vote(one)) for one in votes] if is_vote else []


def printable(text: str) -> str:
    """Return text that a terminal can be given: what does not print stands as its escape; lines stay lines."""
    return "".join(
        one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode() for one in text
    ).rstrip("\n")


def _vote(vote: dict[str, Any]) -> str:
    chance, raw = vote.get("p_win_frac"), vote.get("raw_reply_base64")
    told = f"{vote['member']}: {reason_text(str(vote['reason']))}"
    if isinstance(chance, int | float):
        told += f", chance of a profit {percent_text(chance)}"
    try:
        said = words_of(base64.b64decode(raw, validate=True)) if isinstance(raw, str) else ""
    except ValueError:
        said = ""
    return f"{told}; it said: {said}" if said else told


def _is_message(found: Any) -> bool:
    return isinstance(found, dict) and all(isinstance(found.get(name), str) for name in ("role", "content"))


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
