"""A real gateway process over the test chain, for tests in the desk's environment: both run in the gateway's own.

world = GatewayWorld(folder, "live")     # the chain runs, the gateway does not yet
world.start()                            # or start("after_send", 3): it dies at the third pass of that boundary
world.chain("price", market_index=0, price_raw=149_000_000)
world.kill(); world.start()
world.executed(), world.positions(), world.resting(), world.states()
world.close()
"""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from tests.gateway.boundaries import BOUNDARIES

ROOT = Path(__file__).resolve().parents[3]
INTERPRETER = ROOT / ".venv-gateway-test/bin/python"
INSTALLED = ROOT / ".venv-gateway-test/.installed"
PATIENCE_S = 60
LOOK_S = 0.01
SOL, BTC = 0, 1
MARKET_NAMES = {SOL: "SOL-PERP", BTC: "BTC-PERP"}
FAULTS = ("lose_request", "lose_answer", "too_many", "garbage", "other_id", "swallow")
__all__ = ["BOUNDARIES", "FAULTS", "GatewayWorld"]


class Chain:
    """The test chain in a process of its own; a call is an order to it (tests/gateway/node_process.py lists them)."""

    def __init__(self):
        command = [str(INTERPRETER), "-m", "tests.gateway.node_process"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
        )
        self.url = self._heard()["url"]

    def __call__(self, do, **words):
        """Carry one order out and return what it told."""
        self.process.stdin.write(json.dumps({"do": do, **words}) + "\n")
        self.process.stdin.flush()
        return self._heard()["told"]

    def close(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait(PATIENCE_S)
        self.process.stdout.close()

    def _heard(self):
        line = self.process.stdout.readline()
        assert line, "the test chain ended; its reason stands on standard error"
        return json.loads(line)


class GatewayWorld:
    """The gateway's files in a folder, the chain, and the process that comes and goes.

    mode: `live` or `dry_run`. now_file: where the gateway's clock is read from; None is the machine's. policy: changes
    of the policy's limits.
    """

    def __init__(self, folder, mode="live", *, now_file=None, chain=None, symbols=None, **policy):
        self.folder, self.mode, self.now_file = Path(folder), mode, now_file
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self.socket_path = self.folder / "gateway.sock"
        self.chain, self.is_own_chain = chain or Chain(), chain is None
        self.key_path = Path(
            self.chain("files", folder=str(self.folder), url=self.chain.url, symbols=symbols, **policy)
        )
        self.process, self.deaths = None, []
        self._read, self._n_bytes = [], 0

    def start(self, boundary="never", count=1, module="tests.gateway.crashing"):
        """Start the gateway and wait until it is ready; return whether it is, or died at its boundary before that."""
        assert self.process is None or self.process.poll() is not None, "it runs already"
        self.deaths.append(boundary)
        way = (boundary, str(count)) if module == "tests.gateway.crashing" else ()
        command = [str(INTERPRETER), "-m", module, *way, *self.words()]
        self.said_path = self.folder / f"said-{len(self.deaths)}.jsonl"
        with self.said_path.open("w") as said:
            self.process = subprocess.Popen(command, cwd=ROOT, stderr=said, env=environment(self.now_file))
        for _ in range(int(PATIENCE_S / LOOK_S)):
            has_ended = self.process.poll() is not None
            if any(one["said"] == "ready" for one in self.said()):
                return True
            if has_ended:
                assert not {"cannot start", "raw"} & {one["said"] for one in self.said()}, self.said()
                return False
            time.sleep(LOOK_S)
        raise AssertionError(f"the gateway is not ready: {self.said()}")

    @property
    def log_path(self):
        """The gateway's log, one for each mode."""
        return self.folder / f"{self.mode}.log"

    def words(self):
        """Return the gateway's command line."""
        files = {"--policy": self.folder / "policy.toml", "--rpc": self.folder / "node"}
        files |= {"--log": self.log_path, "--socket": self.socket_path}
        if self.mode == "live":
            files["--key"] = self.key_path
        return ["--mode", self.mode, *(str(word) for pair in files.items() for word in pair)]

    def said(self):
        """Return the lines the gateway wrote on standard error since it was started last."""
        *lines, _ = self.said_path.read_text().split("\n")
        return [json.loads(line) if line.startswith("{") else {"said": "raw", "line": line} for line in lines]

    def settle(self):
        """Let blocks pass until every order of the gateway has an end."""
        for _ in range(int(PATIENCE_S / LOOK_S)):
            if not {"accepted", "signed", "confirmed"} & set(self.states().values()):
                return
            self.chain("advance")
            time.sleep(LOOK_S)
        raise AssertionError(f"some orders have no end: {self.states()}")

    def is_running(self):
        """Say whether the process is there."""
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """End the gateway as a power cut would."""
        if self.is_running():
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE_S)

    def stop(self):
        """Ask the gateway to end, and return its exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE_S)

    def close(self):
        """End the gateway, and the chain unless it was lent."""
        if self.process is not None:
            self.kill()
        if self.is_own_chain:
            self.chain.close()

    def facts(self):
        """Return the entries of the gateway's log, as written; a line that was cut off is left out."""
        with self.log_path.open("rb") as log:
            log.seek(self._n_bytes)
            *lines, _ = log.read().split(b"\n")
        self._n_bytes += sum(len(line) + 1 for line in lines)
        self._read += [json.loads(line.partition(b" ")[2]) for line in lines]
        return self._read

    def states(self):
        """Return {id: state} by the gateway's log."""
        return {one["id"]: one["state"] for one in self.facts() if "id" in one}

    def executed(self):
        """Return what is on chain of the gateway's orders, oldest first: [(id, instruction, parameters)]."""
        owners = {one["signed"]["signature"]: one["id"] for one in self.facts() if one.get("signed")}
        return [(owners.get(signature), name, fields) for signature, name, fields in self.chain("placing")]

    def fills(self):
        """Return every fill on chain, oldest first, with `id`, the id of the order behind it or None."""
        numbers = {one["order_id"]: one["id"] for one in self.facts() if one.get("order_id")}
        owners = {one["signed"]["signature"]: one["id"] for one in self.facts() if one.get("signed")}
        return [
            {"id": numbers.get(one["order_id"], owners.get(one["signature"])), **one} for one in self.chain("fills")
        ]

    def positions(self):
        """Return {symbol: signed base in 1e-9} on chain, as it is now."""
        return {MARKET_NAMES[int(index)]: base for index, base in self.chain("positions").items()}

    def resting(self):
        """Return the orders that rest on chain now, as the chain has them."""
        return self.chain("resting")


def environment(now_file=None):
    """Return the environment of a process beside the tests."""
    return {**os.environ, **({"TIDEGATE_GATEWAY_CLOCK": str(now_file)} if now_file else {})}


def key_watch(key_path, notes_path):
    """Return the variables under which a Python process notes whoever touches the key (tests/doubles/key_watch)."""
    watch = {"WATCHED_KEY": str(key_path), "WATCHED_NOTES": str(notes_path)}
    return {"PYTHONPATH": str(ROOT / "tests/doubles/key_watch"), **watch}
