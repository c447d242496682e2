"""Velocity's accounts, laid out from the structures of the program's source in their order; nothing of the gateway's.

Source: the public repository velocity-exchange/velocity-v1 at commit 0bbbddb4a94b224a0eaf684fcfd4d96f050129c4 (its
interface file, and programs/velocity/src/state/perp_market.rs), the newest stored one whose accounts have the sizes
that were seen on mainnet in August 2026. The AMM and the hedge at a market's end hold nothing that is read here and
stand as plain bytes, of the sizes that its source gives them.
"""

KINDS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "i64": 8, "u128": 16, "i16": 2, "i32": 4, "address": 32}
# A 128-bit integer is aligned to 8 bytes on the chain, to 16 on a host of today; the padding makes both equal.
CHAIN, HOST = 8, 16
BYTES_OF_THE_MARK = 8


def several(kind, *names):
    """Return fields of one kind."""
    return [(name, kind) for name in names]


FEE_STRUCTURE = [
    ("fee_tiers", ("u32", 80)),
    ("time_based_reward_lower_bound", "u128"),
    ("reward_fraction", ("u32", 2)),
    ("padding", ("u8", 8)),
    ("flat_filler_fee", "u64"),
    ("carveouts", ("u32", 2)),
]
POOL = [("scaled_balance", "u128"), ("market_index", "u16"), ("padding", ("u8", 14))]
ORACLE_HISTORY = [("history", ("i64", 6))]
STRUCTS = {
    "State": [
        ("admins_and_hot_keys", ("address", 13)),
        *several("address", "whitelist_mint", "discount_mint", "signer", "srm_vault"),
        ("perp_fee_structure", FEE_STRUCTURE),
        ("spot_fee_structure", FEE_STRUCTURE),
        ("price_divergence", ("u64", 2)),
        ("validity", ("i64", 4)),
        *several("u64", "number_of_authorities", "number_of_sub_accounts"),
        ("liquidation_margin_buffer_ratio", "u32"),
        *several("u16", "settlement_duration", "number_of_markets", "number_of_spot_markets"),
        *several("u8", "signer_nonce", "min_perp_auction_duration", "default_market_order_time_in_force"),
        *several("u8", "default_spot_auction_duration", "exchange_status", "liquidation_duration"),
        *several("u16", "initial_pct_to_liquidate", "max_number_of_sub_accounts", "max_initialize_user_fee"),
        *several("u8", "feature_bit_flags", "lp_pool_feature_bit_flags", "solvency_status"),
        *several("address", "protocol_fee_recipient_perp", "protocol_fee_recipient_spot"),
        *several("address", "hot_fee_withdraw", "hot_account_extension"),
        ("padding", ("u8", 239)),
        # The account is allotted 1,752 bytes, the structure takes 1,736 + 8: later commits make these padding too.
        ("allotted", ("u8", 8)),
    ],
    "PerpMarket": [
        ("pubkey", "address"),
        ("position_counters", ("u128", 11)),
        ("fee_ledger", ("u128", 6)),
        ("oracle", "address"),
        ("pnl_pool", POOL),
        ("protocol_fee_pool", POOL),
        ("protocol_liquidation_fee", "u32"),
        ("padding_buffer", ("u8", 4)),
        ("fee_pool_buffer_target", "u64"),
        ("name", ("u8", 32)),
        ("insurance_claim", ("i64", 5)),
        *several("i64", "last_funding_rate", "last_funding_rate_long", "last_funding_rate_short"),
        *several("i64", "last_funding_rate_ts", "net_unsettled_funding_pnl"),
        *several("u32", "funding_clamp_threshold", "funding_ramp_slope"),
        *several("u64", "order_step_size", "order_tick_size", "unrealized_pnl_max_imbalance"),
        *several("i64", "expiry_ts", "expiry_price"),
        *several("u64", "next_fill_record_id", "next_funding_rate_record_id"),
        *several("u32", "imf_factor", "unrealized_pnl_imf_factor", "liquidator_fee", "if_liquidation_fee"),
        *several("u32", "margin_ratio_initial", "margin_ratio_maintenance"),
        *several("u32", "unrealized_pnl_initial_asset_weight", "unrealized_pnl_maintenance_asset_weight"),
        *several("u32", "number_of_users_with_base", "number_of_users"),
        ("market_index", "u16"),
        *several("u8", "status", "contract_type", "contract_tier", "paused_operations"),
        ("quote_spot_market_index", "u16"),
        ("fee_adjustment", "i16"),
        ("padding_align_lfp", ("u8", 6)),
        ("last_fill_price", "u64"),
        ("pool_id", "u8"),
        ("padding_pmm", ("u8", 2)),
        ("padding_hedge", ("u8", 5)),
        *several("u8", "market_config", "oracle_source", "oracle_slot_delay_override"),
        ("oracle_low_risk_slot_delay_override", "u8"),
        ("bankruptcy_if_floor_pct", "u32"),
        (
            "market_stats",
            [
                *several("u64", "last_mark_price_twap", "last_mark_price_twap_5min"),
                ("last_mark_price_twap_ts", "i64"),
                *several("u64", "last_bid_price_twap", "last_ask_price_twap", "mark_std", "oracle_std"),
                *several("u64", "last_oracle_conf_pct", "volume_24h", "long_intensity_volume"),
                ("short_intensity_volume", "u64"),
                *several("i64", "last_trade_ts", "last_24h_avg_funding_rate", "funding_period"),
                ("min_order_size", "u64"),
                ("mm_oracle_price", "i64"),
                *several("u64", "mm_oracle_slot", "mm_oracle_sequence_id"),
                ("last_oracle_normalised_price", "i64"),
                ("last_reference_price_offset", "i32"),
                ("last_oracle_valid", "u8"),
                ("padding", ("u8", 3)),
                ("last_funding_oracle_twap", "i64"),
                ("historical_oracle_data", ORACLE_HISTORY),
            ],
        ),
        ("pending_revenue_share", "u64"),
        ("amm", [("fee_pool", POOL), ("reserves_and_totals", ("u128", 17)), ("rest", ("u64", 10))]),
        ("hedge_config", ("u8", 16)),
    ],
    "SpotMarket": [
        *several("address", "pubkey", "oracle", "mint", "vault"),
        ("name", ("u8", 32)),
        (
            "insurance_fund",
            [("vault", "address"), ("shares", ("u128", 3)), ("periods", ("i64", 3)), ("factors", ("u32", 2))],
        ),
        ("balances", ("u128", 7)),
        ("revenue_pool", POOL),
        ("spot_fee_pool", POOL),
        ("historical_oracle_data", ORACLE_HISTORY),
        ("historical_index_data", ("u64", 5)),
        ("limits_and_steps", ("u64", 14)),
        ("weights_fees_and_rates", ("u32", 10)),
        ("decimals", "u32"),
        ("market_index", "u16"),
        *several("u8", "orders_enabled", "oracle_source", "status", "asset_tier"),
        *several("u8", "paused_operations", "if_paused_operations"),
        ("fee_adjustment", "i16"),
        ("max_token_borrows_fraction", "u16"),
        *several("u64", "flash_loan_amount", "flash_loan_initial_token_amount", "total_swap_fee"),
        ("scale_initial_asset_weight_start", "u64"),
        *several("u8", "min_borrow_rate", "token_program_flag", "pool_id", "padding_align_pfp"),
        *several("u16", "withdraw_circuit_breaker_bps", "max_deposit_bps_per_day"),
        ("deposit_guard_threshold", "u64"),
        ("protocol_fee_pool", POOL),
        *several("u32", "protocol_liquidation_fee", "protocol_fee_factor"),
        ("if_last_settle_vault_amount", "u64"),
    ],
    "User": [
        *several("address", "authority", "delegate"),
        ("name", ("u8", 32)),
        (
            "spot_positions",
            (
                [
                    ("scaled_balance", "u64"),
                    *several("i64", "open_bids", "open_asks", "cumulative_deposits"),
                    ("market_index", "u16"),
                    *several("u8", "balance_type", "open_orders"),
                    ("padding", ("u8", 4)),
                ],
                8,
            ),
        ),
        (
            "perp_positions",
            (
                [
                    *several("i64", "last_cumulative_funding_rate", "base_asset_amount", "quote_asset_amount"),
                    *several("i64", "quote_break_even_amount", "quote_entry_amount", "open_bids", "open_asks"),
                    ("settled_pnl", "i64"),
                    ("isolated_position_scaled_balance", "u64"),
                    ("padding", ("u8", 2)),
                    *several("u16", "max_margin_ratio", "market_index"),
                    *several("u8", "open_orders", "position_flag"),
                ],
                8,
            ),
        ),
        (
            "orders",
            (
                [
                    *several("u64", "slot", "price", "base_asset_amount", "base_asset_amount_filled"),
                    *several("u64", "quote_asset_amount_filled", "trigger_price"),
                    *several("i64", "auction_start_price", "auction_end_price", "max_ts", "oracle_price_offset"),
                    ("order_id", "u32"),
                    ("market_index", "u16"),
                    *several("u8", "status", "order_type", "market_type", "user_order_id"),
                    *several("u8", "existing_position_direction", "direction", "reduce_only", "post_only"),
                    *several("u8", "immediate_or_cancel", "trigger_condition", "auction_duration"),
                    *several("u8", "posted_slot_tail", "bit_flags"),
                    ("padding", ("u8", 5)),
                ],
                32,
            ),
        ),
        *several("u64", "total_deposits", "total_withdraws", "total_social_loss"),
        *several("i64", "settled_perp_pnl", "cumulative_spot_fees", "cumulative_perp_funding"),
        *several("u64", "liquidation_margin_freed", "last_active_slot"),
        *several("u32", "next_order_id", "max_margin_ratio"),
        *several("u16", "next_liquidation_id", "sub_account_id"),
        *several("u8", "status", "is_margin_trading_enabled", "idle", "open_orders", "has_open_order"),
        *several("u8", "open_auctions", "has_open_auction", "pool_id", "special_user_status"),
        ("padding", ("u8", 3)),
        *several("u64", "equity_floor", "equity_floor_buffer"),
    ],
    "PythLazerOracle": [
        ("price", "i64"),
        *several("u64", "publish_time", "posted_slot"),
        ("exponent", "i32"),
        ("padding", ("u8", 4)),
        ("conf", "u64"),
    ],
}
ROWS = {"User": ("spot_positions", "perp_positions", "orders")}
# What the tests call a field, where the program's source calls it otherwise.
CALLED = {
    "PerpMarket": {
        "base_step": "order_step_size",
        "price_step": "order_tick_size",
        "least_base": "market_stats.min_order_size",
        "quote_spot_market": "quote_spot_market_index",
    },
    "PythLazerOracle": {"publish_time_us": "publish_time", "confidence": "conf"},
}


def size_and_alignment(kind, wide=CHAIN):
    """Return the bytes that a kind takes in `repr(C)`, and its alignment; wide: the alignment of 128 bits."""
    if isinstance(kind, str):
        return KINDS[kind], 1 if kind == "address" else min(KINDS[kind], wide)
    if isinstance(kind, tuple):
        size, alignment = size_and_alignment(kind[0], wide)
        return size * kind[1], alignment
    end, widest = 0, 1
    for _, inner in kind:
        size, alignment = size_and_alignment(inner, wide)
        end, widest = -(-end // alignment) * alignment + size, max(widest, alignment)
    return -(-end // widest) * widest, widest


def places(fields, wide=CHAIN, base=0, before=""):
    """Return {name: (offset, kind)} of a structure's fields, those of inner ones under `outer.inner`."""
    found, at = {}, 0
    for name, kind in fields:
        size, alignment = size_and_alignment(kind, wide)
        at = -(-at // alignment) * alignment
        found[before + name] = (base + at, kind)
        if isinstance(kind, list):
            found |= places(kind, wide, base + at, f"{before}{name}.")
        at += size
    return found


def layout(name, wide=CHAIN):
    """Return one account as the tests' writer takes it: its bytes, its fields, its rows."""
    found = places(STRUCTS[name], wide, BYTES_OF_THE_MARK)
    called = {theirs: ours for ours, theirs in CALLED.get(name, {}).items()}
    rows = {}
    for row in ROWS.get(name, ()):
        offset, (fields, count) = found.pop(row)
        inner = {field: list(where) for field, where in places(fields, wide).items() if isinstance(where[1], str)}
        rows[row] = [offset, count, size_and_alignment(fields, wide)[0], inner]
    fields = {called.get(field, field): list(where) for field, where in found.items() if isinstance(where[1], str)}
    return {"bytes": BYTES_OF_THE_MARK + size_and_alignment(STRUCTS[name], wide)[0], "fields": fields, "rows": rows}


LAYOUTS = {name: layout(name) for name in STRUCTS}
