// The overview: draws the charts, and asks for new figures every few seconds while somebody looks.

import { drawCharts, redrawCharts } from "./charts.js";

const EVERY_MS = 5000;
const PARTS = ["tiles", "tables"];
const charts = document.querySelector(".charts");
const live = document.querySelector("[data-live]");

let timer;
let isRefreshing = false;

const readSeries = () => JSON.parse(document.getElementById("series").textContent);

function show(isLive) {
  live.classList.toggle("off", !isLive);
  live.querySelector("[data-live-on]").hidden = !isLive;
  live.querySelector("[data-live-off]").hidden = isLive;
}

/** Never pull the rug from under a keyboard or a copy. */
function isBeingRead(part) {
  const selection = getSelection();
  return part.contains(document.activeElement) || (!selection.isCollapsed && part.contains(selection.anchorNode));
}

/** One refresh at a time, and the longer it takes the rarer it comes: a large ledger must not be worn out. */
function schedule(waitMs) {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    if (document.hidden || isRefreshing) return; // the change of visibility, or the one under way, goes on
    isRefreshing = true;
    const startedAt = performance.now();
    try {
      await refresh();
    } finally {
      isRefreshing = false;
      schedule(Math.max(EVERY_MS, 10 * (performance.now() - startedAt)));
    }
  }, waitMs);
}

async function refresh() {
  let response;
  try {
    response = await fetch(charts.dataset.figures);
  } catch {
    show(false);
    return;
  }
  if (response.status === 401) {
    location.reload(); // the session has ended: the server shows the sign-in page
    return;
  }
  show(response.ok);
  if (!response.ok) return;
  const parsed = document.createElement("template");
  parsed.innerHTML = await response.text();
  for (const id of PARTS) {
    const part = document.getElementById(id);
    if (!isBeingRead(part)) part.replaceWith(parsed.content.getElementById(id));
  }
  const isEmpty = document.querySelector("#tiles .empty") !== null;
  charts.hidden = isEmpty;
  if (!isEmpty) await drawCharts(readSeries());
}

if (!charts.hidden) drawCharts(readSeries());
schedule(EVERY_MS);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) schedule(0);
});
document.addEventListener("naru:theme", redrawCharts);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawCharts);
