// What the grid shows, asked for in stretches and kept while it may be wanted again.
import { api } from "/static/shared.js";

const STRETCH = 120;
/** Stretches that are kept: some 6,000 images. */
const KEPT = 50;
/** Questions at once. */
const AT_ONCE = 3;
/** Pause after a question that failed, in milliseconds. */
const AGAIN_MS = 1000;

export class Pages {
  /** @param arrived (first, end) called when images of these places are there */
  constructor(arrived) {
    this.arrived = arrived;
    this.kept = new Map(); this.asking = new Map(); this.query = ""; this.upto = 0;
    this.wanted = [0, 0];
  }

  /** Another query or another moment: nothing of before stands. */
  begin(query, upto, head = null) {
    for (const one of this.asking.values()) one.abort();
    this.kept.clear(); this.asking.clear();
    this.query = query; this.upto = upto;
    if (head) this.kept.set(0, head);
  }

  /** The first images of another moment, for a change that nobody sees. */
  async head(query, upto) { return (await api(address(0, STRETCH, query, upto))).images; }

  /** The image at a place, if it is there. */
  at(index) { return this.kept.get(Math.floor(index / STRETCH))?.[index % STRETCH]; }

  /** Have these places ready; what is no longer wanted is no longer waited for. */
  want(first, end) {
    this.wanted = [first, end];
    const from = Math.floor(first / STRETCH), to = Math.floor(Math.max(first, end - 1) / STRETCH);
    for (const [number, one] of this.asking) {
      if (number < from - 1 || number > to + 1) { one.abort(); this.asking.delete(number); }
    }
    for (let number = from; number <= to; number += 1) this.#ask(number);
  }

  #ask(number) {
    const kept = this.kept.get(number);
    if (kept) { this.kept.delete(number); this.kept.set(number, kept); return; }
    if (this.asking.has(number) || this.asking.size >= AT_ONCE) return;
    const control = new AbortController();
    this.asking.set(number, control);
    this.#load(number, control).then(() => this.#over(number, control, 0), () => this.#over(number, control, AGAIN_MS));
  }

  /** A place is free for what had to wait, or for the same once more. */
  #over(number, control, pause) {
    if (this.asking.get(number) !== control) return;
    this.asking.delete(number);
    setTimeout(() => this.want(...this.wanted), pause);
  }

  async #load(number, control) {
    const start = number * STRETCH;
    const answer = await api(address(start, STRETCH, this.query, this.upto), { signal: control.signal });
    if (control.signal.aborted) return;
    this.kept.set(number, answer.images);
    while (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
    this.arrived(start, start + answer.images.length);
  }

  /** One image, asked for by itself if need be. */
  async image(index) {
    const kept = this.at(index);
    if (kept) return kept;
    const answer = await api(address(index, 1, this.query, this.upto));
    return answer.images[0];
  }
}

function address(start, some, query, upto) {
  return `gallery/images?start=${start}&count=${some}&upto=${upto}${query && `&${query}`}`;
}
