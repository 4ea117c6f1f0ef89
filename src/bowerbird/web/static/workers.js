// Workers: from the last look at the crawl, which costs it nothing more.
import { api, count, duration, el, live, rate } from "./shared.js";

const byId = (id) => document.getElementById(id);
//: A worker beats every 2 s; after three that did not come something is wrong.
const SILENT_S = 6;
const FRESH_MS = 1500;
let asking = false, shown = 0;

function mood(row) {
  if (row.last_seen_s > SILENT_S) return ["down", "silent"];
  if (row.version !== byId("rows").dataset.version && row.version) return ["held", "other version"];
  if (Math.abs(row.clock_off_s) > 60) return ["held", "clock is off"];
  return row.in_flight ? ["running", "at work"] : ["", "idle"];
}

function line(row) {
  const [state, word] = mood(row);
  return el("tr", {},
    el("td", { class: "name", title: row.name }, row.name),
    el("td", {}, el("span", { class: "pill", "data-state": state }, word)),
    el("td", {}, row.local ? `this machine, process ${row.pid}` : row.address || "elsewhere"),
    el("td", { class: "number" }, count(row.in_flight)), el("td", { class: "number" }, count(row.finished)),
    el("td", { class: "number" }, rate(row.per_s)), el("td", { class: "number" }, `${duration(row.last_seen_s)} ago`),
    el("td", { class: "number" }, duration(row.attached_s)), el("td", {}, row.version || "–"));
}

async function ask() {
  if (asking) return;
  asking = true;
  try {
    const { workers } = await api("workers");
    workers.sort((a, b) => b.in_flight - a.in_flight || a.name.localeCompare(b.name));
    byId("rows").replaceChildren(...workers.map(line));
    if (!workers.length) byId("rows").append(el("tr", {}, el("td", { class: "empty", colspan: "9" }, "Nobody is at work.")));
    byId("matching").textContent = workers.length ? `${count(workers.length)} attached` : "";
  } catch { /* the next moment asks again */ }
  shown = performance.now();
  asking = false;
}

live((moment) => { if (moment.connected && performance.now() - shown > FRESH_MS) ask(); });
