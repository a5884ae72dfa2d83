// A card per object, and one for the residual: name, level, gain, solo, mute; and what is pinned is let go of.
// @ts-check

export const STEP_DB = 1.5;
const MOST_DB = 18, LEAST_DB = -40, MOST_GAIN = 8, LEVEL_FLOOR_DB = -60;
const LET_GO_MS = 500;
const LAG_MS = 1000;  // after this what is told shows what was asked for

/**
 * @typedef {{id: number, name: string, colour: string, level_db: number, gain: number, state: string,
 *   is_pinned: boolean}} Sounding  gain: as it was set, heard or not
 */

/** @param {number} gain */
const toDb = gain => gain > 0 ? 20 * Math.log10(gain) : LEAST_DB;
/** @param {number} db */
const toGain = db => db <= LEAST_DB ? 0 : Math.min(10 ** (db / 20), MOST_GAIN);
/** @param {number} db */
const inWords = db => db <= LEAST_DB ? "silent" : Math.abs(db) < 0.05 ? "0 dB" : `${db < 0 ? "−" : "+"}${Math.abs(db).toFixed(1)} dB`;
/** @param {Sounding} one */
export const nameOf = one => !one.id ? "residual" : one.name ? `${one.id} ${one.name}` : `object ${one.id}`;

/** @param {string} tag @param {Record<string, string>} [attributes] @param {string} [namespace] */
function make(tag, attributes = {}, namespace = "http://www.w3.org/1999/xhtml") {
  const element = document.createElementNS(namespace, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

export class Cards {
  /** @param {HTMLElement} list @param {(request: object) => void} ask */
  constructor(list, ask) {
    this.list = list;
    this.ask = ask;
    /** @type {Sounding[]} */
    this.objects = [];
    /** @type {number | null} */
    this.selected = null;
    /** @type {number | null} the one whose slider is being moved: the player must not move it back */
    this.held = null;
    this.letGo = 0;
    /** @type {Map<string, {value: number, sinceMs: number}>} asked for lately: what is told is older */
    this.asked = new Map();
  }

  /** @param {Sounding[]} objects */
  show(objects) {
    this.objects = objects;
    const wanted = new Set(objects.map(one => String(one.id)));
    for (const card of [...this.list.children]) {
      if (!wanted.has(/** @type {HTMLElement} */ (card).dataset.id ?? "")) card.remove();
    }
    objects.forEach((one, place) => {
      const card = this.list.querySelector(`[data-id="${one.id}"]`) ?? this.newCard(one.id);
      if (this.list.children[place] !== card) this.list.insertBefore(card, this.list.children[place] ?? null);
      this.update(/** @type {HTMLElement} */ (card), one);
    });
  }

  /** @param {number | null} id */
  select(id) {
    this.selected = id;
    this.show(this.objects);
  }

  /** The selected one, while it is there. */
  get chosen() {
    return this.objects.find(each => each.id === this.selected);
  }

  /** @param {number} steps up or down, of the selected object */
  turn(steps) {
    const one = this.chosen;
    if (one) this.setGain(one.id, toDb(this.latest(`gain ${one.id}`, one.gain)) + steps * STEP_DB);
    return Boolean(one);
  }

  /** @param {number} id @param {number} db */
  setGain(id, db) {
    const value = toGain(Math.max(LEAST_DB, Math.min(db, MOST_DB)));
    this.remember(`gain ${id}`, value);
    this.ask({kind: "gain", object_id: id, value});
  }

  /** Mute what is not, and the other way round. @param {Sounding} one @returns {boolean} whether it is muted now */
  mute(one) {
    const value = this.latest(`mute ${one.id}`, Number(one.state === "muted")) ? 0 : 1;
    this.remember(`mute ${one.id}`, value);
    this.ask({kind: "mute", object_id: one.id, value});
    return Boolean(value);
  }

  /** @param {string} what @param {number} value */
  remember(what, value) {
    this.asked.set(what, {value, sinceMs: performance.now()});
  }

  /** @param {string} what @param {number} told @returns {number} what was asked for just now, else what is told */
  latest(what, told) {
    const asked = this.asked.get(what);
    return asked && performance.now() - asked.sinceMs < LAG_MS ? asked.value : told;
  }

  /** @param {number} id */
  newCard(id) {
    const card = make("li", {class: "card", "data-id": String(id)});
    card.innerHTML = `
      <div class="head">
        <svg width="14" height="14" aria-hidden="true"><rect width="14" height="14" rx="4"/></svg>
        <h2></h2><span class="state"></span><span class="db"></span>
        <span class="pinned">pinned<button type="button" class="unpin">
          <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true"><path d="M1 1l8 8M9 1l-8 8"/></svg>
        </button></span>
      </div>
      <meter min="${LEVEL_FLOOR_DB}" max="0"></meter>
      <div class="foot">
        <input type="range" min="${LEAST_DB}" max="${MOST_DB}" step="0.5" value="0">
        <button type="button" class="solo">Solo</button><button type="button" class="mute">Mute</button>
      </div>`;
    const slider = /** @type {HTMLInputElement} */ (card.querySelector("input"));
    slider.addEventListener("input", () => {
      clearTimeout(this.letGo);
      this.held = id;
      this.select(id);
      this.setGain(id, +slider.value);
    });
    slider.addEventListener("change", () => {
      this.letGo = setTimeout(() => { this.held = null; }, LET_GO_MS);
    });
    for (const kind of ["solo", "mute", "unpin"]) {
      card.querySelector(`.${kind}`)?.addEventListener("click", () => {
        this.select(id);
        this.ask({kind, object_id: id});
      });
    }
    return card;
  }

  /** @param {HTMLElement} card @param {Sounding} one */
  update(card, one) {
    /** @param {string} selector */
    const part = selector => /** @type {any} */ (card.querySelector(selector));
    const name = nameOf(one), db = toDb(one.gain);
    const write = (/** @type {string} */ selector, /** @type {string} */ text) => {
      if (part(selector).textContent !== text) part(selector).textContent = text;
    };
    part("rect").setAttribute("fill", one.colour);
    card.style.setProperty("--own", one.colour);
    write("h2", name);
    write(".state", one.state);
    write(".db", inWords(db));
    part("meter").value = one.level_db;
    part("meter").setAttribute("aria-label", `level of ${name}`);
    const slider = part("input");
    slider.setAttribute("aria-label", `gain of ${name}`);
    if (this.held !== one.id) slider.value = String(db);
    slider.setAttribute("aria-valuetext", inWords(+slider.value));
    part(".solo").setAttribute("aria-label", `Solo ${name}`);
    part(".solo").setAttribute("aria-pressed", String(one.state === "solo"));
    part(".mute").setAttribute("aria-label", `Mute ${name}`);
    part(".mute").setAttribute("aria-pressed", String(one.state === "muted"));
    this.showPin(card, one, name);
    card.classList.toggle("off", one.state === "muted" || one.state === "off" || one.gain === 0);
    card.classList.toggle("selected", one.id === this.selected);
    if (one.id === this.selected) card.setAttribute("aria-current", "true");
    else card.removeAttribute("aria-current");
    card.dataset.state = one.state;
    card.dataset.gain = String(one.gain);
  }
  /** @param {HTMLElement} card @param {Sounding} one @param {string} name */
  showPin(card, one, name) {
    const mark = /** @type {HTMLElement} */ (card.querySelector(".pinned"));
    const button = /** @type {HTMLElement} */ (card.querySelector(".unpin"));
    button.setAttribute("aria-label", `Let go of ${name}`);
    button.title = "Let go of it: it may move, and leave (U)";
    // Who pressed it with a key goes on from here.
    if (!one.is_pinned && document.activeElement === button) card.querySelector("input")?.focus();
    mark.hidden = !one.is_pinned;
  }
}
