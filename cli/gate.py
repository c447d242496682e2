"""`main.py gate`: the second reader before every entry."""

import typer

from cli.gate_check import gate_check
from cli.gate_pull import gate_pull
from cli.gate_score import gate_score

gate = typer.Typer(
    help="The gate before every entry: fetch a model, see whether it is fit to serve, and what it was worth.",
    no_args_is_help=True,
)
gate.command("check")(gate_check)
gate.command("pull")(gate_pull)
gate.command("score")(gate_score)
