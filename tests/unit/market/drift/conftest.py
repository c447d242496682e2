"""Drift's files in small: the archive's headers as its writer has them, and rows that say only what a test needs."""

import pytest

TRADE_HEADER = (
    "fillerReward,baseAssetAmountFilled,quoteAssetAmountFilled,takerFee,makerRebate,referrerReward,"
    "quoteAssetAmountSurplus,takerOrderBaseAssetAmount,takerOrderCumulativeBaseAssetAmountFilled,"
    "takerOrderCumulativeQuoteAssetAmountFilled,makerOrderBaseAssetAmount,makerOrderCumulativeBaseAssetAmountFilled,"
    "makerOrderCumulativeQuoteAssetAmountFilled,oraclePrice,makerFee,txSig,slot,ts,action,actionExplanation,"
    "marketIndex,marketType,filler,fillRecordId,taker,takerOrderId,takerOrderDirection,maker,makerOrderId,"
    "makerOrderDirection,spotFulfillmentMethodFee,programId"
)
FUNDING_HEADER = (
    "ts,txSig,recordId,slot,marketIndex,fundingRate,fundingRateLong,fundingRateShort,cumulativeFundingRateLong,"
    "cumulativeFundingRateShort,oraclePriceTwap,markPriceTwap,periodRevenue,baseAssetAmountWithAmm,"
    "baseAssetAmountWithUnsettledLp,programId"
)
NOON_S = 1_736_164_800  # 2025-01-06 12:00 UTC


def csv_line(header: str, **told: object) -> str:
    return ",".join(str(told.get(name, "")) for name in header.split(","))


@pytest.fixture(scope="session")
def trade_line():
    """Return a maker of one line of a tradeRecords file; what is not said is an ordinary fill."""

    def make(number: int, **told: object) -> str:
        usual = {
            "baseAssetAmountFilled": "2",
            "quoteAssetAmountFilled": "400.5",
            "oraclePrice": "199.99",
            "txSig": f"sig{number}",
            "slot": 1,
            "ts": NOON_S + number,
            "action": "fill",
            "marketIndex": 0,
            "marketType": "perp",
            "fillRecordId": number,
            "takerOrderDirection": "long",
        }
        return csv_line(TRADE_HEADER, **(usual | told))

    return make


@pytest.fixture(scope="session")
def trade_file(trade_line):
    """Return a maker of a tradeRecords file from lines; a whole number stands for an ordinary fill."""

    def make(*lines: int | str) -> bytes:
        rows = [trade_line(line) if isinstance(line, int) else line for line in lines]
        return "\n".join([TRADE_HEADER, *rows, ""]).encode()

    return make


@pytest.fixture(scope="session")
def funding_line():
    """Return a maker of one line of a fundingRateRecords file."""

    def make(number: int, **told: object) -> str:
        usual = {
            "ts": NOON_S + 3600 * number,
            "txSig": f"sig{number}",
            "recordId": number,
            "fundingRate": "0.001024958",
            "fundingRateLong": "0.001024958",
            "fundingRateShort": "0.000924958",
            "oraclePriceTwap": "84.693889",
            "markPriceTwap": "84.652352",
        }
        return csv_line(FUNDING_HEADER, **(usual | told))

    return make


@pytest.fixture(scope="session")
def funding_file(funding_line):
    """Return a maker of a fundingRateRecords file."""

    def make(*lines: int | str) -> bytes:
        rows = [funding_line(line) if isinstance(line, int) else line for line in lines]
        return "\n".join([FUNDING_HEADER, *rows, ""]).encode()

    return make
