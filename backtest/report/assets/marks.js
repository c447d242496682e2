// How entries and exits look in the price chart, and what the signs mean.

// Draws a deed and returns the height it is found at. A triangle points to the fill from outside; an exit is a ring.
function drawMark(ctx, deed, x, y, ratio) {
  const isEntry = deed.wayOut === null;
  const half = 5 * ratio;
  ctx.lineWidth = 1.8 * ratio;
  ctx.strokeStyle = colour("--sheet");
  if (!isEntry) {
    ctx.beginPath();
    ctx.arc(x, y, 4 * ratio, 0, 2 * Math.PI);
    ctx.fillStyle = colour("--sheet");
    ctx.fill();
    ctx.strokeStyle = colour(deed.trade !== null && netOf(deed.trade) > 0 ? "--gain" : "--loss");
    ctx.stroke();
    return y;
  }
  const tip = y + deed.side * 2 * ratio;
  const base = tip + deed.side * 9 * ratio;
  ctx.beginPath();
  ctx.moveTo(x, tip);
  ctx.lineTo(x - half, base);
  ctx.lineTo(x + half, base);
  ctx.closePath();
  ctx.fillStyle = colour("--ink");
  ctx.stroke();
  ctx.fill();
  return (tip + base) / 2;
}

// Where marks would hide the market: an entry is a faint dot, an exit one in the colour of its trade.
function drawDot(ctx, deed, x, y, ratio) {
  const isExit = deed.wayOut !== null;
  const name = isExit ? (deed.trade !== null && netOf(deed.trade) > 0 ? "--gain" : "--loss") : "--ink";
  ctx.fillStyle = faded(name, isExit ? 0.7 : 0.25);
  ctx.fillRect(x - ratio, y - ratio, 2 * ratio, 2 * ratio);
  return y;
}

function priceLegend(step_s) {
  const bars = `bars of ${span(step_s)}; farther out, low to high and the last price`;
  const regimes = data.regimes.map((name, code) => ["", { background: `var(--regime-${code})` }, name]);
  return [
    ["▲", { color: "var(--ink)" }, "long entry"],
    ["▼", { color: "var(--ink)" }, "short entry"],
    ["○", { color: "var(--gain)" }, "exit of a trade won"],
    ["○", { color: "var(--loss)" }, "exit of a trade lost"],
    ...regimes,
    ["", { background: "var(--band)" }, bars],
  ];
}
