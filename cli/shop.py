"""What `main` lends its commands: how a desk and a feed are built."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Shop(NamedTuple):
    """build: the agents of one desk. build_feed: the market the settings ask for.

    build_chat_reader: who asks a model on a server. check: raises BadInput where the settings name what is not there.
    build_venue: the venue in the world that a live run trades at. attend: how a desk is seen and heard from outside.
    build_rehearsal: what a dry run rehearses its orders with.
    """

    build: Callable[..., Any]
    build_feed: Callable[..., Any]
    build_chat_reader: Callable[..., Any]
    check: Callable[..., None]
    build_venue: Callable[..., Any]
    build_rehearsal: Callable[..., Any]
    attend: Callable[..., Any]
