"""`main.py gate`: the second reader before every entry."""

import typer

from cli.gate_score import gate_score

gate = typer.Typer(help="The gate before every entry: what it was worth.", no_args_is_help=True)
gate.command("score")(gate_score)
