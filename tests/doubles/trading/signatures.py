"""Who has signed a Hyperliquid action: the hash of EIP-712 spelt out, and the address recovered from the signature."""

from functools import cache
from typing import Any

import msgspec
from ccxt.static_dependencies import keccak
from coincurve import PublicKey

DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
AGENT = "Agent(string source,bytes32 connectionId)"
CHAIN_ID = 1337


@cache
def hashed(data: bytes | str) -> bytes:
    return bytes(keccak.SHA3(data.encode() if isinstance(data, str) else data))


def address_of(public_key: PublicKey) -> str:
    return "0x" + hashed(public_key.format(compressed=False)[1:])[-20:].hex()


def signer_of(request: dict[str, Any], *, is_testnet: bool) -> str:
    """Return the address whose key has signed a request as it stands, which may be anybody's."""
    told = request["signature"]
    signature = b"".join(int(told[name], 16).to_bytes(32, "big") for name in ("r", "s"))
    digest = _digest(_connection(request), "b" if is_testnet else "a")
    key = PublicKey.from_signature_and_message(signature + bytes([told["v"] - 27]), digest, hasher=None)
    return address_of(key)


def _connection(request: dict[str, Any]) -> bytes:
    """Return the hash of what is asked: the action as it is packed, its nonce, no vault, and its end."""
    data = msgspec.msgpack.encode(request["action"]) + request["nonce"].to_bytes(8, "big") + b"\x00"
    if request.get("expiresAfter") is not None:
        data += b"\x00" + request["expiresAfter"].to_bytes(8, "big")
    return hashed(data)


def _digest(connection: bytes, source: str) -> bytes:
    domain = hashed(hashed(DOMAIN) + hashed("Exchange") + hashed("1") + CHAIN_ID.to_bytes(32, "big") + bytes(32))
    return hashed(b"\x19\x01" + domain + hashed(hashed(AGENT) + hashed(source) + connection))
