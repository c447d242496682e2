"""`main.py gate`: the second reader before every entry."""

import typer

from cli.gate_check import gate_check
from cli.gate_pull import gate_pull

gate = typer.Typer(
    help="The model behind the gate: fetch it, and see whether it is fit to serve.", no_args_is_help=True
)
gate.command("check")(gate_check)
gate.command("pull")(gate_pull)
