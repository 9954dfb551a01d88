// Charts as data: Vega-Lite specifications in the colours of the page, drawn by Vega's interpreter, which needs
// no eval (see the content security policy).

const HEIGHT = 186;
const COUNT = ",";
const USD = "$,.4~r"; // four significant digits, never scientific
const views = new Map();
let latest = null;
let hasStale = false;
let generation = 0;

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
    scale: { nice: false }, // the hover layer has every step, so its data spans the window exactly
    axis: { format: hasHours(series) ? "%H:%M" : "%m/%d" },
  };
}

const stamp = (series) => ({ field: "t", type: "temporal", format: hasHours(series) ? "%m/%d %H:%M" : "%Y-%m-%d %H:%M", title: " " });

/** When a step begins and ends, cut to the window. */
const span = (series, step) => ({ t: Math.max(step.t, series.from), t2: Math.min(step.t + series.bucket, series.to) });

/** Each step's fields on top of each other, in the order of `fields`. */
function stack(series, fields) {
  const rows = [];
  for (const step of series.steps) {
    let below = 0;
    for (const field of fields) {
      rows.push({ ...span(series, step), field, below, above: below + step[field] });
      below += step[field];
    }
  }
  return rows.filter((row) => row.above > row.below);
}

function stackedBars(series, fields, colours, labels, format) {
  const highest = Math.max(...series.steps.map((step) => fields.reduce((sum, field) => sum + step[field], 0)));
  const isCount = format === COUNT;
  const axis = isCount ? (highest < 4 ? { format: "d", tickMinStep: 1 } : { format: "~s" }) : { labelExpr: `format(datum.value, '${format}')` };
  return {
    data: { values: stack(series, fields) },
    mark: { type: "rect", stroke: colour("--panel"), strokeWidth: 0.75 },
    encoding: {
      x: timeAxis(series),
      x2: { field: "t2" },
      y: { field: "below", type: "quantitative", axis, scale: { domain: [0, highest || 1], nice: true } },
      y2: { field: "above" },
      color: { field: "field", type: "nominal", scale: { domain: fields, range: colours }, legend: null },
    },
    tooltips: { fields, labels, format },
  };
}

function lines(series, fields, colours, labels) {
  return {
    data: {
      values: series.steps.flatMap((step) =>
        fields.filter((field) => step[field] !== null).map((field) => ({ ...span(series, step), field, value: step[field] }))),
    },
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
  requests: (series, labels) => stackedBars(series, ["ok", "failed", "refused"], [colour("--series-a"), colour("--bad"), colour("--other")], labels, COUNT),
  tokens: (series, labels) => stackedBars(series, ["input", "output"], [colour("--series-a"), colour("--series-b")], labels, COUNT),
  money: (series, labels) => stackedBars(series, ["usd"], [colour("--ok")], labels, USD),
  latency: (series, labels) => lines(series, ["p50", "p95", "first"], [colour("--series-a"), colour("--series-b"), colour("--series-c")], labels),
};

/** The whole step answers to the pointer, not only the ink: a transparent rule over each one carries the tooltip. */
function withTooltips(chart, series) {
  const { tooltips, data, ...layer } = chart;
  const hover = {
    data: { values: series.steps.map((step) => ({ ...step, ...span(series, step) })) },
    mark: { type: "rect", tooltip: true, fill: colour("--ink") },
    params: [{ name: "hover", select: { type: "point", on: "pointerover", clear: "pointerout", fields: ["t"] } }],
    encoding: {
      x: timeAxis(series),
      x2: { field: "t2" },
      opacity: { condition: { param: "hover", empty: false, value: 0.08 }, value: 0 },
      tooltip: [stamp(series), ...tooltips.fields.map((field) => ({ field, type: "quantitative", title: tooltips.labels[field], format: tooltips.format }))],
    },
  };
  if (!data.values.length) { // Vega warns of an empty extent: one mark that is not seen gives it one
    const nothing = { t: series.from, t2: series.to, field: tooltips.fields[0], below: 0, above: 0, value: 0 };
    return { layer: [{ data: { values: [nothing] }, ...layer, mark: { ...layer.mark, opacity: 0 } }, hover] };
  }
  return { layer: [{ data, ...layer }, hover] };
}

async function draw(plot, series) {
  const name = plot.dataset.chart;
  const specification = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    width: "container", height: HEIGHT, padding: { left: 2, right: 8, top: 6, bottom: 2 },
    autosize: { type: "fit", contains: "padding" },
    ...withTooltips(builders[name](series, names(plot)), series),
  };
  // Drawn beside the old one and swapped in when it is done: a refresh must not flicker.
  const stage = document.createElement("div");
  stage.className = "drawing";
  plot.append(stage);
  const { view } = await window.vegaEmbed(stage, specification, {
    actions: false, ast: true, renderer: "svg", config: config(), defaultStyle: false,
    tooltip: { disableDefaultStyle: true, theme: "naru" },
  });
  views.get(name)?.finalize();
  views.set(name, view);
  plot.replaceChildren(stage);
  stage.classList.remove("drawing");
}

/** Draw every chart of the page from the series the server wrote into it. */
export async function drawCharts(series, isForced = false) {
  const isSame = latest !== null && JSON.stringify(latest.steps) === JSON.stringify(series.steps);
  if (isSame && !isForced && !hasStale) return;
  latest = series;
  hasStale = false;
  const mine = ++generation;
  if (!window.vegaEmbed && document.readyState !== "complete") {
    await new Promise((ready) => addEventListener("load", ready, { once: true }));
  }
  for (const plot of document.querySelectorAll("[data-chart]")) {
    if (mine !== generation) return; // newer figures, or another theme, came meanwhile
    if (!window.vegaEmbed) {
      plot.textContent = plot.closest(".charts").dataset.missing;
    } else if (plot.matches(":hover") && views.has(plot.dataset.chart) && !isForced) {
      hasStale = true; // somebody reads it: the next refresh tries again
    } else {
      await draw(plot, series);
    }
  }
}

/** The same figures in the colours of a new theme. */
export function redrawCharts() {
  if (latest) drawCharts(latest, true);
}
