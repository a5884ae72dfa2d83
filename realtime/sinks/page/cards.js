// A card per object, and one for the residual: name, level, gain, solo, mute.
// @ts-check

export const STEP_DB = 1.5;
const MOST_DB = 18, LEAST_DB = -40, MOST_GAIN = 8, LEVEL_FLOOR_DB = -60;
const LET_GO_MS = 500;

/** @typedef {{id: number, name: string, colour: string, level_db: number, gain: number, state: string}} Sounding */

/** @param {number} gain */
const toDb = gain => gain > 0 ? 20 * Math.log10(gain) : LEAST_DB;
/** @param {number} db */
const toGain = db => db <= LEAST_DB ? 0 : Math.min(10 ** (db / 20), MOST_GAIN);
/** @param {number} db */
const inWords = db => Math.abs(db) < 0.05 ? "0 dB" : `${db < 0 ? "−" : "+"}${Math.abs(db).toFixed(1)} dB`;
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

  /** @param {number} id */
  select(id) {
    this.selected = id;
    this.show(this.objects);
  }

  /** @param {number} steps up or down, of the selected object */
  turn(steps) {
    const one = this.objects.find(each => each.id === this.selected);
    if (one) this.setGain(one.id, toDb(one.gain || 1) + steps * STEP_DB);
    return Boolean(one);
  }

  /** @param {number} id @param {number} db */
  setGain(id, db) {
    this.ask({kind: "gain", object_id: id, value: toGain(Math.max(LEAST_DB, Math.min(db, MOST_DB)))});
  }

  /** @param {number} id */
  newCard(id) {
    const card = make("li", {class: "card", "data-id": String(id)});
    card.innerHTML = `
      <div class="head">
        <svg width="14" height="14" aria-hidden="true"><rect width="14" height="14" rx="4"/></svg>
        <h2></h2><span class="state"></span><span class="db"></span>
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
    for (const kind of ["solo", "mute"]) {
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
    write(".db", one.gain > 0 ? inWords(db) : "");
    part("meter").value = one.level_db;
    part("meter").setAttribute("aria-label", `level of ${name}`);
    const slider = part("input");
    slider.setAttribute("aria-label", `gain of ${name}`);
    slider.setAttribute("aria-valuetext", inWords(+slider.value));
    if (this.held !== one.id && one.gain > 0) slider.value = String(db);
    part(".solo").setAttribute("aria-label", `Solo ${name}`);
    part(".solo").setAttribute("aria-pressed", String(one.state === "solo"));
    part(".mute").setAttribute("aria-label", `Mute ${name}`);
    part(".mute").setAttribute("aria-pressed", String(one.state === "muted"));
    card.classList.toggle("off", one.gain === 0);
    card.classList.toggle("selected", one.id === this.selected);
    card.dataset.state = one.state;
    card.dataset.gain = String(one.gain);
  }
}
