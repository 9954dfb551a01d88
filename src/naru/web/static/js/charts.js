// Charts as data: Vega-Lite specifications in the colours of the page, drawn by Vega's interpreter, which needs
// no eval (see the content security policy).

const HEIGHT = 190;
const views = new Map();
let latest = null;

/** A token's colour as the theme in force resolves it. */
function colour(token) {
  const probe = document.createElement("i");
  probe.hidden = true;
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

/** The names the page shows in the chart's key, by field. */
function names(plot) {
  const entries = plot.closest("figure").querySelectorAll("[data-name]");
  return Object.fromEntries([...entries].map((entry) => [entry.dataset.name, entry.textContent]));
}

const hasHours = (series) => series.to - series.from <= 2 * 86_400_000;

function config() {
  const quiet = colour("--quiet");
  const line = colour("--line");
  return {
    font: getComputedStyle(document.body).fontFamily,
    background: "transparent",
    view: { stroke: null },
    axis: {
      labelColor: quiet, labelFontSize: 11, gridColor: line, domain: false, ticks: false, labelPadding: 6, title: null,
    },
    axisX: { grid: false, domain: true, domainColor: line, labelOverlap: true, tickCount: 6 },
    axisY: { tickCount: 4 },
  };
}

function timeAxis(series) {
  return {
    field: "t", type: "temporal",
    scale: { domain: [series.from, series.to] },
    axis: { format: hasHours(series) ? "%H:%M" : "%m/%d" },
  };
}

const stamp = (series) => ({ field: "t", type: "temporal", format: hasHours(series) ? "%m/%d %H:%M" : "%Y-%m-%d %H:%M", title: " " });

/** Fields of the steps as rows {t, t2, field, value}, so that Vega-Lite can colour and stack by field. */
function fold(series, fields) {
  const rows = [];
  for (const step of series.steps) {
    fields.forEach((field, order) => {
      rows.push({ t: Math.max(step.t, series.from), t2: Math.min(step.t + series.bucket, series.to), field, order, value: step[field] });
    });
  }
  return rows;
}

function stackedBars(series, fields, colours, labels, format) {
  return {
    data: { name: "rows", values: fold(series, fields) },
    mark: { type: "bar", cornerRadius: 0, binSpacing: 1 },
    encoding: {
      x: { ...timeAxis(series), bandPosition: 0 },
      x2: { field: "t2" },
      y: { field: "value", type: "quantitative", stack: "zero", axis: { format }, scale: { nice: true } },
      color: { field: "field", type: "nominal", scale: { domain: fields, range: colours }, legend: null },
      order: { field: "order" },
    },
    tooltips: { fields, labels, format: format === "~s" ? "," : format },
  };
}

function lines(series, fields, colours, labels) {
  return {
    data: { name: "rows", values: fold(series, fields).filter((row) => row.value !== null) },
    mark: { type: "line", strokeWidth: 1.8, strokeJoin: "round", interpolate: "monotone", point: { size: 14, filled: true } },
    encoding: {
      x: timeAxis(series),
      y: { field: "value", type: "quantitative", axis: { labelExpr: "datum.value >= 1000 ? format(datum.value / 1000, '~g') + ' s' : format(datum.value, '~g') + ' ms'" } },
      color: { field: "field", type: "nominal", scale: { domain: fields, range: colours }, legend: null },
    },
    tooltips: { fields, labels, format: ",.0f" },
  };
}

const builders = {
  requests: (series, labels) => stackedBars(series, ["ok", "failed", "refused"], [colour("--series-a"), colour("--bad"), colour("--other")], labels, "~s"),
  tokens: (series, labels) => stackedBars(series, ["input", "output"], [colour("--series-a"), colour("--series-b")], labels, "~s"),
  money: (series, labels) => stackedBars(series, ["usd"], [colour("--ok")], labels, "$~g"),
  latency: (series, labels) => lines(series, ["p50", "p95", "first"], [colour("--series-a"), colour("--series-b"), colour("--series-c")], labels),
};

/** The whole step answers to the pointer, not only the ink: a transparent rule over each one carries the tooltip. */
function withTooltips(chart, series) {
  const { tooltips, data, ...layer } = chart;
  const hover = {
    data: { values: series.steps.map((step) => ({ ...step, t: Math.max(step.t, series.from), t2: Math.min(step.t + series.bucket, series.to) })) },
    mark: { type: "rect", tooltip: true, fill: colour("--ink") },
    params: [{ name: "hover", select: { type: "point", on: "pointerover", clear: "pointerout", fields: ["t"] } }],
    encoding: {
      x: { ...timeAxis(series), bandPosition: 0 },
      x2: { field: "t2" },
      opacity: { condition: { param: "hover", empty: false, value: 0.08 }, value: 0 },
      tooltip: [stamp(series), ...tooltips.fields.map((field) => ({ field, type: "quantitative", title: tooltips.labels[field], format: tooltips.format }))],
    },
  };
  return { layer: [{ data, ...layer }, hover] };
}

async function draw(plot, series) {
  const name = plot.dataset.chart;
  const specification = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    width: "container", height: HEIGHT - 26, padding: { left: 2, right: 8, top: 6, bottom: 2 },
    autosize: { type: "fit", contains: "padding" },
    ...withTooltips(builders[name](series, names(plot)), series),
  };
  const { view } = await window.vegaEmbed(plot, specification, {
    actions: false, ast: true, renderer: "svg", config: config(), defaultStyle: false,
    tooltip: { disableDefaultStyle: true, theme: "naru" },
  });
  views.get(name)?.finalize();
  views.set(name, view);
}

/** Draw every chart of the page from the series the server wrote into it. */
export async function drawCharts(series) {
  latest = series;
  if (!window.vegaEmbed) await new Promise((ready) => addEventListener("load", ready, { once: true }));
  for (const plot of document.querySelectorAll("[data-chart]")) {
    if (series !== latest) return; // a newer series came meanwhile
    await draw(plot, series);
  }
}

/** The same figures in the colours of a new theme. */
export function redrawCharts() {
  if (latest) drawCharts(latest);
}
