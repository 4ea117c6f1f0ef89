// What all pages use: elements without HTML, numbers for people, the one stream, actions.

/** An element; text and children are never read as HTML. */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.filter((one) => one != null && one !== ""));
  return made;
}

/** An icon of static/icons.svg. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

export const count = (n) => whole.format(n);

/** A rate: one digit behind the point while it is small. */
export const rate = (n) => (n < 10 ? n.toFixed(1) : whole.format(n));

/** Bytes, in powers of 1,000. */
export function size(bytes) {
  let value = bytes, unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) { value /= 1000; unit += 1; }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toPrecision(3)} ${UNITS[unit]}`;
}

/** Seconds, in its two largest units. */
export function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

/** JSON of the API; throws an Error whose message is for people. */
export async function api(path, options = {}) {
  const answer = await fetch(path.startsWith("/") ? path : `/api/v1/${path}`, options);
  const text = await answer.text();
  let value = {};
  try { value = text ? JSON.parse(text) : {}; } catch { /* no JSON: an error of something between */ }
  if (!answer.ok) {
    const error = new Error(value.message ?? `The dashboard answers ${answer.status}.`);
    error.status = answer.status;
    throw error;
  }
  return value;
}

/** An action. Without the token the way in is shown, and the page comes back. */
export async function act(path, body = {}) {
  try {
    return await api(path, {
      method: "POST", body: JSON.stringify(body),
      headers: { "content-type": "application/json", "x-bowerbird": "1" },
    });
  } catch (error) {
    if (error.status === 401) {
      sessionStorage.setItem("back", location.pathname + location.search);
      location.href = "/login";
    }
    throw error;
  }
}

/** A line at the edge of the page, for a while. */
export function note(text, kind = "") {
  const line = el("p", { class: `note ${kind}` }, text);
  document.getElementById("notes").append(line);
  setTimeout(() => line.remove(), 6000);
}

/** Ask before something that is not easily undone. */
export function confirmed(title, text, verb) {
  return new Promise((resolve) => {
    const dialog = el("dialog", { "aria-labelledby": "ask" },
      el("form", { method: "dialog" },
        el("h2", { id: "ask" }, title), el("p", {}, text),
        el("div", { class: "buttons" },
          el("button", { value: "no" }, "Cancel"),
          el("button", { value: "yes", class: "primary danger" }, verb))));
    dialog.addEventListener("close", () => { dialog.remove(); resolve(dialog.returnValue === "yes"); });
    document.body.append(dialog);
    dialog.showModal();
  });
}

// The stream: one connection for this page, and none while nobody sees it.

/** A dashboard that does not answer is asked again after so long, and ever more seldom, in seconds. */
const FIRST_S = 1, SELDOM_S = 60;

const listeners = new Set();
let latest = null, source = null, pause_s = FIRST_S;

/** Call with every moment of the crawl, and at once with the last one. */
export function live(listener) {
  listeners.add(listener);
  if (latest) listener(latest);
  else listen();
}

function tell(moment) {
  latest = moment;
  for (const listener of listeners) listener(moment);
}

function listen() {
  if (source || document.hidden) return;
  source = new EventSource("/api/v1/stream");
  source.addEventListener("live", (event) => {
    pause_s = FIRST_S;
    tell({ ...JSON.parse(event.data), connected: true });
  });
  source.addEventListener("end", () => lose({ farewell: true }));
  source.addEventListener("error", () => lose({}));
}

/** Ask again later, unless the dashboard has said farewell with nothing more to come. */
function lose(why) {
  leave();
  if (latest) tell({ ...latest, ...why, connected: false });
  if (latest?.farewell && !latest.running) return;
  setTimeout(listen, 1000 * pause_s);
  pause_s = Math.min(2 * pause_s, SELDOM_S);
}

function leave() {
  source?.close();
  source = null;
}

document.addEventListener("visibilitychange", () => (document.hidden ? leave() : listen()));
