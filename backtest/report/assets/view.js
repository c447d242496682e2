// The stretch of time that all time charts show, and the ways to change it.

const LEAST_SPAN_S = 10 * MINUTE_S;

class View {
  constructor(first, last) {
    this.first = first;
    this.last = Math.max(last, first + LEAST_SPAN_S);
    this.from = this.first;
    this.to = this.last;
    this.charts = [];
    this.told = [];
  }

  show(from, to) {
    const whole = this.last - this.first;
    const length = Math.min(Math.max(to - from, LEAST_SPAN_S), whole);
    const middle = (from + to) / 2;
    this.from = Math.min(Math.max(middle - length / 2, this.first), this.last - length);
    this.to = this.from + length;
    for (const chart of this.charts) chart.setScale("x", { min: this.from, max: this.to });
    for (const tell of this.told) tell();
  }

  all() {
    this.show(this.first, this.last);
  }

  move(share) {
    const step = (this.to - this.from) * share;
    this.show(this.from + step, this.to + step);
  }

  // Keeps the time at `share` of the width where it is.
  zoom(factor, share = 0.5) {
    const kept = this.from + (this.to - this.from) * share;
    const length = Math.min(Math.max((this.to - this.from) * factor, LEAST_SPAN_S), this.last - this.first);
    this.show(kept - length * share, kept + length * (1 - share));
  }
}

const KEYS = {
  ArrowLeft: (view) => view.move(-0.2),
  ArrowRight: (view) => view.move(0.2),
  "+": (view) => view.zoom(0.5),
  "=": (view) => view.zoom(0.5),
  "-": (view) => view.zoom(2),
  0: (view) => view.all(),
  Home: (view) => view.all(),
};

const BUTTONS = [
  ["Whole run", "Show the whole run", (view) => view.all()],
  ["−", "Zoom out", (view) => view.zoom(2)],
  ["+", "Zoom in", (view) => view.zoom(0.5)],
  ["◀", "Earlier", (view) => view.move(-0.4)],
  ["▶", "Later", (view) => view.move(0.4)],
];

function fillToolbar(bar, view) {
  for (const [label, meaning, act] of BUTTONS) {
    const button = make("button", { type: "button", "aria-label": meaning, title: meaning }, label);
    button.addEventListener("click", () => act(view));
    bar.append(button);
  }
  const range = make("span", { class: "range" });
  const tell = () => (range.textContent = `${when(view.from)} to ${when(view.to)}`);
  view.told.push(tell);
  bar.append(range);
  tell();
}
