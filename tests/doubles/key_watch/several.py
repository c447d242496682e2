"""Goes through the front door once for each command line on standard input, in one process; tells each exit code."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def run(words: list[str]) -> int:
    """Run one command as `python main.py WORDS` would."""
    import main

    sys.argv = [str(ROOT / "main.py"), *words]
    try:
        main.main()
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    codes = [run(words) for words in json.load(sys.stdin)]
    sys.stdout.write("\n" + json.dumps(codes) + "\n")
