// The picture: the newest, or, where it is heard here as well, the one of the moment that is heard.
// @ts-check

const MOST_WAITING = 64;  // three seconds: sound may be late where browsers share few cores
const LONGEST_REST_MS = 100;  // what is heard may jump
const STEP = 0.02;  // of the picture, for the cross that the keys move
const DRAG_PX = 12;  // less is a click by an unsteady hand
const HOLD_MS = 500;  // a finger that stays so long pins

/**
 * As a blob it would go to another process of the browser, and come back.
 * @param {Uint8Array} jpeg @returns {Promise<ImageBitmap | VideoFrame>}
 */
async function decoded(jpeg) {
  if (!("ImageDecoder" in window)) return createImageBitmap(new Blob([jpeg], {type: "image/jpeg"}));
  const decoder = new ImageDecoder({data: jpeg, type: "image/jpeg"});
  try {
    return (await decoder.decode()).image;
  } finally {
    decoder.close();
  }
}

/** @typedef {{captureMs: number, jpeg: Uint8Array}} Waiting */

export class View {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => number | null} heardMs  the instant of capture that is heard now, null without sound
   * @param {(kind: "click" | "pin", x: number, y: number) => void} onPoint  fractions of the picture
   * @param {(tookMs: number) => void} onShown  a picture was drawn: what else changes now costs no frame of its own
   */
  constructor(canvas, heardMs, onPoint, onShown) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.heardMs = heardMs;
    this.onPoint = onPoint;
    this.onShown = onShown;
    this.cross = /** @type {HTMLElement} */ (document.getElementById("cross"));
    this.place = {x: 0.5, y: 0.5};
    /** @type {[number, number] | null} */
    this.pointer = null;
    /** @type {Waiting[]} */
    this.waiting = [];
    this.isTurning = false;  // one picture at a time is waited for or decoded
    /** @type {[number, number] | null} where the button, or the finger, went down */
    this.from = null;
    this.isTouched = false;
    this.isDone = false;  // this press was no click: it was dragged, or held
    this.holding = 0;
    canvas.addEventListener("pointerdown", event => this.grab(event));
    canvas.addEventListener("pointermove", event => this.drag(event));
    canvas.addEventListener("pointerup", event => this.drop(event));
    canvas.addEventListener("pointercancel", () => this.letGo());
    canvas.addEventListener("click", event => {
      if (!this.isDone) this.point(event.shiftKey ? "pin" : "click", event.clientX, event.clientY);
      this.isDone = false;
    });
    canvas.addEventListener("mousedown", event => {
      // Only the keyboard gives the picture its focus: after a click arrows turn the gain, and move no cross.
      event.preventDefault();
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    });
    canvas.addEventListener("contextmenu", event => {
      if (this.isTouched) event.preventDefault();  // a long press pins
    });
    canvas.addEventListener("mousemove", event => { this.pointer = [event.clientX, event.clientY]; });
    canvas.addEventListener("mouseleave", () => { this.pointer = null; });
    canvas.addEventListener("keydown", event => this.key(event));
    canvas.addEventListener("focus", () => this.showCross());
    canvas.addEventListener("blur", () => { this.cross.hidden = true; });
    document.addEventListener("visibilitychange", () => this.turn());
  }

  /** @param {import("./link.js").Picture} picture */
  take({captureMs, jpeg}) {
    this.waiting.push({captureMs, jpeg});
    if (this.waiting.length > MOST_WAITING) this.waiting.shift();
    this.turn();
  }

  /** Show all that waits, each when it is due, and nothing where nobody looks.
   *
   * Decoded then: what waits is small, and what is skipped costs nothing. Drawn as soon as it is decoded: to wait
   * for the screen's next frame would make one of its own, in which nothing is new.
   */
  async turn() {
    if (this.isTurning) return;
    this.isTurning = true;
    try {
      while (this.waiting.length && !document.hidden) {
        const aheadMs = this.waiting[0].captureMs - this.dueMs();
        if (aheadMs > 0) await new Promise(done => setTimeout(done, Math.min(aheadMs, LONGEST_REST_MS)));
        else await this.show(this.newestDue());
      }
    } finally {
      this.isTurning = false;
    }
  }

  dueMs() { return this.heardMs() ?? Infinity; }

  /** The first that waits is due. */
  newestDue() {
    const dueMs = this.dueMs();
    let due = /** @type {Waiting} */ (this.waiting.shift());
    while (this.waiting.length && this.waiting[0].captureMs <= dueMs) due = /** @type {Waiting} */ (this.waiting.shift());
    return due;
  }

  /** @param {Waiting} picture */
  async show({captureMs, jpeg}) {
    const beganMs = performance.now(), image = await decoded(jpeg);
    this.draw(image, captureMs);
    image.close();
    this.onShown(performance.now() - beganMs);
  }

  /** @param {ImageBitmap | VideoFrame} image @param {number} captureMs */
  draw(image, captureMs) {
    const [width, height] = "displayWidth" in image ? [image.displayWidth, image.displayHeight] : [image.width, image.height];
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    this.context.drawImage(image, 0, 0);
    const heardMs = this.heardMs();
    this.canvas.dataset.captureMs = String(captureMs);
    if (heardMs === null) delete this.canvas.dataset.behindMs;
    else this.canvas.dataset.behindMs = (heardMs - captureMs).toFixed(1);
  }

  /** Where the picture is within the canvas, which keeps its proportions. */
  box() {
    const outer = this.canvas.getBoundingClientRect();
    const scale = Math.min(outer.width / this.canvas.width, outer.height / this.canvas.height);
    const width = scale * this.canvas.width, height = scale * this.canvas.height;
    return {left: outer.left + (outer.width - width) / 2, top: outer.top + (outer.height - height) / 2, width, height};
  }

  /** @param {"click" | "pin"} kind @param {number} clientX @param {number} clientY */
  point(kind, clientX, clientY) {
    const box = this.box();
    const x = (clientX - box.left) / box.width, y = (clientY - box.top) / box.height;
    if (x >= 0 && x <= 1 && y >= 0 && y <= 1) this.onPoint(kind, x, y);
  }

  /** Mouse and pen drag; a finger that moves scrolls the page, one that stays pins. @param {PointerEvent} event */
  grab(event) {
    this.letGo();
    this.isDone = false;
    this.isTouched = event.pointerType === "touch";
    if (event.button !== 0 || !event.isPrimary) return;  // the second finger zooms
    this.from = [event.clientX, event.clientY];
    if (this.isTouched) this.holding = setTimeout(() => this.hold(), HOLD_MS);
    else this.canvas.setPointerCapture(event.pointerId);
  }

  hold() {
    if (!this.from) return;
    this.isDone = true;
    this.putCross(...this.from);  // until the finger leaves
    this.point("pin", ...this.from);
  }

  /** @param {PointerEvent} event */
  drag(event) {
    if (!this.from || !event.isPrimary) return;
    const [x, y] = this.from, isFar = Math.hypot(event.clientX - x, event.clientY - y) > DRAG_PX;
    if (this.isTouched) {
      if (isFar) clearTimeout(this.holding);
      return;
    }
    this.isDone ||= isFar;
    if (this.isDone) this.putCross(event.clientX, event.clientY);
  }

  /** Pin an object where it was dragged to. @param {PointerEvent} event */
  drop(event) {
    if (this.from && this.isDone && !this.isTouched) this.point("pin", event.clientX, event.clientY);
    this.letGo();
  }

  letGo() {
    clearTimeout(this.holding);
    this.from = null;
    this.showCross();
  }

  /** Where the mouse is, or the cross. @param {"click" | "pin"} kind */
  pointHere(kind) {
    if (this.pointer) this.point(kind, ...this.pointer);
    else if (document.activeElement === this.canvas) this.onPoint(kind, this.place.x, this.place.y);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const [dx, dy] = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key] ?? [0, 0];
    if (dx || dy) {
      this.place.x = Math.min(Math.max(this.place.x + dx * STEP, 0), 1);
      this.place.y = Math.min(Math.max(this.place.y + dy * STEP, 0), 1);
      this.showCross();
    } else if (event.key === "Enter" || event.key === " ") {
      this.onPoint(event.shiftKey ? "pin" : "click", this.place.x, this.place.y);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  showCross() {
    const box = this.box();
    this.putCross(box.left + this.place.x * box.width, box.top + this.place.y * box.height);
    this.cross.hidden = !this.canvas.matches(":focus-visible");
  }

  /** @param {number} clientX @param {number} clientY */
  putCross(clientX, clientY) {
    const outer = /** @type {HTMLElement} */ (this.canvas.parentElement).getBoundingClientRect();
    this.cross.style.left = `${clientX - outer.left}px`;
    this.cross.style.top = `${clientY - outer.top}px`;
    this.cross.hidden = false;
  }
}
