"""The programs as data: ids, seeds, the layout of an order's parameters and of the accounts that are read back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import execution.gateway.encoding as encoding

PROFILES_FILE = Path(__file__).parent / "profiles.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One program.

    Attributes
    ----------
    name, program, state_seed: what it is called here, its id in base58, the seed of its State account.
    order_params: (field, borsh type) in the order of the wire.
    layouts: per account name its `bytes`, `fields` {name: [offset, type]} and `rows` {name: [offset, count, stride,
    fields]}.
    events: per event name its leading (field, borsh type) pairs in order; what follows them is not read.
    oracle_multiples: how many units of the base one price is for (1, 1e3, 1e6), by the program's number of the source.
    market_active, market_reduce_only: the program's numbers of these two states of a market.
    holding: the fields of a perpetual position of which any makes the account be in that market.
    gone, changed, paused, insufficient: the error numbers that mean so; changed: an instruction or an account is of
    another layout than the program's.
    refusals: what other error numbers mean, in a sentence for people.
    """

    name: str
    program: str
    state_seed: bytes
    order_params: tuple[tuple[str, str], ...]
    layouts: Mapping[str, Any]
    events: Mapping[str, Any]
    oracle_multiples: Mapping[int, int]
    market_active: int
    market_reduce_only: int
    holding: tuple[str, ...]
    gone: frozenset[int]
    changed: frozenset[int]
    paused: frozenset[int]
    insufficient: frozenset[int]
    refusals: Mapping[int, str]


def load_profiles() -> dict[str, Profile]:
    """Return every profile by name."""
    found = json.loads(PROFILES_FILE.read_text(encoding="utf-8"))
    return {name: _profile(name, one) for name, one in found.items()}


def _profile(name: str, found: Mapping[str, Any]) -> Profile:
    return Profile(
        name=name,
        program=found["program"],
        state_seed=found["state_seed"].encode(),
        order_params=tuple((field, kind) for field, kind in found["order_params"]),
        layouts=found["layouts"],
        events=found["events"],
        oracle_multiples={int(source): multiple for source, multiple in found["oracle_multiples"].items()},
        market_active=found["market_status"]["active"],
        market_reduce_only=found["market_status"]["reduce_only"],
        holding=tuple(found["holding"]),
        gone=frozenset(found["gone"]),
        changed=frozenset(found["changed"]),
        paused=frozenset(found["paused"]),
        insufficient=frozenset(found["insufficient"]),
        refusals={int(number): words for number, words in found["refusals"].items()},
    )


def read_account(profile: Profile, name: str, content: bytes) -> dict[str, Any]:
    """Return the fields and rows of an account, by its layout; raise `ValueError` when it is not of that layout.

    A longer account is refused like a shorter one: a program that has grown an account may mean other things by it.
    """
    layout = profile.layouts[name]
    if content[:8] != encoding.account_mark(name):
        raise ValueError(f"this is no {name} account of {profile.name}")
    if len(content) != layout["bytes"]:
        raise ValueError(f"a {name} account of {profile.name} has {layout['bytes']} bytes, this one {len(content)}")
    found = _fields(content, 0, layout["fields"])
    for row, (offset, count, stride, fields) in layout.get("rows", {}).items():
        found[row] = [_fields(content, offset + index * stride, fields) for index in range(count)]
    return found


def _fields(content: bytes, base: int, fields: Mapping[str, tuple[int, str]]) -> dict[str, Any]:
    return {name: encoding.read(kind, content, base + offset) for name, (offset, kind) in fields.items()}
