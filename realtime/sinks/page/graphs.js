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
        <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true"><path class="zero"/><path class="values"/></svg>`;
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

  /** Nothing is known any more. */
  forget() {
    this.newest = {};
  }

  tick() {
    for (const {key, unit, row, values} of this.rows) {
      const value = this.newest[key] ?? null;
      values.push(value);
      if (values.length > SPAN_S * 1000 / EVERY_MS) values.shift();
      const text = value === null ? "–" : `${value}${unit}`;
      const shown = /** @type {HTMLElement} */ (row.querySelector(".value"));
      if (shown.textContent !== text) shown.textContent = text;
      const [least, most] = span(values);
      row.querySelector(".values")?.setAttribute("d", line(values, least, most));
      row.querySelector(".zero")?.setAttribute("d", least < 0 ? `M0 ${height(0, least, most)}H${WIDTH}` : "");
    }
  }
}

/** What the scale holds: zero, all values, and some air. @param {(number | null)[]} values */
function span(values) {
  const known = values.filter(value => value !== null);
  return [1.15 * Math.min(0, ...known), 1.15 * Math.max(1, ...known)];
}

/** @param {number} value @param {number} least @param {number} most */
const height = (value, least, most) => (HEIGHT * (most - value) / (most - least)).toFixed(1);

/** @param {(number | null)[]} values @param {number} least @param {number} most */
function line(values, least, most) {
  const full = SPAN_S * 1000 / EVERY_MS;
  let pen = "M", path = "";
  values.forEach((value, place) => {
    if (value === null) { pen = "M"; return; }
    const x = WIDTH * (full - values.length + place) / (full - 1);
    path += `${pen}${x.toFixed(1)} ${height(value, least, most)}`;
    pen = "L";
  });
  return path;
}
