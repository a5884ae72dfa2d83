// The last minute of a few numbers, each with a small line.
// @ts-check

const EVERY_MS = 500, SPAN_S = 60, WIDTH = 120, HEIGHT = 30;

/** @typedef {{key: string, what: string, unit: string}} Number_ */

export class Graphs {
  /** @param {HTMLElement} list @param {Number_[]} wanted */
  constructor(list, wanted) {
    this.rows = wanted.map(each => {
      const row = document.createElement("li");
      row.innerHTML = `<p class="what"></p><p class="value">–</p>
        <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true"><path/></svg>`;
      /** @type {HTMLElement} */ (row.querySelector(".what")).textContent = each.what;
      list.append(row);
      return {...each, row, values: /** @type {(number | null)[]} */ ([])};
    });
    /** @type {Record<string, number | null>} */
    this.newest = {};
    setInterval(() => this.tick(), EVERY_MS);
  }

  /** @param {Record<string, number | null>} numbers */
  take(numbers) {
    this.newest = {...this.newest, ...numbers};
  }

  tick() {
    for (const {key, unit, row, values} of this.rows) {
      const value = this.newest[key] ?? null;
      values.push(value);
      if (values.length > SPAN_S * 1000 / EVERY_MS) values.shift();
      const text = value === null ? "–" : `${value}${unit}`;
      const shown = /** @type {HTMLElement} */ (row.querySelector(".value"));
      if (shown.textContent !== text) shown.textContent = text;
      row.querySelector("path")?.setAttribute("d", line(values));
    }
  }
}

/** @param {(number | null)[]} values */
function line(values) {
  const known = values.filter(value => value !== null);
  const top = 1.15 * Math.max(1, ...known), full = SPAN_S * 1000 / EVERY_MS;
  let pen = "M", path = "";
  values.forEach((value, place) => {
    if (value === null) { pen = "M"; return; }
    const x = WIDTH * (full - values.length + place) / (full - 1);
    path += `${pen}${x.toFixed(1)} ${(HEIGHT * (1 - value / top)).toFixed(1)}`;
    pen = "L";
  });
  return path;
}
