// Hosts: the server sorts and searches, a page at a time; nothing is loaded that is not shown.
import { api, count, duration, el, live, note } from "./shared.js";

const byId = (id) => document.getElementById(id);
const LIMIT = 50;
//: Shown rows are asked for again after this, in milliseconds; the server rests in between anyhow.
const FRESH_MS = 3000;
const ROBOTS = { text: "obeyed", allow: "none there", forbid: "forbids all", waiting: "asked for" };

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

const asked = new URLSearchParams(location.search);
const query = {
  search: asked.get("search") ?? "", state: asked.get("state") ?? "", sort: asked.get("sort") ?? "busy",
  reverse: asked.get("reverse") === "1", offset: Number(asked.get("offset")) || 0,
};
let asking = false, again = false, shown = 0;

function until(row) {
  if (row.state === "down") return "answers again";
  if (!row.hold_s) return "";
  return `${clock.format(new Date(Date.now() + row.hold_s * 1000))} (${duration(row.hold_s)})`;
}

const figure = (n) => el("td", { class: n ? "number" : "number zero" }, count(n));

function line(row) {
  const held = [until(row), row.why].filter(Boolean).join(" · ");
  return el("tr", {},
    el("td", { class: "name", title: row.host }, row.host),
    el("td", {}, el("span", { class: "pill", "data-state": row.state }, row.state)),
    figure(row.waiting), figure(row.leased), figure(row.done), figure(row.failed),
    el("td", {}, held || "–"),
    el("td", {}, row.delay_s ? `${+row.delay_s.toPrecision(3)} s` : "–"),
    el("td", {}, ROBOTS[row.robots] ?? "–"));
}

function show(page) {
  byId("rows").replaceChildren(...page.hosts.map(line));
  if (!page.hosts.length) byId("rows").append(el("tr", {}, el("td", { class: "empty", colspan: "9" }, "No host is like that.")));
  byId("matching").textContent = `${count(page.matching)} ${query.search || query.state ? "match" : "met"}${page.whole ? "" : " among the busiest"}`;
  const last = query.offset + page.hosts.length;
  byId("range").textContent = page.hosts.length ? `${count(query.offset + 1)} – ${count(last)} of ${count(page.matching)}` : "";
  byId("back").disabled = query.offset === 0;
  byId("next").disabled = last >= page.matching || last >= 10000;
}

async function ask() {
  if (asking) { again = true; return; }
  asking = true;
  const text = new URLSearchParams({ ...query, reverse: query.reverse ? "1" : "", limit: String(LIMIT) });
  try { show(await api(`hosts?${text}`)); } catch (error) { if (!shown) note(error.message, "bad"); }
  shown = performance.now();
  asking = false;
  if (again) { again = false; ask(); }
}

function changed(values) {
  Object.assign(query, { offset: 0 }, values);
  for (const th of document.querySelectorAll("th[data-sort]")) {
    if (th.dataset.sort === query.sort) th.setAttribute("aria-sort", (query.sort === "host") === query.reverse ? "descending" : "ascending");
    else th.removeAttribute("aria-sort");
  }
  for (const one of byId("state-choice").children) one.setAttribute("aria-pressed", String(one.dataset.state === query.state));
  const address = new URLSearchParams(Object.entries(query).filter(([, v]) => v).map(([k, v]) => [k, v === true ? "1" : v]));
  history.replaceState(null, "", `?${address}`);
  ask();
}

let typing = 0;
byId("search").value = query.search;
byId("search").addEventListener("input", (event) => {
  clearTimeout(typing);
  typing = setTimeout(() => changed({ search: event.target.value.trim() }), 250);
});
byId("state-choice").addEventListener("click", (event) => {
  const chosen = event.target.closest("button");
  if (chosen) changed({ state: chosen.dataset.state });
});
for (const th of document.querySelectorAll("th[data-sort]")) {
  th.firstElementChild.addEventListener("click", () =>
    changed({ sort: th.dataset.sort, reverse: query.sort === th.dataset.sort && !query.reverse }));
}
byId("back").addEventListener("click", () => changed({ offset: Math.max(0, query.offset - LIMIT) }));
byId("next").addEventListener("click", () => changed({ offset: query.offset + LIMIT }));
changed({ offset: query.offset });
live((moment) => { if (moment.connected && performance.now() - shown > FRESH_MS) ask(); });
