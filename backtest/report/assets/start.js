// Draws everything once, and again when the width or the colours change.

function start() {
  const account = unpackedAccount(data.account);
  const markets = data.markets.map(unpackedMarket);
  const view = new View(account.at[0] - MINUTE_S, account.at.at(-1));
  drawAccount(account, view);
  const prices = new PriceChart(view, markets);
  const bars = document.querySelectorAll("[data-toolbar]");
  for (const bar of bars) fillToolbar(bar, view);
  prices.picker = marketPicker(markets, prices);
  if (markets.length > 1) bars[bars.length - 1].prepend(prices.picker);
  drawAll();
  new TradeList(document.getElementById("trade-list"), markets, (trade) => prices.showTrade(trade));
  redrawOnChange(view);
}

function marketPicker(markets, prices) {
  const options = markets.map((market, number) => make("option", { value: String(number) }, market.symbol));
  const picker = make("select", { "aria-label": "Market shown" }, ...options);
  picker.addEventListener("change", () => prices.choose(Number(picker.value)));
  return picker;
}

function redrawOnChange(view) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    palette.clear();
    for (const chart of view.charts) chart.redraw(false, true);
  });
  let width = document.body.clientWidth;
  addEventListener("resize", () => {
    if (document.body.clientWidth === width) return;
    width = document.body.clientWidth;
    drawAll();
  });
}

start();
