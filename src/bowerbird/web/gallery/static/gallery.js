// The gallery: grid, filters, selection, keys. State lies in the address, so that it can be sent to others.
import { api, count, el, live, size } from "/static/shared.js";
import { Choice } from "/static/gallery/choice.js";
import { asked, fromAddress } from "/static/gallery/asked.js";
import { Detail, drawing, thumbnail } from "/static/gallery/detail.js";
import { Pages } from "/static/gallery/pages.js";
import { Scroller } from "/static/gallery/scroller.js";

const $ = (id) => document.getElementById(id);
const box = $("scroller"), form = $("filters");
const TYPES = ["jpeg", "png", "webp", "avif", "gif", "svg", "bmp", "tiff", "ico"];
/** A cell that is on the screen for less time asks for no picture, in milliseconds. */
const GLANCE_MS = 70;
/** How often news are asked for while there are any, in milliseconds. */
const NEWS_MS = 1000;
/** Fewer images that are still to be taken in are not worth a word. */
const STRETCH = 200;

let query = "", upto = 0, found = 0, latest = 0, active = 0, anchor = 0, counted = "";

// ── The grid ─────────────────────────────────────────────────────────────────────────────────────

const choice = new Choice(() => { showChoice(); for (const [index, cell] of grid.shown) mark(cell, index); });
const pages = new Pages((first, end) => {
  for (let index = first; index < end; index += 1) {
    const cell = grid.shown.get(index);
    if (cell) fill(cell, index);
  }
});
const grid = new Scroller(box, $("sheet"), { make, fill, moved });

function make() {
  const picture = el("img", { alt: "", decoding: "async", draggable: "false" });
  const cell = el("div", { class: "cell", role: "option", "aria-selected": "false" },
    picture, el("span", { class: "word" }), el("span", { class: "tick", "aria-hidden": "true" }, drawing("check")));
  picture.addEventListener("load", () => cell.classList.add("drawn"));
  picture.addEventListener("error", () => { if (picture.getAttribute("src")) blank(cell, cell.image, "cannot be drawn"); });
  return cell;
}

function fill(cell, index) {
  const image = pages.at(index), [picture, word] = cell.children;
  cell.id = `image-${index}`;
  cell.setAttribute("aria-posinset", index + 1);
  cell.setAttribute("aria-setsize", found);
  if (cell.image?.id !== image?.id || !image) {
    clearTimeout(cell.wait); // only now: the same image, filled in twice, has still to be drawn
    cell.image = image;
    cell.classList.remove("drawn", "blank");
    picture.removeAttribute("src");
    word.textContent = "";
    cell.setAttribute("aria-label", image ? labelOf(image) : "loading");
    if (image) cell.wait = setTimeout(() => draw(cell, image), grid.quick ? GLANCE_MS : 0);
  }
  mark(cell, index);
}

function draw(cell, image) {
  if (cell.image?.id !== image.id) return;
  cell.title = image.alt.split("\n")[0] || image.name;
  if (image.away) blank(cell, image, image.away === "elsewhere" ? "elsewhere" : "not on this machine");
  else if (image.type === "svg") blank(cell, image, "not drawn");
  else cell.firstChild.src = thumbnail(image);
}

function blank(cell, image, why) {
  cell.classList.add("blank", "drawn");
  cell.children[1].replaceChildren(el("b", {}, (image?.type || "?").toUpperCase()), el("span", {}, image?.name ?? ""), el("small", {}, why));
}

function labelOf(image) {
  const alt = image.alt.split("\n")[0];
  return `${alt ? `${alt}, ` : ""}${image.name}, ${image.width} by ${image.height}, ${image.type}, ${image.host}`;
}

function mark(cell, index) {
  const chosen = Boolean(cell.image) && choice.has(cell.image.id);
  cell.setAttribute("aria-selected", String(chosen));
  cell.classList.toggle("chosen", chosen);
  cell.classList.toggle("active", index === active);
}

let lastTop = 0, lastAt = 0;
function moved() {
  const now = performance.now(), speed = Math.abs(grid.top - lastTop) / Math.max(now - lastAt, 1);
  grid.quick = speed > 3 && now - lastAt < 120;
  lastTop = grid.top; lastAt = now;
  pages.want(grid.first, grid.end);
  showPlace();
  if (grid.shown.has(active)) box.setAttribute("aria-activedescendant", `image-${active}`);
  else box.removeAttribute("aria-activedescendant");
  box.dataset.top = Math.round(grid.top);
}

function showPlace() {
  const at = $("where-at");
  if (!found || grid.total <= grid.view) { at.textContent = ""; return; }
  const first = grid.firstShown;
  at.textContent = `${count(first + 1)} – ${count(Math.min(first + grid.perScreen, found))}`;
}

// ── What is looked for ───────────────────────────────────────────────────────────────────────────

/** Look for what the form says, from the first image on. */
async function search({ keep = false } = {}) {
  const wanted = asked(form).toString();
  try {
    const answer = await api(`gallery?${wanted}`);
    if (wanted !== asked(form).toString()) return;
    const head = keep ? await pages.head(wanted, answer.upto) : null;
    if (wanted !== asked(form).toString()) return;
    if (!keep) { active = 0; anchor = 0; }
    if (head) grid.shift(answer.found - found);
    query = wanted; ({ found, upto } = answer); latest = answer.images;
    pages.begin(query, upto, head);
    behind = answer.behind;
    if (!keep) grid.moveTo(0);
    grid.setCount(found);
    showFound();
    writeAddress();
    counts();
  } catch (error) {
    if (!keep) $("count").textContent = error.message;
  }
}

function writeAddress() {
  const address = new URLSearchParams(query);
  if (detail.open) address.set("image", pages.at(active)?.id ?? detail.image.id);
  history.replaceState(null, "", `/gallery${address.size ? `?${address}` : ""}`);
}

function showFound() {
  const filters = [...asked(form).keys()].filter((name) => name !== "sort" && name !== "words").length;
  $("active").hidden = !filters;
  $("active").textContent = filters || "";
  const some = found !== upto;
  const left = behind && images - latest > STRETCH ? ` · ${count(images - latest)} more are being taken in` : "";
  $("count").textContent = `${count(found)} ${found === 1 ? "image" : "images"}${some ? ` of ${count(upto)}` : ""}${counted}${left}`;
  $("nothing").hidden = found > 0;
  $("nothing").textContent = some || query.replace(/sort=\w+/, "") ? "No image is like that." : behind ? "Looking …" : "No image has arrived yet.";
  showNews();
}

async function counts() {
  const of = query, at = upto;
  const answer = await api(`gallery/counts?upto=${upto}${query && `&${query}`}`).catch(() => null);
  if (!answer || of !== query || at !== upto) return;
  counted = found ? ` · ${size(answer.bytes)}` : "";
  showFound();
  for (const one of form.querySelectorAll("input[name=type]")) {
    one.nextElementSibling.lastChild.textContent = answer.types[one.value] ? count(answer.types[one.value]) : "";
  }
}

// ── News: images that arrive ─────────────────────────────────────────────────────────────────────

let behind = false, asking = false, images = -1;

/** At the upper edge of an unfiltered grid they come in by themselves, else a button says so. */
async function news() {
  if (asking || document.hidden) return;
  asking = true;
  try {
    const answer = await api(`gallery?upto=0`);
    behind = answer.behind; latest = answer.images;
    const newest = !new URLSearchParams(query).has("sort");
    const calm = newest && grid.top < 4 && active === 0 && !detail.open && !choice.size;
    if (latest > upto && (calm || !found)) await search({ keep: true });
    else showFound();
  } catch { /* the frame of the page says what is wrong */ } finally { asking = false; }
  if (behind) setTimeout(news, NEWS_MS);
}

function showNews() {
  const more = latest - upto;
  $("news").hidden = more <= 0;
  $("news").textContent = `${count(more)} new`;
}

live((moment) => {
  if (moment.images !== images || !moment.running || behind) { images = moment.images; news(); }
});
$("news").addEventListener("click", () => { search(); box.focus(); });

// ── Selection ────────────────────────────────────────────────────────────────────────────────────

function showChoice() {
  $("selected").hidden = !choice.size;
  document.body.classList.toggle("choosing", choice.size > 0);
  $("selected-count").textContent = `${count(choice.size)} selected`;
  $("all").hidden = choice.all !== null || choice.size >= found;
  $("all").textContent = `Select all ${count(found)}`;
}

function toggle(index) {
  const image = pages.at(index);
  if (image) choice.toggle(image.id);
}

async function extend(index) {
  const [from, to] = [Math.min(anchor, index), Math.max(anchor, index)];
  const ids = [];
  for (let at = from; at <= to && at - from < 5000; at += 1) {
    const image = await pages.image(at);
    if (image) ids.push(image.id);
  }
  choice.add(ids);
}

const selectAll = () => { if (found) choice.addAll(query, upto, found); };
$("all").addEventListener("click", selectAll);
$("none").addEventListener("click", () => { choice.clear(); box.focus(); });
for (const button of document.querySelectorAll("[data-form]")) button.addEventListener("click", () => choice.save(button.dataset.form));

// ── One image ────────────────────────────────────────────────────────────────────────────────────

const detail = new Detail({
  step: (by) => open(Math.max(0, Math.min(active + by, found - 1))),
  closed: () => { writeAddress(); box.focus({ preventScroll: true }); grid.show(active); },
  toggle: () => toggle(active),
  chosen: () => Boolean(pages.at(active)) && choice.has(pages.at(active).id),
});

async function open(index) {
  go(index, { focus: false });
  const image = await pages.image(index);
  if (!image || index !== active) return;
  await Promise.allSettled([detail.show(image, index, found), Promise.resolve().then(writeAddress)]);
}

// ── Keys, pointer ────────────────────────────────────────────────────────────────────────────────

function go(index, { focus = true, extending = false } = {}) {
  if (!found) return;
  const before = active;
  active = Math.max(0, Math.min(index, found - 1));
  if (!extending) anchor = active;
  grid.show(active);
  for (const at of [before, active]) if (grid.shown.has(at)) mark(grid.shown.get(at), at);
  if (grid.shown.has(active)) box.setAttribute("aria-activedescendant", `image-${active}`);
  if (focus && document.activeElement !== box) box.focus({ preventScroll: true });
  box.classList.add("by-key");
}

const STEPS = {
  ArrowRight: () => active + 1, ArrowLeft: () => active - 1,
  ArrowDown: () => (active + grid.columns < found ? active + grid.columns : active),
  ArrowUp: () => (active >= grid.columns ? active - grid.columns : active),
  Home: () => 0, End: () => found - 1,
  PageDown: () => active + grid.perScreen, PageUp: () => active - grid.perScreen,
};
STEPS.l = STEPS.ArrowRight; STEPS.h = STEPS.ArrowLeft; STEPS.j = STEPS.ArrowDown; STEPS.k = STEPS.ArrowUp;

box.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "a") { event.preventDefault(); selectAll(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const step = STEPS[event.key];
  if (step) {
    event.preventDefault();
    go(step(), { extending: event.shiftKey });
    if (event.shiftKey) extend(active);
  } else if (event.key === "Enter") { event.preventDefault(); open(active); }
  else if (event.key === " ") { event.preventDefault(); toggle(active); anchor = active; }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Tab") box.classList.add("by-key");
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") { escape(event); return; }
  if (event.target.matches("input, select, textarea")) return;
  const run = {
    "/": () => { $("words").focus(); $("words").select(); }, "?": help,
    a: selectAll, f: () => showPanel($("panel").hidden), g: jump,
    "+": () => zoom(grid.wanted + 30), "-": () => zoom(grid.wanted - 30), n: () => !$("news").hidden && search(),
  }[event.key];
  if (run) { event.preventDefault(); run(); }
});

function escape(event) {
  if (!$("panel").hidden) { showPanel(false); $("more").focus(); }
  else if (event.target.matches("input, select")) box.focus();
  else if (choice.size) choice.clear();
}

$("sheet").addEventListener("click", (event) => {
  const cell = event.target.closest(".cell");
  if (!cell?.image) return;
  const index = cell.index;
  box.classList.remove("by-key");
  if (event.target.closest(".tick") || event.ctrlKey || event.metaKey) { go(index); toggle(index); }
  else if (event.shiftKey) { go(index, { extending: true }); extend(index); }
  else open(index);
  box.classList.remove("by-key");
});

// ── The bar ──────────────────────────────────────────────────────────────────────────────────────

let typing;
form.addEventListener("submit", (event) => { event.preventDefault(); search(); box.focus(); });
form.addEventListener("input", (event) => {
  if (event.target === $("zoom")) { zoom(Number($("zoom").value)); return; }
  clearTimeout(typing);
  typing = setTimeout(search, event.target.matches("[type=search], [name=host], [type=number]") ? 180 : 0);
});

$("host").addEventListener("input", async () => {
  const { names } = await api(`gallery/hosts?text=${encodeURIComponent($("host").value)}`).catch(() => ({ names: [] }));
  $("hosts").replaceChildren(...names.map((name) => el("option", { value: name })));
});

function showPanel(shown) {
  $("panel").hidden = !shown;
  $("more").setAttribute("aria-expanded", String(shown));
  if (shown) $("panel").querySelector("input").focus();
}
$("more").addEventListener("click", () => showPanel($("panel").hidden));
document.addEventListener("pointerdown", (event) => { if (!event.target.closest("#panel, #more")) showPanel(false); });
$("clear").addEventListener("click", () => {
  const sort = $("sort").value;
  form.reset();
  for (const one of form.querySelectorAll("input")) { if (one.type === "checkbox") one.checked = false; else if (one.type !== "range") one.value = ""; }
  $("sort").value = sort; $("zoom").value = grid.wanted;
  search();
});

function zoom(wanted) {
  grid.wanted = Math.max(90, Math.min(wanted, 340));
  $("zoom").value = grid.wanted;
  localStorage.setItem("gallery-cell", grid.wanted);
  grid.layout();
}

// ── Help, jump ───────────────────────────────────────────────────────────────────────────────────

const KEYS = [
  ["← ↑ ↓ →  or  h k j l", "move"], ["Enter", "open"], ["Space", "select"], ["Shift + arrows", "select a stretch"],
  ["a", "select all that is found"], ["Esc", "close, or clear the selection"], ["/", "words to look for"], ["f", "filters"],
  ["g", "go to a place"], ["Home, End, Page Up, Page Down", "further"], ["+  −", "size of pictures"], ["n", "show what is new"],
  ["← → o", "in an open image: previous, next, open the original"],
];

function shown(title, ...inside) {
  const dialog = el("dialog", { class: "plain", "aria-label": title }, el("h2", {}, title), ...inside);
  dialog.addEventListener("close", () => { dialog.remove(); box.focus(); });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

function help() {
  shown("Keys", el("dl", { class: "keys" }, ...KEYS.flatMap(([key, does]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, does)])),
    el("form", { method: "dialog" }, el("button", { class: "tool" }, "Close")));
}
$("help").addEventListener("click", help);

function jump() {
  if (!found) return;
  const input = el("input", { type: "number", min: "1", max: found, value: active + 1, "aria-label": `Place, 1 to ${found}` });
  const dialog = shown("Go to", el("form", { method: "dialog", class: "jump" }, input, el("span", {}, `of ${count(found)}`), el("button", { class: "tool" }, "Go")));
  dialog.querySelector("form").addEventListener("submit", () => setTimeout(() => { go(Number(input.value) - 1); grid.show(active, "start"); }));
  input.select();
}

// ── Begin ────────────────────────────────────────────────────────────────────────────────────────

$("types").replaceChildren(...TYPES.map((type) => el("label", {}, el("input", { type: "checkbox", name: "type", value: type }), el("span", {}, type.toUpperCase(), el("small", {})))));
const small = matchMedia("(max-width: 640px)").matches;
grid.wanted = Number(localStorage.getItem("gallery-cell")) || (small ? 110 : 190);
grid.gap = small ? 3 : 8;
const first = new URLSearchParams(location.search).get("image");
fromAddress(form);
$("zoom").value = grid.wanted;
await search();
if (first && /^\d+$/.test(first)) {
  const known = await api(`gallery/images/${first}`).catch(() => null);
  if (known) await detail.show(known.image, 0, found);
}
if (document.activeElement === document.body) box.focus({ preventScroll: true });
document.documentElement.dataset.ready = "yes";
