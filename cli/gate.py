"""`main.py gate`: the second reader before every entry."""

import typer

from cli.gate_check import gate_check

gate = typer.Typer(help="Is the gate's model fit to serve.", no_args_is_help=True)
gate.command("check")(gate_check)
