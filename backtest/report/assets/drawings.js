// Small still charts of the trades, as SVG: results, excursions, hours, sums, costs.

const SVG = "http://www.w3.org/2000/svg";
const DRAWING_PX = 250;
const EDGE = { left: 52, right: 12, top: 10, bottom: 34 };

function shape(name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.append(text);
  return node;
}

// An axis' round steps: 1, 2 or 5 times a power of ten, about `wanted` of them.
function steps(low, high, wanted) {
  const raw = (high - low || 1) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= raw);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) found.push(Math.abs(at) < step * 1e-9 ? 0 : at);
  return found;
}

class Drawing {
  constructor(holder, title, x, y, names) {
    this.width = Math.max(holder.clientWidth - 24, 240);
    this.svg = shape("svg", { role: "img", height: DRAWING_PX, viewBox: `0 0 ${this.width} ${DRAWING_PX}`, "aria-label": holder.getAttribute("aria-label") });
    this.reading = make("p", { class: "reading" }, names.hint ?? "");
    holder.replaceChildren(make("figcaption", {}, title), this.svg, this.reading);
    this.px = scale(x, EDGE.left, this.width - EDGE.right);
    this.py = scale(y, DRAWING_PX - EDGE.bottom, EDGE.top);
    this.axes(x, y, names);
  }

  axes(x, y, names) {
    const floor = DRAWING_PX - EDGE.bottom;
    for (const at of steps(...y, 5)) {
      this.add("line", { class: at === 0 ? "zero" : "axis", x1: EDGE.left, x2: this.width - EDGE.right, y1: this.py(at), y2: this.py(at) });
      this.add("text", { x: EDGE.left - 6, y: this.py(at) + 4, "text-anchor": "end" }, compact(at));
    }
    for (const at of names.ticks ?? steps(...x, this.width / 90)) {
      this.add("text", { x: this.px(at), y: floor + 14, "text-anchor": "middle" }, (names.write ?? compact)(at));
    }
    this.add("text", { x: this.width - EDGE.right, y: DRAWING_PX - 4, "text-anchor": "end" }, names.x);
  }

  add(name, attributes, text) {
    const node = shape(name, attributes, text);
    this.svg.append(node);
    return node;
  }

  bar(from, to, value, words) {
    const [left, right] = [this.px(from), this.px(to)];
    const [top, bottom] = [this.py(Math.max(value.height, 0)), this.py(Math.min(value.height, 0))];
    const node = this.add("rect", { class: value.kind, x: left + 1, width: Math.max(right - left - 2, 1), y: top, height: Math.max(bottom - top, 0.5) });
    node.append(shape("title", {}, words));
    node.addEventListener("mouseenter", () => (this.reading.textContent = words));
  }
}

const scale = ([low, high], from, to) => (value) => from + ((value - low) / (high - low || 1)) * (to - from);
const kindOf = (value) => (value > 0 ? "gain" : value < 0 ? "loss" : "flat");
const withZero = (values) => [values.reduce((one, other) => Math.min(one, other), 0), values.reduce((one, other) => Math.max(one, other), 0)];

function drawResults() {
  const holder = document.getElementById("results-drawing");
  const results = data.trades.r.filter((r) => r !== null);
  if (results.length === 0) return empty(holder);
  const [low, high] = withZero(results);
  const width = [0.1, 0.25, 0.5, 1, 2, 5, 10, 100].find((step) => (high - low) / step <= 40) ?? (high - low) / 40;
  const first = Math.floor(low / width);
  const counts = new Array(Math.floor(high / width) - first + 1).fill(0);
  for (const r of results) counts[Math.floor(r / width) - first] += 1;
  const edges = [first * width, (first + counts.length) * width];
  const most = counts.reduce((one, other) => Math.max(one, other));
  const drawing = new Drawing(holder, "Distribution of results", edges, [0, most * 1.05], { x: "net result in R" });
  counts.forEach((count, place) => {
    const from = (first + place) * width;
    const words = `${fixed(from, 2, true)} to ${fixed(from + width, 2, true)} R: ${count} trade${count === 1 ? "" : "s"}`;
    if (count > 0) drawing.bar(from, from + width, { height: count, kind: from >= 0 ? "gain" : "loss" }, words);
  });
}

function drawExcursions() {
  const holder = document.getElementById("excursions-drawing");
  const { mae_bps: worst, mfe_bps: best } = data.trades;
  if (worst.length === 0) return empty(holder);
  const names = { x: "worst excursion (MAE), bps", hint: "Up: best excursion (MFE), bps. Green was won, red was lost." };
  const most = (values) => [0, values.reduce((one, other) => Math.max(one, other), 1) * 1.05];
  const drawing = new Drawing(holder, "Worst against best excursion", most(worst), most(best), names);
  for (const kind of ["gain", "loss"]) {
    const mine = worst.map((_, trade) => trade).filter((trade) => netOf(trade) > 0 === (kind === "gain"));
    const dots = mine.map((trade) => `M${drawing.px(worst[trade]).toFixed(1)} ${drawing.py(best[trade]).toFixed(1)}h0`);
    drawing.add("path", { class: `dots ${kind}`, d: dots.join("") });
  }
  drawing.svg.addEventListener("mousemove", (event) => {
    const box = drawing.svg.getBoundingClientRect();
    const share = drawing.width / box.width;
    const [x, y] = [(event.clientX - box.left) * share, (event.clientY - box.top) * share];
    const distance = (trade) => Math.hypot(drawing.px(worst[trade]) - x, drawing.py(best[trade]) - y);
    const near = worst.reduce((least, _, trade) => (distance(trade) < distance(least) ? trade : least), 0);
    drawing.reading.textContent = `Trade ${near + 1}: MAE ${worst[near]} bps, MFE ${best[near]} bps, ${money(netOf(near))} USD net`;
  });
}

function drawHours() {
  const holder = document.getElementById("hours-drawing");
  const { opened_s: opened } = data.trades;
  if (opened.length === 0) return empty(holder);
  const nets = new Array(24).fill(0);
  const counts = new Array(24).fill(0);
  opened.forEach((second, trade) => {
    const hour = Math.floor((second % 86400) / 3600);
    nets[hour] += netOf(trade) / MICROUSD_PER_USD;
    counts[hour] += 1;
  });
  const names = { x: "hour of entry, UTC", ticks: [0, 3, 6, 9, 12, 15, 18, 21], write: (hour) => `${String(hour).padStart(2, "0")}:00` };
  const drawing = new Drawing(holder, "Net result by hour of entry, USD", [0, 24], padded(...withZero(nets)), names);
  nets.forEach((net, hour) => {
    if (counts[hour] > 0) drawing.bar(hour, hour + 1, { height: net, kind: kindOf(net) }, `${names.write(hour)}: ${usd(net, true)} in ${counts[hour]} trades`);
  });
}

function drawSums() {
  const holder = document.getElementById("sums-drawing");
  const results = data.trades.r.map((r) => r ?? 0);
  if (results.length === 0) return empty(holder);
  const sums = Array.from(summed(results));
  const names = { x: "trades in the order they closed", hint: `After ${sums.length} trades: ${result(sums.at(-1))}` };
  const drawing = new Drawing(holder, "Sum of results in R", [0, sums.length], padded(...withZero(sums)), names);
  const line = sums.map((sum, place) => `L${drawing.px(place + 1).toFixed(1)} ${drawing.py(sum).toFixed(1)}`);
  drawing.add("path", { class: "line", d: `M${drawing.px(0)} ${drawing.py(0)}${line.join("")}` });
}

// From what the positions moved, less what each part cost, to the net: each bar begins where the one before ended.
function drawCosts() {
  const holder = document.getElementById("costs-drawing");
  const { moves, slippage, fees, funding, net } = data.costs;
  const parts = [["moves", moves], ["slippage", -slippage], ["fees", -fees], ["funding", funding]];
  const ends = Array.from(summed(parts.map(([, change]) => change / MICROUSD_PER_USD)));
  const ticks = [0.5, 1.5, 2.5, 3.5, 4.5];
  const names = { x: "", ticks, write: (at) => [...parts.map(([name]) => name), "net"][Math.floor(at)] };
  const drawing = new Drawing(holder, "From moves to net, USD", [0, 5], padded(...withZero(ends)), names);
  parts.forEach(([name, change], place) => {
    const [from, to] = [place === 0 ? 0 : ends[place - 1], ends[place]];
    const top = drawing.py(Math.max(from, to));
    const node = drawing.add("rect", {
      class: kindOf(change), x: drawing.px(place + 0.15), width: drawing.px(0.7) - drawing.px(0), y: top,
      height: Math.max(drawing.py(Math.min(from, to)) - top, 1),
    });
    node.append(shape("title", {}, `${name}: ${money(change)} USD`));
  });
  drawing.bar(4.15, 4.85, { height: net / MICROUSD_PER_USD, kind: kindOf(net) }, `net: ${money(net)} USD`);
}

function empty(holder) {
  holder.replaceChildren(make("p", { class: "reading" }, "No trade was closed."));
}

function drawAll() {
  for (const draw of [drawResults, drawExcursions, drawHours, drawSums, drawCosts]) draw();
}
