// One market's bars and deeds, unpacked, and what they come to in columns of pixels.

function unpackedMarket(packed, number) {
  const n_bars = packed.open.length;
  const [open, high, low, close] = Array.from({ length: 4 }, () => new Float64Array(n_bars));
  let last = 0;
  for (let place = 0; place < n_bars; place += 1) {
    open[place] = last + packed.open[place];
    last = open[place] + packed.close[place];
    close[place] = last;
    high[place] = Math.max(open[place], last) + packed.high[place];
    low[place] = Math.min(open[place], last) - packed.low[place];
  }
  const at = summed(unrolled(packed.opens));
  return { ...packed, at, open, high, low, close, regime: Int8Array.from(unrolled(packed.regime)), deeds: deedsOf(number) };
}

function deedsOf(market) {
  const all = data.deeds;
  const deeds = [];
  for (let place = 0; place < all.at_s.length; place += 1) {
    if (all.market[place] !== market) continue;
    deeds.push({
      at: all.at_s[place],
      side: all.side[place],
      ticks: all.price[place],
      lots: all.lots[place],
      wayOut: all.way_out[place] === null ? null : data.words[all.way_out[place]],
      why: data.words[all.why[place]],
      tick: all.tick_no[place],
      trade: all.trade[place],
    });
  }
  return deeds;
}

function netOf(trade) {
  return data.trades.gross[trade] - data.trades.fees[trade] + data.trades.funding[trade];
}

function circumstances(trade) {
  const { regime, conviction, risk } = data.trades;
  const parts = [`Regime ${data.words[regime[trade]]}`, `conviction ${fixed(conviction[trade], 2)}`];
  return [...parts, `at risk ${usd(risk[trade] / MICROUSD_PER_USD)}`].join(", ");
}

function deedInWords(market, deed) {
  const amount = `${size(market, deed.lots)} at ${price(market, deed.ticks)}`;
  const lines = [when(deed.at)];
  if (deed.wayOut === null) lines.push(`${deed.side > 0 ? "Long" : "Short"} entry: ${deed.side > 0 ? "bought" : "sold"} ${amount}`);
  else lines.push(`Exit by ${deed.wayOut}: ${deed.side > 0 ? "bought" : "sold"} ${amount}`);
  lines.push(`Why: ${deed.why}${deed.tick === null ? "" : ` (tick ${deed.tick})`}`);
  if (deed.trade === null) return [...lines, "The position is still open"];
  if (deed.wayOut === null) lines.push(circumstances(deed.trade));
  lines.push(`Trade ${deed.trade + 1}: ${money(netOf(deed.trade))} USD net, ${result(data.trades.r[deed.trade])}`);
  return lines;
}

// What the visible bars come to, a column of pixels at a time: lowest, highest, last price, how many of each regime.
function columnsOf(market, from, to, width) {
  const first = placeOf(market.at, from - market.step_s);
  const end = placeOf(market.at, to);
  const columns = { x: [], low: [], high: [], last: [], counts: [], first, end };
  const seconds = (to - from) / Math.max(width, 1);
  for (let place = first; place < end; ) {
    const column = Math.floor((market.at[place] - from) / seconds);
    const stop = Math.max(placeOf(market.at, from + (column + 1) * seconds), place + 1);
    const counts = new Array(data.regimes.length).fill(0);
    let low = Infinity;
    let high = -Infinity;
    for (; place < stop; place += 1) {
      if (market.low[place] < low) low = market.low[place];
      if (market.high[place] > high) high = market.high[place];
      if (market.regime[place] >= 0) counts[market.regime[place]] += 1;
    }
    columns.x.push(column);
    columns.low.push(low);
    columns.high.push(high);
    columns.last.push(market.close[stop - 1]);
    columns.counts.push(counts);
  }
  return columns;
}
