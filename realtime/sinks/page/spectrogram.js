// A small spectrogram per object: the mixture in grey, and in colour what of it is the object's.
// @ts-check

const COLUMNS = 256;  // six seconds
const LEAST_DB = -102, STEP_DB = 0.4;  // of a level, as pixelplayer/bands.py has them
const DARK_DB = -88, BRIGHT_DB = -30;
const MOST_WAITING = 256;
const CLEARED = 6;  // columns between the newest and the oldest, where nothing scrolls
const CALM = window.matchMedia("(prefers-reduced-motion: reduce)");
const EVERY_MS = 80;  // every change is a frame for the browser to put together, the whole page's

/**
 * @typedef {{captureMs: number, columnMs: number, bands: number, ids: Uint32Array, levels: Uint8Array,
 *   shares: Uint8Array[]}} Spectra  levels and shares band by band, from the lowest; shares of 255
 * @typedef {[number, number, number]} Rgb
 */

export class Spectrograms {
  /**
   * @param {HTMLElement} list  the cards, each with a data-id
   * @param {(wants: boolean) => void} follow  asks for them, or for no more
   * @param {() => number | null} heardMs  the instant of capture that is heard here, null without sound
   * @param {(turn: () => void) => void} soon  does it with other changes
   */
  constructor(list, follow, heardMs, soon) {
    this.list = list;
    this.follow = follow;
    this.heardMs = heardMs;
    /** @type {Map<number, Strip>} */
    this.strips = new Map();
    /** @type {Spectra[]} */
    this.waiting = [];
    this.isInSight = false;
    this.wants = false;
    new IntersectionObserver(([seen]) => {
      this.isInSight = seen.isIntersecting;
      this.look();
    }).observe(/** @type {HTMLElement} */ (list.parentElement));
    document.addEventListener("visibilitychange", () => this.look());
    setInterval(() => { if (this.waiting.length) soon(() => this.turn()); }, EVERY_MS);
  }

  /** Ask for what can be seen, and for no more. */
  look() {
    const wants = this.isInSight && document.visibilityState === "visible";
    if (wants === this.wants) return;
    this.wants = wants;
    this.follow(wants);
  }

  /** The connection is new: it has to be told again. */
  again() {
    if (this.wants) this.follow(true);
  }

  /** The cards have changed: each has its strip, in its object's colour. */
  fit() {
    const cards = /** @type {HTMLElement[]} */ ([...this.list.children]);
    const present = new Set(cards.map(card => Number(card.dataset.id)));
    for (const id of this.strips.keys()) if (!present.has(id)) this.strips.delete(id);
    for (const card of cards) {
      const id = Number(card.dataset.id), strip = this.strips.get(id) ?? new Strip(card);
      this.strips.set(id, strip);
      strip.paint(card.style.getPropertyValue("--own"), card.querySelector("h2")?.textContent ?? "");
    }
  }

  /** @param {Spectra} spectra */
  take(spectra) {
    this.waiting.push(spectra);
    if (this.waiting.length > MOST_WAITING) this.waiting.shift();
  }

  turn() {
    const dueMs = this.heardMs() ?? Infinity;
    while (this.waiting.length && this.waiting[0].captureMs <= dueMs) {
      const spectra = /** @type {Spectra} */ (this.waiting.shift());
      for (const [id, strip] of this.strips) {
        const row = spectra.ids.indexOf(id);
        strip.add(spectra, row < 0 ? null : spectra.shares[row]);
      }
    }
  }
}

/** One object's, on the canvas of its card. */
class Strip {
  /** @param {HTMLElement} card */
  constructor(card) {
    this.canvas = document.createElement("canvas");
    this.canvas.className = "spectrogram";
    this.canvas.width = COLUMNS;
    this.canvas.setAttribute("role", "img");
    card.querySelector("meter")?.after(this.canvas);
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    this.colour = "";
    this.nextMs = NaN;
    this.place = 0;  // of the next column, where nothing scrolls
    /** @type {Rgb[]} of the object's own sound, by level */
    this.own = [];
  }

  /** @param {string} colour @param {string} name */
  paint(colour, name) {
    const text = `the last six seconds of ${name}`;
    if (this.canvas.getAttribute("aria-label") !== text) this.canvas.setAttribute("aria-label", text);
    if (colour === this.colour) return;
    this.colour = colour;
    this.own = ramp(rgbOf(colour));
  }

  /** @param {Spectra} spectra @param {Uint8Array | null} share */
  add(spectra, share) {
    const {bands, columnMs, captureMs, levels} = spectra, count = levels.length / bands;
    if (this.canvas.height !== bands) {
      this.canvas.height = bands;  // it is empty now
      this.nextMs = NaN;
    }
    const missing = Math.round((captureMs - this.nextMs) / columnMs);
    this.nextMs = captureMs + count * columnMs;
    if (missing < 0 || missing > COLUMNS) this.context.clearRect(0, 0, COLUMNS, bands);
    const image = this.context.createImageData(count, bands);
    for (let band = 0; band < bands; band++) {
      for (let column = 0; column < count; column++) {
        const from = band * count + column, to = 4 * ((bands - 1 - band) * count + column);
        const level = levels[from], part = share ? share[from] / 255 : 0;
        for (let light = 0; light < 3; light++) {
          image.data[to + light] = GREY[level][light] + part * (this.own[level][light] - GREY[level][light]);
        }
        image.data[to + 3] = 255;
      }
    }
    const later = missing > 0 && missing <= COLUMNS ? missing : 0;
    if (CALM.matches) this.sweep(image, later);
    else this.scroll(image, later);
    this.canvas.dataset.captureMs = String(this.nextMs);
  }

  /** @param {ImageData} image @param {number} later  columns that are missing before it */
  scroll(image, later) {
    this.context.globalCompositeOperation = "copy";
    this.context.drawImage(this.canvas, -image.width - later, 0);
    this.context.globalCompositeOperation = "source-over";
    this.context.putImageData(image, COLUMNS - image.width, 0);
  }

  /**
   * Write over the oldest; all else stays where it is.
   * @param {ImageData} image @param {number} later  columns that are missing before it
   */
  sweep(image, later) {
    const {width, height} = image;
    for (const turn of [0, COLUMNS]) {  // what goes beyond the end begins again
      this.context.clearRect(this.place - turn, 0, later + width + CLEARED, height);
      this.context.putImageData(image, this.place + later - turn, 0);
    }
    this.place = (this.place + later + width) % COLUMNS;
  }
}

// Colours of even steps in lightness, in OKLab (Ottosson, 2020): dark, a colour, nearly white.

/** @param {Rgb} colour @returns {Rgb[]} */
function ramp(colour) {
  const [, a, b] = toOklab(colour);
  return LEVELS.map(part => {
    // Full colour in the middle; very dark and very bright there is none to be had.
    const tint = Math.min(1, 4 * part * (1.1 - part));
    return fromOklab(DARKEST + part * (0.95 - DARKEST), tint * a, tint * b);
  });
}

/** @param {string} css  #rrggbb @returns {Rgb} */
const rgbOf = css => /** @type {Rgb} */ ([1, 3, 5].map(place => parseInt(css.slice(place, place + 2), 16)));

/** @param {Rgb} rgb @returns {Rgb} */
function toOklab(rgb) {
  const [r, g, b] = rgb.map(one => one / 255).map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s];
}

/** @param {number} lightness @param {number} a @param {number} b @returns {Rgb} */
function fromOklab(lightness, a, b) {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3;
  const linear = [4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s];
  return /** @type {Rgb} */ (linear.map(one => Math.min(Math.max(one, 0), 1))
    .map(one => Math.round(255 * (one <= 0.0031308 ? 12.92 * one : 1.055 * one ** (1 / 2.4) - 0.055))));
}

const DARKEST = 0.2;
/** What of the way from dark to bright each level is. */
const LEVELS = Array.from({length: 256}, (_, level) =>
  Math.min(Math.max((LEAST_DB + STEP_DB * level - DARK_DB) / (BRIGHT_DB - DARK_DB), 0), 1));
const GREY = LEVELS.map(part => fromOklab(DARKEST + part * 0.3, 0, 0));
