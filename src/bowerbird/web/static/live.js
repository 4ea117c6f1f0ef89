// The live page: counts with every moment, charts from a history that is kept by the server.
import { act, confirmed, count, duration, el, live, note, rate, size } from "./shared.js";
import { charts } from "./charts.js";

const byId = (id) => document.getElementById(id);
const text = (id, value) => { const node = byId(id); if (node.textContent !== value) node.textContent = value; };
const share = (id, part) => byId(id).style.setProperty("--share", `${(100 * part).toFixed(2)}%`);

const PHASES = { draining: "Stopping", paused: "Paused" };

const capital = (words) => words[0].toUpperCase() + words.slice(1);

function withUnit(id, value, unit) {
  byId(id).replaceChildren(value, el("small", {}, unit));
}

function show(moment) {
  if (!moment.known) { text("phase", moment.trouble ? "Not there yet" : "Looking …"); return; }
  text("images", count(moment.images));
  text("bytes", `images · ${size(moment.bytes)}`);
  const left = moment.state === "running" && !moment.running && !moment.trouble;
  text("phase", left ? "Nobody is at work" : capital(PHASES[moment.state] ?? moment.phase));
  text("reason", left || moment.phase === "stopped" ? "The same command goes on where it was." : moment.reason ? `(${moment.reason})` : "");
  progress(moment);
  withUnit("images_per_s", rate(moment.images_per_s), "/s");
  const [value, unit] = size(moment.bytes_per_s).split(" ");
  withUnit("bytes_per_s", value, `${unit}/s`);
  text("pages", count(moment.pages));
  text("waiting", count(moment.waiting));
  text("leased", moment.leased ? ` · ${count(moment.leased)} taken` : "");
  text("workers", count(moment.workers));
  text("hosts", count(moment.hosts));
  text("failed", count(moment.failed));
  byId("failed-tile").classList.toggle("alarm", moment.failed > 0);
  buttons(moment);
  busiest(moment.busiest);
  kinds(moment.waiting_kinds, moment.leased);
  failures(moment.failures);
  document.title = `${count(moment.images)} images · ${PHASES[moment.state] ?? moment.phase} · Bowerbird`;
}

function progress(moment) {
  const all = Math.max(1, moment.ended + moment.waiting);
  const ended = moment.ended / all;
  share("done", (moment.ended - moment.failed) / all);
  share("dead", moment.failed / all);
  byId("bar").setAttribute("aria-valuenow", Math.round(100 * ended));
  byId("bar").classList.toggle("moving", moment.running && moment.state === "running");
  text("share", `${Math.floor(100 * ended)} % · ${count(moment.ended)} of ${count(all)}${moment.seeds_complete ? "" : " so far"} tasks`);
  const eta = moment.eta_s !== null && moment.running && moment.state === "running" ? `about ${duration(moment.eta_s)} to go` : "";
  text("eta", eta);
}

function buttons(moment) {
  const halted = moment.state === "paused" || moment.state === "draining";
  const over = moment.state === "ended" || !moment.connected;
  byId("pause").hidden = halted;
  byId("pause").disabled = over;
  byId("resume").hidden = !halted;
  byId("stop").disabled = over || !moment.running || moment.state === "draining";
}

function rank(name, figure, part, colour = "") {
  const bar = el("div", { class: "bar", "aria-hidden": "true" }, el("i"));
  bar.firstChild.style.setProperty("--share", `${Math.max(1, 100 * part).toFixed(1)}%`);
  return el("li", { class: colour }, name, el("span", { class: "figure" }, figure), bar);
}

function busiest(rows) {
  const busy = rows.filter((row) => row.waiting || row.leased).slice(0, 8);
  const most = Math.max(1, ...busy.map((row) => row.waiting + row.leased));
  byId("busiest").replaceChildren(...busy.map((row) => {
    const mood = row.state === "down" ? " · down" : row.hold_s ? ` · held ${duration(row.hold_s)}` : "";
    return rank(el("span", { class: "name", title: row.host }, row.host),
      `${count(row.waiting)} waiting · ${count(row.leased)} taken${mood}`, (row.waiting + row.leased) / most, mood ? "c3" : "c1");
  }));
  if (!busy.length) byId("busiest").append(el("li", { class: "empty" }, "Nothing waits at any host."));
}

function kinds(waiting, leased) {
  const rows = [...Object.entries(waiting).filter(([, n]) => n), ...(leased ? [["taken", leased]] : [])];
  const all = rows.reduce((sum, [, n]) => sum + n, 0);
  byId("kinds-bar").replaceChildren(...rows.map(([, n], at) => {
    const part = el("i", { class: `c${(at % 6) + 1}` });
    part.style.setProperty("--share", `${((100 * n) / all).toFixed(2)}%`);
    return part;
  }));
  byId("kinds").replaceChildren(...rows.map(([kind, n], at) =>
    el("li", { class: `c${(at % 6) + 1}` }, el("span", {}, kind), el("span", { class: "figure" }, count(n)))));
  byId("kinds-bar").hidden = !rows.length;
  if (!rows.length) byId("kinds").append(el("li", { class: "empty" }, "Nothing waits."));
}

function failures(reasons) {
  const rows = Object.entries(reasons).filter(([, n]) => n).sort((a, b) => b[1] - a[1]);
  const most = Math.max(1, ...rows.map(([, n]) => n));
  byId("failures").replaceChildren(...rows.slice(0, 6).map(([reason, n]) =>
    rank(el("a", { class: "name", href: `/failures#${encodeURIComponent(reason)}` }, reason), count(n), n / most, "c6")));
  if (!rows.length) byId("failures").append(el("li", { class: "empty" }, "Nothing has failed."));
}

async function steer(path, said) {
  try { await act(path); note(said); } catch (error) { note(error.message, "bad"); }
}

byId("pause").addEventListener("click", () => steer("pause", "Paused: what is in flight is finished, nothing more begins."));
byId("resume").addEventListener("click", () => steer("resume", "Going on."));
byId("stop").addEventListener("click", async () => {
  const sure = await confirmed("Stop this crawl?", "What is in flight is finished and what waits is kept; the same command goes on later.", "Stop it");
  if (sure) steer("stop", "Stopping.");
});

live(show);
charts(byId("span"), document.querySelectorAll(".chart"));
