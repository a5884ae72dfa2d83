// Which object a click on the picture was meant for: what the player tells next shows it.
// @ts-check

const PATIENCE_MS = 3000;

/** @param {import("./cards.js").Sounding[]} objects @returns {number | null} the one that is heard alone */
function alone(objects) {
  const soloed = objects.filter(one => one.state === "solo");
  return soloed.length === 1 ? soloed[0].id : null;
}

/** @param {import("./cards.js").Sounding[]} objects */
const soloedOf = objects => objects.filter(one => one.state === "solo").map(one => one.id).join();

export class Pointed {
  constructor() {
    this.sinceMs = -Infinity;
    this.isFound = false;
    /** @type {import("./cards.js").Sounding[]} as they were at the click */
    this.before = [];
  }

  /** Somebody has clicked on the picture. @param {import("./cards.js").Sounding[]} objects */
  wait(objects) {
    if (!this.isWaiting) this.before = objects;
    this.sinceMs = performance.now();
    this.isFound = false;
  }

  get isWaiting() { return performance.now() - this.sinceMs < PATIENCE_MS; }

  /** Nothing should be turned meanwhile: it could be another one. */
  get isUnknown() { return this.isWaiting && !this.isFound; }

  /**
   * It is heard alone now; or it was, and all are heard again, as it was clicked once more.
   * @param {import("./cards.js").Sounding[]} objects @returns {number | null} null: it is not known
   */
  found(objects) {
    if (!this.isWaiting || soloedOf(objects) === soloedOf(this.before)) return null;
    const found = alone(objects) ?? (soloedOf(objects) ? null : alone(this.before));
    this.before = objects;
    this.isFound = true;
    return found;
  }
}
