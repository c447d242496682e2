"""Cassettes in the gate's line: answers are recorded as they arrive, and a later run hears them without a server.

What is kept is what arrived, not what was made of it: a reply is judged anew each time, so that thresholds can be tried
over one cassette.
"""

from collections.abc import Callable

from domain.cassette import CassetteMode
from gate.cassette.identity import CassetteTerms
from gate.cassette.recording import RecordLine, recorder_for
from gate.cassette.replaying import ReplayLine
from gate.line import Line


def cassette_line(terms: CassetteTerms, network: Line, elapsed_s: Callable[[], float]) -> Line:
    """Return the line that answers come by: over the network, from a cassette, or by the one onto the other.

    network: the line to the server, which a replay does without. elapsed_s: a clock that only moves forward.
    """
    if terms.mode.is_replay:
        return ReplayLine(terms)
    return RecordLine(terms, network, elapsed_s) if terms.mode is CassetteMode.RECORD else network


def check_cassette(terms: CassetteTerms) -> None:
    """Open the cassette, if there is to be one, and let it go. Raises BadInput when a run could not use it."""
    if terms.mode.is_replay:
        ReplayLine(terms).open()
    elif terms.mode is CassetteMode.RECORD:
        recorder_for(terms).close()
