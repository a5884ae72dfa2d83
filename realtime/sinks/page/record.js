// The record button: begins and ends a recording, and says where it is.
// @ts-check

/** @typedef {{elapsed_s: number | null, said: string, number: number, refused: boolean}} Recording */

/** @param {number} seconds */
function clock(seconds) {
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60);
  return hours ? `${hours}:${two(minutes % 60)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

export class Recorder {
  /**
   * @param {HTMLButtonElement} button
   * @param {HTMLElement} remark  where it is said what came of it
   * @param {(request: object) => void} ask
   */
  constructor(button, remark, ask) {
    this.button = button;
    this.remark = remark;
    this.ask = ask;
    this.isOn = false;
    /** @type {number | null} of the last remark; those from before this page was opened are old */
    this.number = null;
    button.addEventListener("click", () => this.toggle());
  }

  toggle() {
    if (!this.button.hidden) this.ask({kind: "record", value: this.isOn ? 0 : 1});
  }

  /** @param {Recording | null} told  null: this run cannot be recorded */
  show(told) {
    this.button.hidden = !told;
    if (!told) return;
    this.isOn = told.elapsed_s !== null;
    const text = told.elapsed_s === null ? "Record" : clock(told.elapsed_s);
    const label = this.button.querySelector("span");
    if (label && label.textContent !== text) label.textContent = text;
    this.button.setAttribute("aria-pressed", String(this.isOn));
    this.button.title = this.isOn ? "Stop recording (T)" : "Record every object, and the picture (T)";
    if (this.number !== null && told.number !== this.number) this.say(told);
    if (this.isOn && this.remark.textContent) this.say({...told, said: ""});
    this.number = told.number;
  }

  /** @param {Recording} told */
  say(told) {
    this.remark.textContent = told.said && told.said[0].toUpperCase() + told.said.slice(1);
    this.remark.classList.toggle("refused", told.refused);
  }
}
