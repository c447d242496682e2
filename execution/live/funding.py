"""Funding at a venue that does not tell what it paid: reckoned from the market's settlement and what the desk holds."""

from domain.account import FundingPayment, VenueReport
from domain.funding import funding_payment_microusd
from domain.instrument import Instrument
from domain.market import FundingSettlement


def with_funding(
    report: VenueReport | None, settlement: FundingSettlement, told_lots: int, instrument: Instrument
) -> VenueReport | None:
    """Return a report with the funding of what was held before its fills.

    told_lots: what the desk holds once it has heard the report, signed.
    """
    fills = () if report is None else report.fills
    lots = told_lots - sum(int(fill.side) * fill.size_lots for fill in fills)
    if lots == 0:
        return report
    rate_1e9 = settlement.rate_quote_per_base_1e9
    payment = FundingPayment(
        symbol=instrument.symbol,
        position_lots=lots,
        rate_quote_per_base_1e9=rate_1e9,
        amount_microusd=funding_payment_microusd(rate_1e9, lots, instrument.lot_size_1e9),
        settled_ms=settlement.settled_ms,
        source=settlement.source,
    )
    if report is None:
        return VenueReport(funding=(payment,))
    return VenueReport(fills=report.fills, funding=(payment, *report.funding), rejections=report.rejections)
