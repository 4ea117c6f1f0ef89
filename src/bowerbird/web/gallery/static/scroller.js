// A grid of any number of cells with a fixed number of elements: those on the screen and a row or two
// beyond. Browsers end at some millions of pixels, so a longer grid moves exactly near its ends and
// for every step of wheel, finger or key, and in proportion when the scroll bar is dragged.

/** The tallest element, in pixels; Firefox ends at 17 million, Chromium at 33. */
const TALLEST = 8_000_000;
/** So far from both ends a pixel of the bar is a pixel of the grid. */
const EXACT = 1_000_000;
/** Rows kept beyond the screen, above and below. */
const BEYOND = 2;
/** A scroll over more screens than this was made with the bar. */
const LEAP = 2;

export class Scroller {
  /**
   * @param box the element that scrolls; @param sheet the one inside, for the cells
   * @param make () => a new cell; @param fill (cell, index) shows one; @param moved () after each move
   */
  constructor(box, sheet, { make, fill, moved }) {
    Object.assign(this, { box, sheet, make, fill, moved });
    this.count = 0; this.wanted = 180; this.gap = 6;
    this.top = 0; this.last = 0; this.view = 0; this.total = 0; this.cells = []; this.shown = new Map();
    this.spacer = document.createElement("div");
    this.spacer.setAttribute("role", "presentation");
    this.spacer.className = "spacer";
    box.append(this.spacer);
    box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.layout()).observe(box);
  }

  /** How many cells there are now. */
  setCount(count) {
    this.count = count;
    this.layout();
  }

  /** So many cells have come before all others: those that are shown go on showing what they show. */
  shift(by) {
    const size = this.cells.length, shifted = new Array(size);
    if (!size || by <= 0) return;
    this.cells.forEach((cell, at) => {
      cell.index = cell.index < 0 ? -1 : cell.index + by;
      shifted[(at + by) % size] = cell;
    });
    this.cells = shifted;
  }

  /** Measure anew, keeping what is at the upper edge where it is. */
  layout() {
    const first = this.columns ? this.firstShown : 0;
    const width = this.box.clientWidth, style = getComputedStyle(this.box);
    this.pad = parseFloat(style.paddingTop) || 0;
    const room = width - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (room <= 0) return;
    this.columns = Math.max(2, Math.floor((room + this.gap) / (this.wanted + this.gap)));
    this.cell = (room - this.gap * (this.columns - 1)) / this.columns;
    this.step = this.cell + this.gap;
    this.rows = Math.ceil(this.count / this.columns);
    this.view = this.box.clientHeight;
    this.total = Math.max(this.view, this.rows * this.step + this.pad * 2);
    this.height = Math.min(this.total, TALLEST);
    this.spacer.style.height = `${this.height}px`;
    this.box.style.setProperty("--cell", `${this.cell}px`);
    this.top = this.#bounded(first ? Math.floor(first / this.columns) * this.step : this.top);
    this.#settle();
    this.draw(true);
  }

  /** The first cell that is seen as a whole. */
  get firstShown() {
    return Math.min(Math.ceil((this.top - this.pad - 1) / this.step) * this.columns, Math.max(0, this.count - 1));
  }

  /** How many cells fit on the screen. */
  get perScreen() { return Math.max(1, Math.floor(this.view / this.step)) * this.columns; }

  /** Move so that a cell is seen; `where`: "near" moves as little as can be, "start" puts it on top. */
  show(index, where = "near") {
    if (!this.columns) return;
    const row = Math.floor(index / this.columns), above = row * this.step, below = above + this.step + 2 * this.pad;
    if (where === "start" || above < this.top) this.moveTo(above);
    else if (below > this.top + this.view) this.moveTo(below - this.view);
  }

  /** Go to a place of the grid, in its own pixels. */
  moveTo(top) {
    this.top = this.#bounded(top);
    this.#settle();
    this.draw();
  }

  #bounded(top) { return Math.max(0, Math.min(top, this.total - this.view)); }

  // The bar's pixels and the grid's: alike near the ends, in proportion between.
  #toBar(top) { return alike(top, this.total - this.view, this.height - this.view); }

  #fromBar(at) { return alike(at, this.height - this.view, this.total - this.view); }

  #settle() {
    const at = Math.round(this.#toBar(this.top));
    this.last = at;
    if (Math.abs(this.box.scrollTop - at) >= 1) this.box.scrollTop = at;
  }

  #scrolled() {
    const at = this.box.scrollTop, by = at - this.last;
    this.last = at;
    if (by === 0) return;
    const leap = this.total <= this.height || Math.abs(by) > LEAP * this.view;
    this.top = this.#bounded(leap ? this.#fromBar(at) : this.top + by);
    this.draw();
    clearTimeout(this.resting);
    if (!leap) this.resting = setTimeout(() => this.#settle(), 250);
  }

  /** Show what is at this place; `all`: the cells that stay as well. Nothing before the first layout,
   * which a page in the background gets when it is seen. */
  draw(all = false) {
    if (!this.columns) return;
    const row = Math.max(0, Math.floor((this.top - this.pad) / this.step) - BEYOND);
    const rows = Math.ceil(this.view / this.step) + 1 + 2 * BEYOND;
    const first = row * this.columns, end = Math.min(this.count, first + rows * this.columns);
    this.#pool(Math.min(rows * this.columns, Math.max(end - first, 0)));
    this.shown.clear();
    const size = this.cells.length, from = this.box.scrollTop - this.top + this.pad;
    this.sheet.style.transform = `translateY(${from + row * this.step}px)`;
    for (let index = first; index < end; index += 1) {
      const cell = this.cells[index % size];
      const line = Math.floor(index / this.columns) - row, column = index % this.columns;
      cell.style.transform = `translate(${column * this.step}px, ${line * this.step}px)`;
      this.shown.set(index, cell);
      if (all || cell.index !== index) { cell.index = index; this.fill(cell, index); }
    }
    this.first = first; this.end = end;
    this.moved();
  }

  #pool(size) {
    while (this.cells.length < size) {
      const cell = this.make();
      cell.index = -1;
      this.cells.push(cell);
      this.sheet.append(cell);
    }
    while (this.cells.length > size) this.cells.pop().remove();
    if (this.size !== size) for (const cell of this.cells) cell.index = -1;
    this.size = size;
  }
}

/** A place on a way of `from` pixels as one on a way of `to`. */
function alike(at, from, to) {
  if (from === to || at < EXACT) return at;
  if (at > from - EXACT) return to - (from - at);
  return EXACT + (at - EXACT) * (to - 2 * EXACT) / (from - 2 * EXACT);
}
