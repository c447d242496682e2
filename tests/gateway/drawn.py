"""Orders drawn at random."""

from hypothesis import strategies as st

u64 = st.integers(0, 2**64 - 1)
i64 = st.integers(-(2**63), 2**63 - 1)


def orders(kind, offset_bits=32):
    """Return every order of a kind that can be encoded at all, far beyond what the schema lets through.

    offset_bits: how wide the program takes an offset from the oracle.
    """
    needs = {
        "limit": {"price_raw": u64, "post_only": st.sampled_from([None, "must", "try", "slide"])},
        "ioc": {"price_raw": u64},
        "market": {"price_raw": u64},
        "oracle": {"oracle_offset_raw": st.integers(-(2 ** (offset_bits - 1)), 2 ** (offset_bits - 1) - 1)},
        "trigger_market": {"trigger_price_raw": u64, "trigger_when": st.sampled_from(["above", "below"])},
        "trigger_limit": {
            "trigger_price_raw": u64,
            "trigger_when": st.sampled_from(["above", "below"]),
            "price_raw": u64,
        },
    }[kind]
    if kind in {"market", "oracle"}:
        needs |= {"auction_slots": st.integers(0, 255), "auction_start_raw": i64, "auction_end_raw": i64}
    always = {
        "kind": st.just(kind),
        "side": st.sampled_from(["long", "short"]),
        "base_raw": u64,
        "reduce_only": st.booleans(),
        "max_ts_s": st.none() | i64,
    }
    return st.fixed_dictionaries({**always, **needs})
