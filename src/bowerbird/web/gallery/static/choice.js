// What is selected: images by number, or all that a query finds; and where it can be had as a file.
import { count, el, note } from "/static/shared.js";

/** An address may have 64 kB; longer selections are the query's matter. */
const LONGEST = 48_000;

export class Choice {
  /** @param changed () called after each change */
  constructor(changed) { this.changed = changed; this.ids = new Set(); this.all = null; }

  get size() { return this.all ? this.all.found : this.ids.size; }

  has(id) { return this.all !== null || this.ids.has(id); }

  toggle(id) {
    this.all = null;
    if (!this.ids.delete(id)) this.ids.add(id);
    this.changed();
  }

  add(ids) {
    this.all = null;
    for (const id of ids) this.ids.add(id);
    this.changed();
  }

  /** All that a query finds. */
  addAll(query, upto, found) { this.ids.clear(); this.all = { query, upto, found }; this.changed(); }

  clear() { this.ids.clear(); this.all = null; this.changed(); }

  /** Where the browser finds it as a file. */
  address(form) {
    if (this.all) return `/gallery/export?form=${form}&upto=${this.all.upto}${this.all.query && `&${this.all.query}`}`;
    return `/gallery/export?form=${form}&ids=${spans([...this.ids].sort((a, b) => a - b))}`;
  }

  /** Have it saved by the browser. */
  save(form) {
    const address = this.address(form);
    if (address.length > LONGEST) {
      note(`${count(this.size)} single images are too many for one file: narrow the filters, then select all that is found.`, "bad");
      return;
    }
    const link = el("a", { href: address, download: "" });
    document.body.append(link);
    link.click();
    link.remove();
  }
}

/** 3, 4, 5, 9 as `3-5,9`. */
export function spans(sorted) {
  const parts = [];
  for (let at = 0; at < sorted.length; at += 1) {
    const first = sorted[at];
    while (sorted[at + 1] === sorted[at] + 1) at += 1;
    parts.push(first === sorted[at] ? `${first}` : `${first}-${sorted[at]}`);
  }
  return parts.join(",");
}
