// The list of closed trades: sorted by any column, narrowed by a word, a page at a time.

const N_ROWS = 50;

function tradeColumns(markets) {
  const trades = data.trades;
  const word = (name) => (trade) => data.words[trades[name][trade]];
  const cash = (name, value) => ({ name, value, write: (trade) => money(value(trade)), isSigned: true });
  const market = (trade) => markets[trades.market[trade]];
  return [
    { name: "#", value: (trade) => trade, write: (trade) => String(trade + 1), isName: true },
    { name: "opened, UTC", value: (trade) => trades.opened_s[trade], write: (trade) => when(trades.opened_s[trade]).slice(0, 16) },
    { name: "side", value: (trade) => (trades.side[trade] > 0 ? "long" : "short"), kind: "code" },
    cash("net USD", netOf),
    { name: "R", value: (trade) => trades.r[trade] ?? -Infinity, write: (trade) => (trades.r[trade] === null ? "–" : fixed(trades.r[trade], 2, true)), isSigned: true },
    { name: "market", value: (trade) => market(trade).symbol, kind: "code" },
    { name: "strategy", value: word("strategy"), kind: "code" },
    { name: "regime", value: word("regime"), kind: "code" },
    { name: "way out", value: word("way_out"), kind: "code" },
    { name: "size", value: (trade) => trades.lots[trade] * market(trade).lot, write: (trade) => size(market(trade), trades.lots[trade]) },
    { name: "entry", value: (trade) => trades.entry[trade] * market(trade).tick, write: (trade) => price(market(trade), trades.entry[trade]) },
    { name: "exit", value: (trade) => trades.exit[trade] * market(trade).tick, write: (trade) => price(market(trade), trades.exit[trade]) },
    { name: "held", value: (trade) => trades.closed_s[trade] - trades.opened_s[trade], write: (trade) => span(trades.closed_s[trade] - trades.opened_s[trade]) },
    { name: "why entered, why left", value: (trade) => `${word("entry_why")(trade)} → ${word("exit_why")(trade)}`, kind: "words" },
    cash("gross USD", (trade) => trades.gross[trade]),
    cash("fees USD", (trade) => -trades.fees[trade]),
    cash("slippage USD", (trade) => -trades.slippage[trade]),
    cash("funding USD", (trade) => trades.funding[trade]),
    { name: "MAE bps", value: (trade) => trades.mae_bps[trade], write: (trade) => fixed(trades.mae_bps[trade], 1) },
    { name: "MFE bps", value: (trade) => trades.mfe_bps[trade], write: (trade) => fixed(trades.mfe_bps[trade], 1) },
    { name: "tick", value: (trade) => trades.tick_no[trade] ?? -1, write: (trade) => String(trades.tick_no[trade] ?? "–") },
  ];
}

class TradeList {
  constructor(holder, markets, visit) {
    this.columns = tradeColumns(markets);
    this.visit = visit;
    this.order = Array.from(data.trades.lots, (_, trade) => trade);
    this.sorted = { column: this.columns[0], isRising: true };
    this.n_shown = N_ROWS;
    this.filter = make("input", { class: "filter", type: "search", placeholder: "narrow: stop, bear, short …", "aria-label": "Show only trades whose row has this word" });
    this.told = make("span", { role: "status" });
    this.body = make("tbody");
    this.heads = this.columns.map((column) => this.head(column));
    this.more = make("button", { type: "button", class: "more" }, "Show more");
    this.filter.addEventListener("input", () => this.fill());
    this.more.addEventListener("click", () => {
      this.n_shown += 10 * N_ROWS;
      this.fill();
    });
    const table = make("table", {}, make("caption", {}, "Closed trades; the number shows the trade in the chart"), make("thead", {}, make("tr", {}, ...this.heads)), this.body);
    const box = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Closed trades" }, table);
    holder.append(make("div", { class: "list-head" }, this.filter, this.told), box, this.more);
    this.fill();
  }

  head(column) {
    const button = make("button", { type: "button" }, column.name);
    const head = make("th", { scope: "col", ...(column.kind ? { class: column.kind } : {}) }, button);
    button.addEventListener("click", () => this.sort(column));
    return head;
  }

  // Figures first show the greatest, words and times the first.
  sort(column) {
    const isRising = this.sorted.column === column ? !this.sorted.isRising : !column.isSigned;
    this.sorted = { column, isRising };
    const keys = this.order.map((_, trade) => column.value(trade));
    const sign = isRising ? 1 : -1;
    this.order.sort((one, other) => sign * (keys[one] < keys[other] ? -1 : keys[one] > keys[other] ? 1 : 0) || one - other);
    this.fill();
  }

  fill() {
    const wanted = this.filter.value.trim().toLowerCase();
    const found = wanted === "" ? this.order : this.order.filter((trade) => this.cells(trade).join(" ").toLowerCase().includes(wanted));
    this.body.replaceChildren(...found.slice(0, this.n_shown).map((trade) => this.row(trade)));
    this.more.hidden = found.length <= this.n_shown;
    const total = found.reduce((sum, trade) => sum + netOf(trade), 0);
    this.told.textContent = `${found.length} of ${this.order.length} trades, ${money(total)} USD net`;
    this.columns.forEach((column, place) => {
      const order = this.sorted.isRising ? "ascending" : "descending";
      this.heads[place].setAttribute("aria-sort", column === this.sorted.column ? order : "none");
    });
  }

  cells(trade) {
    return this.columns.map((column) => (column.write ?? column.value)(trade));
  }

  row(trade) {
    const cells = this.cells(trade).map((text, place) => {
      const column = this.columns[place];
      if (column.isName) return make("th", { scope: "row" }, this.link(trade, text));
      const sign = column.isSigned ? { "+": "gain", "-": "loss" }[text[0]] : undefined;
      const kind = sign ?? column.kind;
      return make("td", kind === undefined ? {} : { class: kind }, text);
    });
    return make("tr", {}, ...cells);
  }

  link(trade, text) {
    const button = make("button", { type: "button", "aria-label": `Show trade ${text} in the chart` }, text);
    button.addEventListener("click", () => this.visit(trade));
    return button;
  }
}
