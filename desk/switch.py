"""The human's switch: a small file, so that it works when nothing else does."""

import os
from dataclasses import dataclass
from pathlib import Path

from domain.errors import BadInput
from domain.tick import TradingState


@dataclass(frozen=True, slots=True)
class HaltSwitch:
    """Reads and writes the state a human asked for. No file means: trade.

    The desk looks before every minute; `main.py halt` and `resume` write from another terminal. A file that
    cannot be read or understood halts: the switch fails closed.
    """

    path: Path

    def asked(self) -> TradingState:
        """Return the state asked for."""
        try:
            word = self.path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return TradingState.ACTIVE
        except (OSError, UnicodeDecodeError):
            return TradingState.HALTED
        return TradingState(word) if word in set(TradingState) else TradingState.HALTED

    def ask(self, state: TradingState) -> None:
        """Ask for a state, atomically. Raises BadInput when the folder cannot be written."""
        try:
            self._write(state)
        except OSError as error:
            raise BadInput(
                f"the switch {self.path} cannot be written: {error.strerror}; stop the desk itself, e.g. with Ctrl-C"
            ) from error

    def _write(self, state: TradingState) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if state is TradingState.ACTIVE:
            self.path.unlink(missing_ok=True)
            return
        draft = self.path.with_suffix(f".{os.getpid()}")
        draft.write_text(state.value + "\n", encoding="utf-8")
        draft.replace(self.path)
