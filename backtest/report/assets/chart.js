// What every time chart has in common: its frame, axes, crosshair, keys and wheel.

const WHEEL_STEP = 1.25;

function frame(holder, legend) {
  const readout = make("div", { class: "readout" });
  const stage = make("div", { class: "stage" });
  const keys = make("ul", { class: "legend" });
  for (const [mark, style, text] of legend) {
    const swatch = make("i", { "aria-hidden": "true" }, mark);
    Object.assign(swatch.style, style);
    keys.append(make("li", {}, swatch, text));
  }
  holder.append(readout, stage, keys);
  return { readout, stage };
}

function tell(readout, parts) {
  readout.replaceChildren(...parts.map(([name, text]) => make("span", {}, `${name} `, make("b", {}, text))));
}

// From which distance of two marks on, what they say, and what they add where the day or the year begins.
const DAY_S = 1440 * MINUTE_S;
const TIME_MARKS = [
  [365 * DAY_S, "{YYYY}", null, null, null, null, null, null, 1],
  [28 * DAY_S, "{YYYY}-{MM}", null, null, null, null, null, null, 1],
  [DAY_S, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
  [1, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
];

function axis() {
  return { stroke: () => colour("--soft"), grid: { stroke: () => colour("--rule"), width: 1 }, ticks: { stroke: () => colour("--rule") } };
}

function valueAxis(write) {
  return { ...axis(), size: 74, values: (_, splits) => splits.map(write) };
}

// options: series, hooks, write (of the value axis), range (of the value scale), height.
function timeChart(holder, stage, view, columns, options) {
  const shown = {
    width: stage.clientWidth,
    height: options.height,
    tzDate: (second) => uPlot.tzDate(new Date(second * 1000), "Etc/UTC"),
    legend: { show: false },
    scales: { x: { time: true }, y: { range: options.range } },
    axes: [{ ...axis(), values: TIME_MARKS }, valueAxis(options.write)],
    series: [{}, ...options.series],
    cursor: {
      drag: { x: true, y: false, setScale: false, dist: 4 },
      points: { show: false },
      bind: { dblclick: () => () => view.all() },
      sync: { key: "run", scales: ["x", null], filters: { pub: isMove, sub: isMove } },
    },
    hooks: {
      ...options.hooks,
      setSelect: [(chart) => zoomToSelection(chart, view)],
    },
  };
  const chart = new uPlot(shown, columns, stage);
  view.charts.push(chart);
  chart.setScale("x", { min: view.from, max: view.to });
  new ResizeObserver(() => chart.setSize({ width: stage.clientWidth, height: options.height })).observe(stage);
  listen(holder, chart, view);
  return chart;
}

const isMove = (type) => type === "mousemove" || type === "mouseleave";

function zoomToSelection(chart, view) {
  const { left, width } = chart.select;
  if (width <= 0) return;
  chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  view.show(chart.posToVal(left, "x"), chart.posToVal(left + width, "x"));
}

function listen(holder, chart, view) {
  holder.tabIndex = 0;
  holder.setAttribute("role", "group");
  holder.addEventListener("keydown", (event) => {
    const act = KEYS[event.key];
    if (act === undefined || event.ctrlKey || event.metaKey || event.altKey || event.target !== holder) return;
    event.preventDefault();
    act(view);
  });
  // Only where the chart has the focus, or the page could not be scrolled past it.
  chart.over.addEventListener("mousedown", () => holder.focus({ preventScroll: true }));
  chart.over.addEventListener(
    "wheel",
    (event) => {
      if (document.activeElement !== holder && !event.ctrlKey) return;
      event.preventDefault();
      const share = event.offsetX / chart.over.clientWidth;
      view.zoom(event.deltaY > 0 ? WHEEL_STEP : 1 / WHEEL_STEP, share);
    },
    { passive: false },
  );
}

// A canvas says nothing to those who cannot see it: it is named in words.
function describe(stage, words) {
  const canvas = stage.querySelector("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", words);
}

const padded = (low, high) => {
  const margin = (high - low || Math.abs(high) || 1) * 0.05;
  return [low - margin, high + margin];
};
