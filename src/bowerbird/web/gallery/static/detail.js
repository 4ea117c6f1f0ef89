// One image in full: the picture, and all that is known of it.
import { api, count, el, size } from "/static/shared.js";

const TITLES = {
  img: "image", srcset: "srcset", lazy: "lazy image", noscript: "noscript", css: "style sheet", meta: "og:image",
  "json-ld": "JSON-LD", microdata: "microdata", icon: "icon", preload: "preload", link: "link", poster: "film poster",
  sitemap: "sitemap", feed: "feed", data: "inside the page", list: "your list", page: "link",
};

export const drawing = (name) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/static/gallery/icons.svg#${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
};

/** With its hash the server has it at hand, and the browser may keep it. */
export const thumbnail = (image) => `/gallery/thumbnail/${image.id}?v=${image.sha256}`;

/** A link that leaves nothing behind; only of addresses that a browser fetches. */
function away(url, text = url) {
  if (!/^https?:\/\//i.test(url)) return el("span", { class: "web" }, text);
  return el("a", { href: url, rel: "noreferrer noopener", target: "_blank", class: "web" }, text);
}

const moment = (seconds) => new Date(seconds * 1000).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });

export class Detail {
  /** @param steps { step(by), closed(), toggle(), chosen() } what the grid does for it */
  constructor(steps) {
    this.steps = steps;
    this.picture = el("div", { class: "stage", tabindex: "-1", autofocus: true });
    this.facts = el("div", { class: "facts", tabindex: "0", role: "region", "aria-label": "About this image" });
    this.choose = this.#button("check", "Select (Space)", () => { steps.toggle(); this.mark(); }, "choose");
    this.dialog = el("dialog", { class: "viewer", "aria-label": "Image" },
      this.picture,
      this.#button("back", "Previous image", () => steps.step(-1), "turn before"),
      this.#button("on", "Next image", () => steps.step(1), "turn after"),
      this.facts,
      el("div", { class: "corner" }, this.choose, this.#button("close", "Close (Esc)", () => this.dialog.close(), "")));
    this.dialog.addEventListener("close", () => { this.picture.replaceChildren(); steps.closed(); });
    this.dialog.addEventListener("keydown", (event) => this.#key(event));
    document.body.append(this.dialog);
  }

  #button(name, label, run, kind) {
    return el("button", { type: "button", class: `round ${kind}`, "aria-label": label, title: label, onclick: run }, drawing(name));
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const run = {
      ArrowLeft: () => this.steps.step(-1), ArrowRight: () => this.steps.step(1),
      k: () => this.steps.step(-1), j: () => this.steps.step(1),
      " ": () => { this.steps.toggle(); this.mark(); },
      o: () => this.facts.querySelector("a.original")?.click(),
    }[event.key];
    if (!run || (event.key === " " && event.target.matches("button, a"))) return;
    event.preventDefault();
    run();
  }

  get open() { return this.dialog.open; }

  mark() { this.choose.setAttribute("aria-pressed", String(this.steps.chosen())); }

  /** Show an image: at once what the grid knows, then all. */
  async show(image, place, found) {
    this.image = image;
    if (!this.dialog.open) this.dialog.showModal();
    this.dialog.setAttribute("aria-label", image.name);
    this.#stage(image, null);
    this.facts.replaceChildren(...this.#head(image, place, found));
    this.facts.scrollTop = 0;
    this.mark();
    try {
      const known = await api(`gallery/images/${image.id}`);
      if (this.image !== image || !this.dialog.open) return;
      this.#stage(image, known);
      this.facts.replaceChildren(...this.#head(image, place, found), ...this.#rest(known));
    } catch (error) {
      if (this.image === image) this.facts.append(el("p", { class: "said" }, error.message));
    }
  }

  #stage(image, known) {
    const small = el("img", { src: thumbnail(image), alt: "", class: "small" });
    small.addEventListener("error", () => small.replaceWith(this.#empty(image)));
    if (!known) { this.picture.replaceChildren(image.away || image.type === "svg" ? this.#empty(image) : small); return; }
    if (!known.shown) return;
    const full = el("img", { src: `/gallery/original/${image.id}?v=${image.sha256.slice(0, 12)}`, alt: image.alt.split("\n")[0] || image.name, class: "full" });
    full.addEventListener("load", () => { if (this.image === image) this.picture.replaceChildren(full); });
  }

  #empty(image) {
    const why = image.away === "elsewhere" ? "This image lies elsewhere."
      : image.away ? `This image lies in ${image.away}, which is not known here. Where that is mounted or copied, bowerbird dashboard … --folder FOLDER shows it.`
      : image.type === "svg" ? "SVG may carry scripts: it is not drawn here, only saved." : "This image cannot be drawn.";
    return el("div", { class: "undrawn" }, el("b", {}, (image.type || "?").toUpperCase()), el("p", {}, why));
  }

  #head(image, place, found) {
    const alt = image.alt.split("\n").filter(Boolean);
    return [
      el("p", { class: "place" }, `${count(place + 1)} of ${count(found)}`),
      el("h2", {}, image.name),
      ...alt.slice(0, 4).map((text) => el("p", { class: "alt" }, text)),
      el("dl", {},
        ...pair("Size", `${count(image.width)} × ${count(image.height)} pixels`),
        ...pair("File", `${image.type.toUpperCase() || "other"}, ${size(image.bytes)}`),
        ...pair("Host", image.host || "inside a page"),
        ...pair("Fetched", moment(image.fetched_at))),
    ];
  }

  #rest(known) {
    const { image } = known;
    if (known.gone) return [el("p", { class: "said" }, "The catalog has nothing more of it: it may be fetched anew just now.")];
    const saved = image.away ? null : el("a", { class: "original button", href: `/gallery/original/${image.id}?v=${image.sha256.slice(0, 12)}`, target: "_blank", rel: "noopener" }, drawing("open"), known.shown ? "Open original" : "Save original");
    return [
      saved,
      section("Camera", known.exif_date || Object.keys(known.exif).length ? list({ Taken: known.exif_date, ...known.exif }) : null),
      section("Address", el("div", { class: "urls" }, away(image.url), known.first_url && known.first_url !== image.url ? el("p", {}, "first asked for as ", away(known.first_url)) : null)),
      section(`Seen on ${count(known.sightings.length + known.sightings_more)} ${known.sightings.length + known.sightings_more === 1 ? "page" : "places"}`, this.#seen(known)),
      section("Bytes", list({
        "SHA-256": el("code", {}, image.sha256), "HTTP status": String(known.status || ""), ETag: known.etag,
        "Last modified": known.last_modified, Frames: known.frames > 1 ? String(known.frames) : "",
        Turned: known.orientation > 1 ? `EXIF orientation ${known.orientation}` : "", State: known.damaged ? "its end is missing" : "",
      })),
      section("Lies in", el("ul", {}, ...known.holders.map((one) => el("li", {}, el("code", {}, one.path ? `${one.folder}/${one.path}` : one.folder), one.here ? null : el("em", {}, " not on this machine"), one.worker ? el("small", {}, ` by ${one.worker}`) : null)))),
    ].filter(Boolean);
  }

  #seen(known) {
    const rows = known.sightings.map((one) => el("li", {}, away(one.page), el("small", {}, ` ${TITLES[one.place] ?? one.place}`), one.alt ? el("q", {}, one.alt) : null));
    if (known.sightings_more) rows.push(el("li", {}, `and ${count(known.sightings_more)} more`));
    return rows.length ? el("ul", {}, ...rows) : null;
  }
}

const pair = (name, value) => [el("dt", {}, name), el("dd", {}, value)];

function list(facts) {
  const rows = Object.entries(facts).filter(([, value]) => value);
  return rows.length ? el("dl", {}, ...rows.flatMap(([name, value]) => pair(name, value))) : null;
}

function section(title, inside) {
  return inside ? el("section", {}, el("h3", {}, title), inside) : null;
}
