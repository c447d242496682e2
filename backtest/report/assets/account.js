// The account over time: equity, drawdown, exposure.

function unpackedAccount(packed) {
  const scaled = (values, factor) => Float64Array.from(values, (value) => value * factor);
  return {
    at: summed(packed.at_s),
    equity: scaled(summed(packed.equity), packed.unit_usd),
    starting: packed.starting * packed.unit_usd,
    drawdown: scaled(packed.drawdown_ppm, -1 / PPM_PER_PERCENT),
    gross: scaled(unrolled(packed.gross_ppm), 1 / PPM_PER_PERCENT),
    net: scaled(unrolled(packed.net_ppm), 1 / PPM_PER_PERCENT),
  };
}

function drawAccount(account, view) {
  drawLine("equity-chart", account, view, {
    height: 280,
    columns: [account.equity],
    series: [{ stroke: () => colour("--accent"), width: 1.5, points: { show: false } }],
    legend: [["", { background: "var(--accent)" }, "equity, open positions at mark"]],
    read: (place) => [["Equity", usd(account.equity[place])], ["since start", usd(account.equity[place] - account.starting, true)]],
    write: (value) => fixed(value, 0),
    range: (_, low, high) => padded(low ?? account.starting, high ?? account.starting),
    words: `Equity from ${usd(account.starting)} to ${usd(account.equity.at(-1))}`,
  });
  drawLine("drawdown-chart", account, view, {
    height: 150,
    columns: [account.drawdown],
    series: [{ stroke: () => colour("--loss"), fill: () => faded("--loss", 0.2), width: 1, points: { show: false } }],
    legend: [["", { background: "var(--loss)" }, "fall from the highest equity"]],
    read: (place) => [["Drawdown", percent(account.drawdown[place])]],
    write: (value) => `${fixed(value, 1)} %`,
    range: (_, low) => [Math.min(low ?? 0, -0.1) * 1.05, 0],
    words: `Drawdown, at worst ${percent(-account.drawdown.reduce((worst, value) => Math.min(worst, value), 0))}`,
  });
  const stepped = { paths: uPlot.paths.stepped({ align: -1 }), width: 1.2, points: { show: false } };
  drawLine("exposure-chart", account, view, {
    height: 150,
    columns: [account.gross, account.net],
    series: [
      { ...stepped, stroke: () => colour("--soft"), fill: () => faded("--soft", 0.12) },
      { ...stepped, stroke: () => colour("--accent") },
    ],
    legend: [["", { background: "var(--soft)" }, "gross notional over equity"], ["", { background: "var(--accent)" }, "net: long less short"]],
    read: (place) => [["Exposure gross", percent(account.gross[place])], ["net", percent(account.net[place], true)]],
    write: (value) => `${fixed(value, 0)} %`,
    range: (_, low, high) => padded(Math.min(low ?? 0, 0), Math.max(high ?? 1, 1)),
    words: "Exposure over equity, gross and net",
  });
}

function drawLine(id, account, view, options) {
  const holder = document.getElementById(id);
  const { readout, stage } = frame(holder, options.legend);
  const read = (place) => tell(readout, [["", when(account.at[place])], ...options.read(place)]);
  const hooks = { setCursor: [(chart) => read(chart.cursor.idx ?? account.at.length - 1)] };
  timeChart(holder, stage, view, [account.at, ...options.columns], { ...options, hooks });
  describe(stage, options.words);
  holder.setAttribute("aria-label", `${options.words}. Arrow keys move, plus and minus zoom, 0 shows all.`);
  read(account.at.length - 1);
}
