// The picture: the newest, or, where it is heard here as well, the one of the moment that is heard.
// @ts-check

const MOST_WAITING = 16;
const STEP = 0.02;  // of the picture, for the cross that the keys move

export class View {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => number | null} heardMs  the instant of capture that is heard now, null without sound
   * @param {(kind: "click" | "pin", x: number, y: number) => void} onPoint  fractions of the picture
   */
  constructor(canvas, heardMs, onPoint) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.heardMs = heardMs;
    this.onPoint = onPoint;
    this.cross = /** @type {HTMLElement} */ (document.getElementById("cross"));
    this.place = {x: 0.5, y: 0.5};
    /** @type {[number, number] | null} */
    this.pointer = null;
    /** @type {{captureMs: number, image: ImageBitmap}[]} */
    this.waiting = [];
    canvas.addEventListener("click", event => {
      this.point(event.shiftKey ? "pin" : "click", event.clientX, event.clientY);
    });
    canvas.addEventListener("mousemove", event => { this.pointer = [event.clientX, event.clientY]; });
    canvas.addEventListener("mouseleave", () => { this.pointer = null; });
    canvas.addEventListener("keydown", event => this.key(event));
    canvas.addEventListener("focus", () => this.showCross());
    canvas.addEventListener("blur", () => { this.cross.hidden = true; });
    const turn = () => { this.turn(); requestAnimationFrame(turn); };
    requestAnimationFrame(turn);
  }

  /** @param {import("./link.js").Picture} picture */
  async take(picture) {
    const image = await createImageBitmap(picture.jpeg);
    this.waiting.push({captureMs: picture.captureMs, image});
    if (this.waiting.length > MOST_WAITING) this.waiting.shift()?.image.close();
  }

  turn() {
    const heardMs = this.heardMs();
    const dueMs = heardMs ?? Infinity;
    let due = null;
    while (this.waiting.length && this.waiting[0].captureMs <= dueMs) {
      due?.image.close();
      due = this.waiting.shift() ?? null;
    }
    if (!due) return;
    const {image, captureMs} = due;
    if (this.canvas.width !== image.width || this.canvas.height !== image.height) {
      this.canvas.width = image.width;
      this.canvas.height = image.height;
    }
    this.context.drawImage(image, 0, 0);
    image.close();
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
    this.cross.hidden = !this.canvas.matches(":focus-visible");
    const box = this.box(), outer = /** @type {HTMLElement} */ (this.canvas.parentElement).getBoundingClientRect();
    this.cross.style.left = `${box.left - outer.left + this.place.x * box.width}px`;
    this.cross.style.top = `${box.top - outer.top + this.place.y * box.height}px`;
  }
}
