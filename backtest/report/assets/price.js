// The price chart: regimes behind, candles or a band, entries and exits with their reasons.

const CANDLE_PX = 3;
const NEAR_PX = 14;
const PRICE_PX = 420;
const N_MOST_PATHS = 200;
const N_MOST_MARKS = 400;
const STRIP_PX = 12;
// More bars than these in a column of pixels, and its most frequent regime says little.
const MOST_TOLD = 60;

class PriceChart {
  constructor(view, markets) {
    this.view = view;
    this.markets = markets;
    this.market = markets[0];
    this.holder = document.getElementById("price-chart");
    const { readout, stage } = frame(this.holder, priceLegend(this.market.step_s));
    this.readout = readout;
    this.stage = stage;
    this.tip = make("div", { class: "tip", hidden: "" });
    this.live = make("p", { class: "live", "aria-live": "polite" });
    this.holder.append(this.live);
    this.marks = [];
    this.spoken = -1;
    const hooks = {
      drawClear: [() => this.drawRegimes()],
      draw: [() => this.drawPrices(), () => this.drawDeeds()],
      setCursor: [() => this.point()],
    };
    this.chart = timeChart(this.holder, stage, view, this.series(), {
      height: PRICE_PX,
      series: [{ paths: () => null, points: { show: false } }],
      hooks,
      write: compact,
      range: () => this.range(),
    });
    this.chart.over.append(this.tip);
    this.holder.addEventListener("keydown", (event) => this.step(event));
    this.name();
    this.read(null);
  }

  series() {
    // The chart itself only needs to know the times: the prices are drawn and measured here.
    return [this.market.at, this.market.close];
  }

  choose(number) {
    this.market = this.markets[number];
    this.spoken = -1;
    this.chart.setData(this.series(), false);
    this.view.show(this.view.from, this.view.to);
    this.chart.redraw(true, true);
    this.name();
    this.read(null);
  }

  name() {
    const market = this.market;
    const words = `${market.symbol}: ${market.at.length} bars of ${span(market.step_s)}, ${market.deeds.length} entries and exits`;
    describe(this.stage, words);
    this.holder.setAttribute("aria-label", `${words}. Arrow keys move, plus and minus zoom, n and p go from deed to deed.`);
  }

  columns() {
    const width = Math.round(this.chart ? this.chart.over.clientWidth : this.stage.clientWidth) || 1;
    const key = [this.view.from, this.view.to, width, this.market.symbol].join();
    if (this.key !== key) {
      this.key = key;
      this.shape = columnsOf(this.market, this.view.from, this.view.to, width);
    }
    return this.shape;
  }

  range() {
    const { low, high } = this.columns();
    if (low.length === 0) return [0, 1];
    const least = low.reduce((one, other) => Math.min(one, other)) * this.market.tick;
    const most = high.reduce((one, other) => Math.max(one, other)) * this.market.tick;
    const [bottom, top] = padded(least, most);
    return [bottom - (top - bottom) * 0.04, top];
  }

  x(second) {
    return this.chart.valToPos(second, "x", true);
  }

  y(ticks) {
    return this.chart.valToPos(ticks * this.market.tick, "y", true);
  }

  barPx() {
    return (this.chart.over.clientWidth * this.market.step_s) / (this.view.to - this.view.from);
  }

  // Below the prices, a strip of how much of each regime there was; behind them, bands where these can be told apart.
  drawRegimes() {
    const { bbox } = this.chart;
    const shape = this.columns();
    const areTold = shape.end - shape.first <= MOST_TOLD * shape.x.length;
    this.clipped((ctx) => {
      shape.counts.forEach((counts, place) => {
        const n_bars = counts.reduce((sum, count) => sum + count, 0);
        if (n_bars === 0) return;
        const left = bbox.left + shape.x[place] * uPlot.pxRatio;
        const wide = this.columnPx(shape, place) * uPlot.pxRatio;
        const most = counts.indexOf(Math.max(...counts));
        if (areTold) {
          ctx.fillStyle = faded(`--regime-${most}`, 0.2);
          ctx.fillRect(left, bbox.top, wide, bbox.height);
        }
        let top = bbox.top + bbox.height - STRIP_PX * uPlot.pxRatio;
        counts.forEach((count, code) => {
          const height = (count / n_bars) * STRIP_PX * uPlot.pxRatio;
          ctx.fillStyle = colour(`--regime-${code}`);
          ctx.fillRect(left, top, wide, height);
          top += height;
        });
      });
    });
  }

  // A column reaches to the next one, unless a gap lies between.
  columnPx(shape, place) {
    const toNext = shape.x[place + 1] - shape.x[place];
    const own = Math.max(this.barPx(), 1);
    return toNext <= own + 1 ? toNext : own;
  }

  clipped(draw) {
    const { ctx, bbox } = this.chart;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    draw(ctx);
    ctx.restore();
  }

  drawPrices() {
    this.clipped((ctx) => (this.barPx() >= CANDLE_PX ? this.drawCandles(ctx) : this.drawBand(ctx)));
  }

  drawCandles(ctx) {
    const market = this.market;
    const { first, end } = this.columns();
    const colours = [colour("--gain"), colour("--loss")];
    const gap = Math.max(this.barPx() * 0.15, 0.5) * uPlot.pxRatio;
    for (let place = first; place < end; place += 1) {
      const left = this.x(market.at[place]) + gap;
      const right = this.x(market.at[place] + market.step_s) - gap;
      const middle = Math.round((left + right) / 2);
      const [top, bottom] = [market.open[place], market.close[place]].map((ticks) => this.y(ticks)).sort((one, other) => one - other);
      ctx.fillStyle = colours[market.close[place] >= market.open[place] ? 0 : 1];
      ctx.fillRect(middle - 0.5 * uPlot.pxRatio, this.y(market.high[place]), uPlot.pxRatio, this.y(market.low[place]) - this.y(market.high[place]));
      ctx.fillRect(left, top, right - left, Math.max(bottom - top, uPlot.pxRatio));
    }
  }

  // Too many bars for candles: from the lowest to the highest price in each column of pixels, and the last as a line.
  drawBand(ctx) {
    const shape = this.columns();
    const { left } = this.chart.bbox;
    ctx.fillStyle = colour("--band");
    shape.x.forEach((column, place) => {
      const top = this.y(shape.high[place]);
      ctx.fillRect(left + column * uPlot.pxRatio, top, uPlot.pxRatio, Math.max(this.y(shape.low[place]) - top, uPlot.pxRatio));
    });
    ctx.strokeStyle = colour("--accent");
    ctx.lineWidth = uPlot.pxRatio;
    ctx.beginPath();
    shape.x.forEach((column, place) => ctx.lineTo(left + (column + 0.5) * uPlot.pxRatio, this.y(shape.last[place])));
    ctx.stroke();
  }

  drawDeeds() {
    const visible = this.market.deeds.filter((deed) => deed.at >= this.view.from && deed.at <= this.view.to);
    const ratio = uPlot.pxRatio;
    this.marks = [];
    this.clipped((ctx) => {
      if (visible.length <= N_MOST_PATHS) this.drawPaths(ctx, visible);
      for (const deed of visible) {
        const x = this.x(deed.at);
        const y = this.y(deed.ticks);
        const place = visible.length > N_MOST_MARKS ? drawDot(ctx, deed, x, y, ratio) : drawMark(ctx, deed, x, y, ratio);
        this.marks.push({ deed, x: (x - this.chart.bbox.left) / ratio, y: (place - this.chart.bbox.top) / ratio });
      }
    });
  }

  // From each exit back to its entry, also where that one lies outside.
  drawPaths(ctx, visible) {
    ctx.setLineDash([4 * uPlot.pxRatio, 3 * uPlot.pxRatio]);
    ctx.lineWidth = 1.2 * uPlot.pxRatio;
    for (const trade of new Set(visible.map((deed) => deed.trade))) {
      if (trade === null) continue;
      ctx.strokeStyle = colour(netOf(trade) > 0 ? "--gain" : "--loss");
      ctx.beginPath();
      ctx.moveTo(this.x(data.trades.opened_s[trade]), this.y(data.trades.entry[trade]));
      ctx.lineTo(this.x(data.trades.closed_s[trade]), this.y(data.trades.exit[trade]));
      ctx.stroke();
    }
    ctx.setLineDash([]);
  }

  point() {
    const { left, top } = this.chart.cursor;
    if (left === undefined || left < 0) {
      this.tip.hidden = true;
      this.read(null);
      return;
    }
    const second = this.chart.posToVal(left, "x");
    this.read(Math.max(placeOf(this.market.at, second + 1e-9) - 1, 0));
    let nearest = null;
    let least = NEAR_PX;
    for (const mark of this.marks) {
      const distance = Math.hypot(mark.x - left, mark.y - top);
      if (distance < least) [nearest, least] = [mark, distance];
    }
    if (nearest === null) this.tip.hidden = true;
    else this.explain(nearest);
  }

  explain(mark) {
    this.tip.textContent = deedInWords(this.market, mark.deed).join("\n");
    this.tip.hidden = false;
    this.read(Math.max(placeOf(this.market.at, mark.deed.at + 1e-9) - 1, 0));
    const { clientWidth, clientHeight } = this.chart.over;
    this.tip.style.left = `${Math.max(0, Math.min(mark.x + 14, clientWidth - this.tip.offsetWidth))}px`;
    const below = mark.y + 16;
    this.tip.style.top = `${below + this.tip.offsetHeight > clientHeight ? Math.max(0, mark.y - this.tip.offsetHeight - 16) : below}px`;
  }

  read(place) {
    const market = this.market;
    const shown = place === null ? market.at.length - 1 : place;
    if (shown < 0) {
      tell(this.readout, [[market.symbol, "no bar on record"]]);
      return;
    }
    const figures = ["open", "high", "low", "close"].map((name) => [name, price(market, market[name][shown])]);
    const regime = market.regime[shown] < 0 ? "warming up" : data.regimes[market.regime[shown]];
    tell(this.readout, [[market.symbol, when(market.at[shown])], ...figures, ["regime", regime]]);
  }

  step(event) {
    if (event.target !== this.holder || (event.key !== "n" && event.key !== "p")) return;
    const deeds = this.market.deeds;
    if (deeds.length === 0) return;
    const next = this.spoken < 0 ? placeOf(deeds.map((deed) => deed.at), this.view.from) : this.spoken + (event.key === "n" ? 1 : -1);
    this.spoken = Math.min(Math.max(next, 0), deeds.length - 1);
    this.visit(deeds[this.spoken]);
  }

  // Bring a deed to the middle, near enough for candles, and say what it was.
  visit(deed) {
    const length = Math.min(this.view.to - this.view.from, (this.chart.over.clientWidth / (CANDLE_PX * 1.6)) * this.market.step_s);
    this.view.show(deed.at - length / 2, deed.at + length / 2);
    this.live.textContent = deedInWords(this.market, deed).join(". ");
    requestAnimationFrame(() => {
      const mark = this.marks.find((one) => one.deed === deed);
      if (mark !== undefined) this.explain(mark);
    });
  }

  showTrade(trade) {
    const number = data.trades.market[trade];
    if (this.markets[number] !== this.market) {
      this.choose(number);
      this.picker.value = String(number);
    }
    const [from, to] = [data.trades.opened_s[trade], data.trades.closed_s[trade]];
    const margin = Math.max((to - from) * 0.6, 20 * this.market.step_s);
    this.view.show(from - margin, to + margin);
    this.holder.scrollIntoView({ block: "center" });
    this.holder.focus({ preventScroll: true });
    const deed = this.market.deeds.find((one) => one.trade === trade);
    requestAnimationFrame(() => {
      const mark = this.marks.find((one) => one.deed === deed);
      if (mark !== undefined) this.explain(mark);
    });
  }
}
