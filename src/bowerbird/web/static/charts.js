// Curves over time: uPlot draws, the server keeps a history that gets coarser further back.
import { api, count, live, rate, size } from "./shared.js";

const SHOWN = { images_per_s: (n) => `${rate(n)}/s`, bytes_per_s: (n) => `${size(n)}/s`, waiting: count };
const AXES = { images_per_s: (n) => (n < 10 ? String(+n.toFixed(1)) : compact(n)), bytes_per_s: (n) => size(n).replace(/\.0+ /, " ").replace(/(\.\d*[1-9])0+ /, "$1 ").replace(" ", "\u2009"), waiting: compact };
//: Points are drawn so often at most, in milliseconds.
const FRESH_MS = 2000;

const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
function compact(n) { return short.format(n); }

const part = (options) => new Intl.DateTimeFormat("en-GB", options);
const TIMES = [
  [60, part({ hour: "2-digit", minute: "2-digit", second: "2-digit" })],
  [86400, part({ hour: "2-digit", minute: "2-digit" })],
  [Infinity, part({ day: "numeric", month: "short" })],
];

/** Times as fine as the ticks lie apart. */
function times(_, ticks, __, ___, apart) {
  const [, format] = TIMES.find(([most]) => apart < most);
  return ticks.map((tick) => format.format(new Date(tick * 1000)));
}

const colour = (node, name) => getComputedStyle(node).getPropertyValue(name).trim();

function plot(figure, column, sync) {
  const box = figure.querySelector(".plot");
  const now = figure.querySelector(".now");
  const axis = { stroke: () => colour(figure, "--faint"), grid: { stroke: () => colour(figure, "--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const made = new window.uPlot({
    width: box.clientWidth, height: box.clientHeight,
    padding: [8, 26, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: sync }, drag: { x: false, y: false }, points: { size: 7 } },
    scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.12 : 1] } },
    axes: [
      { ...axis, space: 72, values: times, size: 26 },
      { ...axis, space: 34, size: 58, values: (_, ticks) => ticks.map(AXES[column]) },
    ],
    series: [{}, {
      stroke: () => colour(figure, "--colour"), width: 2, points: { show: false },
      fill: () => `color-mix(in srgb, ${colour(figure, "--colour")} 14%, transparent)`,
    }],
    hooks: { setCursor: [(chart) => {
      const at = chart.cursor.idx ?? chart.data[0].length - 1;
      const value = chart.data[1][at];
      now.textContent = value == null ? "–" : SHOWN[column](value) + (chart.cursor.idx == null ? "" : ` at ${TIMES[0][1].format(new Date(chart.data[0][at] * 1000))}`);
    }] },
  }, [[], []], box);
  new ResizeObserver(() => made.setSize({ width: box.clientWidth, height: box.clientHeight })).observe(box);
  document.addEventListener("themechange", () => made.redraw());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => made.redraw());
  return made;
}

/** Draw the figures, each of the column it names, over the span that is chosen. */
export function charts(choice, figures) {
  const drawn = [...figures].map((figure) => [figure.dataset.column, plot(figure, figure.dataset.column, "time"), figure]);
  let span = 600, curve = null, asked = 0, asking = false, chosenByHand = false;

  function draw() {
    if (!curve) return;
    const end = curve.at.at(-1) ?? Date.now() / 1000;
    for (const [column, chart, figure] of drawn) {
      figure.hidden = curve.at.length > 0 && !curve[column].length; // not known of the past
      chart.batch(() => {
        const known = curve[column].length === curve.at.length;
        chart.setData([curve.at, known ? curve[column] : curve.at.map(() => null)], false);
        const first = Math.min(curve.at[0] ?? end - 60, end - 10);
        chart.setScale("x", { min: span ? Math.max(end - span, first) : first, max: end });
      });
      if (chart.cursor.idx == null) chart.setCursor({ left: -10, top: -10 });
    }
  }

  async function ask() {
    if (asking) return;
    asking = true;
    try { curve = await api(`history?span=${span}`); asked = performance.now(); draw(); } catch { /* the next moment asks again */ }
    asking = false;
  }

  choice.addEventListener("click", (event) => {
    const chosen = event.target.closest("button");
    if (!chosen) return;
    chosenByHand = true;
    choose(chosen);
  });

  function choose(chosen) {
    span = Number(chosen.dataset.span);
    for (const one of choice.children) one.setAttribute("aria-pressed", String(one === chosen));
    ask();
  }

  live((moment) => {
    // Of a crawl that nobody works at, all is more telling than the last minutes.
    if (!chosenByHand && !asked && moment.known && !moment.running) { asked = 1; choose(choice.lastElementChild); return; }
    const due = Math.max(FRESH_MS, (curve?.every_s ?? 0) * 500);
    if (moment.connected && performance.now() - asked >= due) ask();
  });
}

