"""`main.py watch`: a process of its own that speaks up when the desk is dead, and tells of the journal."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import ENV_FILE, DbOption, EnvOption, JsonOption, SetOption, flags, load, stdout

if TYPE_CHECKING:
    from notices.teller import TellerTerms
    from notices.watching import Watcher
    from settings import Settings

TestOption = Annotated[bool, typer.Option("--test", help="Send one test message to every target, say which worked.")]


def watch(
    test: TestOption = False,
    db: DbOption = None,
    overrides: SetOption = [],  # noqa: B006 - Typer reads defaults and never changes them
    env_file: EnvOption = ENV_FILE,
    as_json: JsonOption = False,
) -> None:
    """Speak up when the desk is dead or silent, and tell what it puts on record, until Ctrl-C.

    Run it beside the desk, with the same .env, best under whatever restarts services. It reads the journal and never
    writes to it. Who is told stands in NOTIFY_CRITICAL, NOTIFY_WARNING, NOTIFY_INFO and NOTIFY_SUMMARY, each a comma
    list of apprise addresses (ntfy://TOPIC, tgram://TOKEN/CHAT, mailto://USER:PASSWORD@HOST, ...). A desk with these
    settings tells of itself while it lives; that it died, only a watcher can tell. Begin with `watch --test`.
    """
    from domain.errors import BadInput
    from settings import teller_terms

    settings = load(env_file, overrides, flags(DATABASE_URL=db), mode=None, is_to_trade=False)
    telling = teller_terms(settings)
    if telling is None:
        raise BadInput(
            "nobody is to be notified: set NOTIFY_CRITICAL (or NOTIFY_WARNING, NOTIFY_INFO, NOTIFY_SUMMARY) in .env "
            "to a comma list of apprise addresses such as ntfy://TOPIC"
        )
    if test:
        raise typer.Exit(_try_out(telling, as_json=as_json))
    _watch(settings, telling)


def _try_out(telling: "TellerTerms", *, as_json: bool) -> int:
    from console.watch_report import print_tried
    from notices.trying import try_out

    tried = tuple((target.name, delivery.value) for target, delivery in try_out(telling.targets))
    print_tried(stdout(), tried, as_json=as_json)
    return 0 if all(result == "told" for _, result in tried) else 1


def _watch(settings: "Settings", telling: "TellerTerms") -> None:
    from console.watch_report import WatchLines
    from db.engines import parse_url, printable
    from desk.clock import SystemClock
    from domain.errors import BadInput
    from notices.notice import Severity
    from notices.watching import open_watcher
    from settings import watch_terms

    if not any(target.severity is Severity.CRITICAL for target in telling.targets):
        raise BadInput("nobody would be told that the desk is dead: set NOTIFY_CRITICAL in .env")
    lines = WatchLines(stdout())
    watcher = open_watcher(watch_terms(settings, telling), SystemClock(), lines.say)
    try:
        lines.begun(len(telling.targets), printable(parse_url(telling.database_url)))
        _go_round(watcher)
    finally:
        watcher.close()
    lines.ended()


def _go_round(watcher: "Watcher") -> None:
    """Look every few seconds until a signal says stop."""
    import signal
    import threading

    from notices.watching import PERIOD_S

    is_over = threading.Event()
    before = {number: signal.signal(number, lambda *_: is_over.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        while not is_over.is_set():
            watcher.step()
            is_over.wait(PERIOD_S)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
