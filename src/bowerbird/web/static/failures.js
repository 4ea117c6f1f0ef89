// Failures by reason; examples are asked for when a reason is opened.
import { act, api, confirmed, count, el, icon, live, note } from "./shared.js";

const byId = (id) => document.getElementById(id);
const cards = new Map(); // reason -> what shows it
let total = 0;

const many = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;

async function retry(which, what) {
  try {
    const { requeued } = await act("retry", which);
    note(requeued ? `${count(requeued)} put back into the queue.` : "Nothing was put back: it had been already.");
    if (cards.get(which.reason)) examples(which.reason);
  } catch (error) { note(`${what}: ${error.message}`, "bad"); }
}

/** A link only where it is one: no other scheme is ever followed. */
function link(url) {
  const safe = /^https?:\/\//i.test(url);
  return safe ? el("a", { class: "url", href: url, rel: "noreferrer noopener", target: "_blank" }, url) : el("span", { class: "url" }, url);
}

async function examples(reason) {
  const { inside } = cards.get(reason);
  try {
    const found = await api(`failures?${new URLSearchParams({ reason, limit: "8" })}`);
    const list = el("ol", { class: "examples" }, ...found.examples.map((one) => el("li", {},
      link(one.url),
      el("span", { class: "detail" }, [one.kind, one.detail, one.first_url !== one.url ? `reached by ${one.first_url}` : ""].filter(Boolean).join(" · ")))));
    inside.querySelector(".examples, .empty")?.remove();
    inside.prepend(found.examples.length ? list : el("p", { class: "empty" }, "No examples are at hand."));
  } catch (error) { note(error.message, "bad"); }
}

function card(reason) {
  const much = el("span", { class: "much" });
  const inside = el("div", { class: "inside" }, el("p", { class: "empty" }, "Looking …"),
    el("div", { class: "buttons" }, el("button", { type: "button", onclick: () => retry({ reason }, reason) }, icon("retry"), "Try these again")));
  const node = el("details", { class: "card reason", id: reason },
    el("summary", {}, much, el("span", {}, reason)), inside);
  node.addEventListener("toggle", () => { if (node.open) examples(reason); });
  if (decodeURIComponent(location.hash.slice(1)) === reason) node.open = true;
  return { node, much, inside };
}

const nothing = el("p", { class: "card empty" }, "Nothing has failed.");
const heading = el("h2", {}, "Left out: by your options, or the site's wish");
const ranked = (reasons) => Object.entries(reasons).filter(([, n]) => n).sort((a, b) => b[1] - a[1]);

function show(moment) {
  if (!moment.known) return;
  const failed = ranked(moment.failures), left = ranked(moment.left_out), rows = [...failed, ...left];
  for (const [reason, n] of rows) {
    if (!cards.has(reason)) cards.set(reason, card(reason));
    cards.get(reason).much.textContent = count(n);
  }
  for (const reason of [...cards.keys()]) {
    if (!rows.some(([one]) => one === reason)) { cards.get(reason).node.remove(); cards.delete(reason); }
  }
  const nodes = (some) => some.map(([reason]) => cards.get(reason).node);
  const order = [...(failed.length ? nodes(failed) : [nothing]), ...(left.length ? [heading, ...nodes(left)] : [])];
  const box = byId("reasons");
  if (order.some((node, at) => box.children[at] !== node) || box.children.length !== order.length) box.replaceChildren(...order);
  total = rows.reduce((sum, [, n]) => sum + n, 0);
  const parts = [moment.failed ? `${count(moment.failed)} failed` : "", total > moment.failed ? `${count(total - moment.failed)} left out` : ""];
  byId("matching").textContent = parts.filter(Boolean).join(", ");
  byId("all").disabled = !total || !moment.connected;
}

byId("all").addEventListener("click", async () => {
  const sure = await confirmed("Try all again?", `${many(total, "task")}, left out ones too, will be put back into the queue, each with a fresh count of attempts.`, "Try all again");
  if (sure) retry({}, "Try all again");
});

live(show);
