"""How long one minute of twenty symbols takes, from bars in hand to every decision durably on record.

The desk commits every minute, as it does in real time. No model is asked. The simulated market gives the bars,
because no recording holds twenty symbols; generating them is not timed.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import main
from benchmarks.stage import desk_on
from db.chain import RunHeader
from db.opening import open_journal
from domain.instrument import Instrument
from domain.market import Snapshot
from execution.instruments import INSTRUMENTS
from market.sim import SimFeed
from market.sim_parameters import SimParameters
from settings import load_settings

N_SYMBOLS = 20
N_MINUTES = 3_000
BUDGET_MS = 5.0
