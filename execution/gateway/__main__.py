"""The order gateway's command line: `python -m execution.gateway --help`."""

import argparse
import json
import sys
from pathlib import Path

from execution.gateway.clock import SystemClock
from execution.gateway.codes import CannotStart
from execution.gateway.profiles import load_profiles
from execution.gateway.running import run
from execution.gateway.wallet import keep_memory_private

BAD_INPUT = 2


def arguments(words: list[str]) -> argparse.Namespace:
    """Return the command line as it was understood. No secret is among its words."""
    parser = argparse.ArgumentParser(prog="python -m execution.gateway", description="The order gateway.")
    parser.add_argument("--mode", choices=["dry_run", "live"], default="dry_run")
    parser.add_argument("--profile", choices=sorted(load_profiles()), default="drift_v2")
    parser.add_argument("--policy", type=Path, required=True, help="the policy file, mode 0600")
    parser.add_argument("--log", type=Path, required=True, help="the durable log; made when absent")
    parser.add_argument("--socket", type=Path, required=True, help="where to listen")
    parser.add_argument("--rpc", type=Path, required=True, help="a file of mode 0600 that holds the node's address")
    parser.add_argument("--key", help="live only: the key file, mode 0600, or - for standard input")
    return parser.parse_args(words)


def main(words: list[str]) -> int:
    """Start the gateway and serve until it is told to stop; return the exit code."""
    keep_memory_private()
    try:
        return run(arguments(words), SystemClock(), say)
    except CannotStart as reason:
        say({"said": "cannot start", "reason": str(reason)})
        return BAD_INPUT


def say(facts: dict[str, object]) -> None:
    """Write one line about the gateway itself to standard error."""
    sys.stderr.write(json.dumps(facts) + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
