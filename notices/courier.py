"""A process that tells one target one message and ends: `python -m notices.courier`, the order on standard input.

A target that hangs, crashes or leaks can hurt nobody but this process. It imports nothing of ours.
"""

import json
import os
import signal
import sys
from typing import Final

TOLD: Final = 0
REFUSED: Final = 3
MOST_S: Final = 30
"""It ends itself after so long, also when whoever started it is gone."""


def main() -> int:
    """Send; return TOLD or REFUSED. Anything else a process can end with means that nobody knows."""
    signal.alarm(MOST_S)
    order = json.load(sys.stdin)
    os.nice(10)
    from apprise import Apprise, AppriseAsset, NotifyFormat

    told = Apprise(asset=AppriseAsset(async_mode=False, app_id="Tidegate", app_desc="Tidegate", app_url=""))
    if not told.add(order["url"]):
        return REFUSED
    is_told = told.notify(title=order["title"], body=order["body"], body_format=NotifyFormat.TEXT)
    return TOLD if is_told else REFUSED


if __name__ == "__main__":
    sys.exit(main())
