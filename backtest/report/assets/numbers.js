"use strict";
// What the report's data hold, unpacked, and how figures are written.

const data = JSON.parse(document.getElementById("data").textContent);
const MICROUSD_PER_USD = 1e6;
const PPM_PER_PERCENT = 1e4;
const MINUTE_S = 60;

function summed(differences) {
  const sums = new Float64Array(differences.length);
  let total = 0;
  for (let place = 0; place < sums.length; place += 1) sums[place] = total += differences[place];
  return sums;
}

// [value, how often, ...] as one value a place.
function unrolled(lengths) {
  const values = [];
  for (let place = 0; place < lengths.length; place += 2) {
    for (let left = lengths[place + 1]; left > 0; left -= 1) values.push(lengths[place]);
  }
  return values;
}

// The first place whose value is not below `value`; values rise.
function placeOf(values, value) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Making a formatter costs more than using it a hundred times.
const formatters = new Map();

function fixed(number, decimals, isSigned = false) {
  const key = `${decimals}${isSigned}`;
  if (!formatters.has(key)) {
    const signDisplay = isSigned ? "exceptZero" : "negative";
    const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    formatters.set(key, new Intl.NumberFormat("en-US", { ...digits, signDisplay }));
  }
  return formatters.get(key).format(number);
}

// A round figure of an axis, without noughts behind it.
const compact = (value) => Number(value.toPrecision(9)).toLocaleString("en-US", { maximumFractionDigits: 9 });
const usd = (number, isSigned = false) => `${fixed(number, 2, isSigned)} USD`;
const money = (microusd) => fixed(microusd / MICROUSD_PER_USD, 2, true);
const percent = (number, isSigned = false) => `${fixed(number, 2, isSigned)} %`;
const price = (market, ticks) => fixed(ticks * market.tick, market.decimals);
const size = (market, lots) => `${fixed(lots * market.lot, Math.max(0, -Math.floor(Math.log10(market.lot))))} ${market.base}`;
const when = (second) => `${new Date(second * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
const result = (r) => (r === null ? "R unknown" : `${fixed(r, 2, true)} R`);

function span(seconds) {
  const minutes = Math.round(seconds / MINUTE_S);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
}

// Text goes in as text: nothing from the data is ever read as markup.
function make(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

// The colours of the page, asked for once: a chart needs them thousands of times.
const palette = new Map();

function colour(name) {
  if (!palette.has(name)) palette.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return palette.get(name);
}

// A colour of the page, #rrggbb, let through by so much; canvases in older browsers cannot mix.
const faded = (name, share) => colour(name) + Math.round(share * 255).toString(16).padStart(2, "0");
