"""A small venue on the test chain and the files of a gateway that trades there."""

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from solders.keypair import Keypair

from execution.gateway.acting import Acting
from execution.gateway.answering import Answering
from execution.gateway.chain import Chain
from execution.gateway.codes import Refused
from execution.gateway.following import Following
from execution.gateway.instructions import Trader
from execution.gateway.policy import load_policy
from execution.gateway.preflight import Preflight
from execution.gateway.profiles import load_profiles
from execution.gateway.records import Records
from execution.gateway.rpc import Rpc
from execution.gateway.schema import read_request, refusal_body
from execution.gateway.venue import Venue
from execution.gateway.wallet import load_wallet
from tests.gateway.layouts import ACCOUNTS
from tests.gateway.node import GENESIS, Node
from tests.gateway.node_server import NodeServer

WALLET = Keypair.from_seed(bytes(range(32)))
TRADERS = {
    name: Trader(profile=profile, authority=str(WALLET.pubkey()), sub_account=0)
    for name, profile in load_profiles().items()
}
TRADER = TRADERS["drift_v2"]
PROFILE = TRADER.profile
NOW_MS = 1_790_000_000_000
SOL, BTC = 0, 1
ORACLE_PRICE_RAW = 150_000_000
BASE_STEP, PRICE_STEP = 10_000_000, 100
ORACLES = {SOL: str(Keypair.from_seed(bytes([9] * 32)).pubkey()), BTC: str(Keypair.from_seed(bytes([8] * 32)).pubkey())}
QUOTE_ORACLE = str(Keypair.from_seed(bytes([7] * 32)).pubkey())
PYTH_LAZER = 12
POLICY = {
    "sub_account": 0,
    "orders_per_minute": 1_000,
    "reducing_orders_per_minute": 1_000,
    "daily_notional_raw": 10**15,
    "price_band_bps": 200,
    "trigger_band_bps": 1_500,
    "most_life_s": 120,
    "most_oracle_age_slots": 50,
    "most_oracle_confidence_bps": 20,
    "compute_units": 300_000,
    "priority_fee_micro_lamports": 1_000,
}


class Clock:
    """A clock that a test moves. Every look at the elapsed time moves it by a step, so that what is due comes due."""

    def __init__(self):
        self.ms, self.step_s = NOW_MS, 0.0
        self._elapsed_s = 0.0

    def now_ms(self):
        return self.ms

    def elapsed_s(self):
        self._elapsed_s += self.step_s
        return self._elapsed_s


def node_of(trader):
    """Return a chain on which the stand-in plays the trader's program, with a venue on it."""
    return venue_on(Node(trader.profile.program, ACCOUNTS[trader.profile.name]), trader)


def venue_on(node, trader):
    """Put State, markets, oracles and the trading account on chain."""
    filled = node.accounts.filled
    node.user, node.state = trader.user, trader.state
    node.put(trader.state, filled("State"))
    node.put(trader.user, filled("User", next_order_id=1))
    node.put(trader.user_stats, sha256(b"account:UserStats").digest()[:8] + bytes(232))
    for index, oracle in ORACLES.items():
        market = filled(
            "PerpMarket",
            pubkey=trader.perp_market(index),
            oracle=oracle,
            base_step=BASE_STEP,
            price_step=PRICE_STEP,
            least_base=BASE_STEP,
            oracle_source=PYTH_LAZER,
            market_index=index,
            status=1,
        )
        node.put(trader.perp_market(index), market)
        put_oracle(node, oracle)
    put_oracle(node, QUOTE_ORACLE, price_raw=1_000_000)
    quote = trader.spot_market(0)
    node.put(quote, filled("SpotMarket", pubkey=quote, oracle=QUOTE_ORACLE, oracle_source=PYTH_LAZER))
    node.svm.airdrop(WALLET.pubkey(), 10**12)
    return node


def put_oracle(node, address, price_raw=ORACLE_PRICE_RAW, age_slots=0, confidence_bps=1, exponent=-8):
    """Put an oracle of this price (1e-6) on chain, eight decimals as the feed has."""
    price = price_raw * 100
    content = node.accounts.filled(
        "PythLazerOracle",
        price=price,
        posted_slot=node.slot - age_slots,
        exponent=exponent,
        confidence=price * confidence_bps // 10_000,
    )
    node.put(address, content)


def policy_text(halted=False, symbols=None, **changes):
    """Return a policy file's text."""
    symbols = {"SOL-PERP": (SOL, 50 * 10**9), "BTC-PERP": (BTC, 10**9)} if symbols is None else symbols
    lines = [
        f'network = "{GENESIS}"',
        f'authority = "{WALLET.pubkey()}"',
        f"halted = {str(halted).lower()}",
        "[limits]",
    ]
    lines += [f"{name} = {value}" for name, value in {**POLICY, **changes}.items()]
    for name, (index, most) in symbols.items():
        lines += [f'[symbols."{name}"]', f"market_index = {index}", f"most_base_raw = {most}"]
    if not symbols:
        lines += ["[symbols]"]
    return "\n".join(lines) + "\n"


def private_file(path, content):
    """Write a file of mode 0600."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def key_file(folder, keypair=WALLET):
    """Write the wallet as the chain's own tools do."""
    return private_file(folder / "wallet.json", json.dumps(list(bytes(keypair))))


@dataclass
class Stage:
    """A gateway in this process, its parts within reach."""

    folder: Path
    node: Node
    url: str
    clock: Clock
    trader: Trader = TRADER

    def __post_init__(self):
        """Open the gateway."""
        self.open()

    def open(self, live=False, **policy):
        """Put a gateway together, on the log that is there."""
        self.policy = load_policy(private_file(self.folder / "policy.toml", policy_text(**policy)))
        self.chain = Chain(Rpc(self.url, self.clock, timeout_s=2.0))
        self.venue = Venue(self.trader, self.chain, self.policy.limits)
        self.records = Records(
            self.folder / ("live.log" if live else "dry.log"), {"mode": "live" if live else "dry_run"}
        )
        self.following = Following(self.records, self.chain, self.venue, self.clock.now_ms, self.clock)
        wallet = load_wallet(str(key_file(self.folder))) if live else None
        now_ms = self.clock.now_ms
        self.acting = Acting(
            self.policy, self.records, self.venue, self.chain, now_ms, wallet=wallet, may_send=self.following.is_clear
        )
        mode = "live" if live else "dry_run"
        self.preflight = Preflight(self.policy, self.venue, self.chain, wait=lambda _: None)
        self.answering = Answering(
            mode, self.policy, self.venue, self.chain, self.records, self.acting, self.following, now_ms
        )
        return self

    def reopen(self, live=False, **policy):
        """Close the log as a dying process does, and start anew."""
        self.records.close()
        return self.open(live, **policy)

    def ask(self, op, **fields):
        """Return the body of the reply to one request, through the schema."""
        line = json.dumps({"v": 1, "op": op, "tag": 1, **fields}).encode()
        try:
            return self.answering.answer(read_request(line))
        except Refused as refused:
            return refusal_body(refused)

    def place(self, id="a", **changes):
        """Place an order, a modest limit one unless told otherwise."""
        return self.ask("place", **order(id, **changes))

    def look(self, blocks=0):
        """Make blocks and look after the open orders."""
        self.node.advance(blocks)
        self.following.look()


def order(id="a", **changes):
    """Return the fields of a modest limit order, changed as told; None leaves a field out."""
    fields = {
        "id": id,
        "valid_until_ms": NOW_MS + 10_000,
        "symbol": "SOL-PERP",
        "kind": "limit",
        "side": "long",
        "base_raw": 10**9,
        "reduce_only": False,
        "price_raw": ORACLE_PRICE_RAW,
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


on_both_programs = pytest.mark.parametrize("trader", ["drift_v2", "velocity"], indirect=True)


@pytest.fixture
def trader(request):
    """Return who trades, on Drift unless the test asks for another program."""
    return TRADERS[getattr(request, "param", "drift_v2")]


@pytest.fixture
def node(trader):
    """Return a chain with a venue on it."""
    return node_of(trader)


@pytest.fixture
def server(node):
    """Return the node's server, listening on loopback."""
    with NodeServer(node) as running:
        yield running


@pytest.fixture
def stage(tmp_path, node, server, trader):
    """Return a dry-run gateway in this process."""
    stage = Stage(tmp_path, node, server.url, Clock(), trader)
    yield stage
    stage.records.close()
