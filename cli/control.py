"""The commands around a desk: what it is set to, whether it could run, and its switch."""

from typing import Annotated

import typer

from cli.options import ENV_FILE, DbOption, EnvOption, JsonOption, SetOption, flags, load, print_json, stdout, switch


def config(overrides: SetOption = [], env_file: EnvOption = ENV_FILE, as_json: JsonOption = False) -> None:  # noqa: B006 - as above
    """Print every setting that counts, and where it came from. Secrets stay hidden."""
    from console.settings_table import print_settings
    from settings import effective

    rows = effective(load(env_file, overrides, {}, mode=None, is_to_trade=False))
    if as_json:
        print_json({row.name: {"value": row.value, "source": row.source} for row in rows})
    else:
        print_settings(stdout(), rows)


def doctor(
    context: typer.Context,
    db: DbOption = None,
    overrides: SetOption = [],  # noqa: B006 - as above
    env_file: EnvOption = ENV_FILE,
    as_json: JsonOption = False,
) -> None:
    """Check everything the desk needs, and say what to do about what is missing.

    Where GATE_MODE is not off it looks at the gate's server as a desk does that starts, which may load the model.
    With FEED=live it opens the exchange and closes it again; with MODE=dry_run or live it tells every proof.
    """
    from cli.plan import desk_plan
    from console.checkup import check_up

    shop = context.obj
    plan = desk_plan(env_file, overrides, flags(DATABASE_URL=db), shop.build_chat_reader, shop.build_feed)
    raise typer.Exit(check_up(stdout(), plan, as_json=as_json))


def halt(
    flatten: Annotated[bool, typer.Option("--flatten", help="Close every position first.")] = False,
    reduce_only: Annotated[bool, typer.Option("--reduce", help="Let exits run, allow no entry.")] = False,
    overrides: SetOption = [],  # noqa: B006 - as above
    env_file: EnvOption = ENV_FILE,
) -> None:
    """Stop the running desk from adding risk, from another terminal. It stays halted until `resume`."""
    from domain.tick import TradingState

    state = TradingState.FLATTENING if flatten else TradingState.REDUCING if reduce_only else TradingState.HALTED
    switch(env_file, overrides).ask(state)
    told = f"The desk is asked to be {state.value}; it looks every minute. `resume` takes it back."
    stdout().print(told, soft_wrap=True)


def resume(overrides: SetOption = [], env_file: EnvOption = ENV_FILE) -> None:  # noqa: B006 - as above
    """Take back a halt."""
    from domain.tick import TradingState

    asked = switch(env_file, overrides)
    was = asked.asked()
    asked.ask(TradingState.ACTIVE)
    found = "no halt was set" if was is TradingState.ACTIVE else f"it was asked to be {was.value}"
    stdout().print(f"The desk may trade; {found}.")
