// Lists of the devices and engines that there are: what is chosen takes the place of the present one.
// @ts-check

const LOOK_AGAIN_MS = 3000, PATIENCE_MS = 15000;
const LOOKING = "Looking for what there is…";
/** @type {Record<string, string>} */
const TITLES = {camera: "Camera", microphone: "Microphone", speaker: "Speaker",
  vision: "Engine that sees", sound: "Engine that hears"};

/** @typedef {{part: string, name: string, offered: string[], said: string, number: number, refused: boolean}} Part */

export class Pickers {
  /**
   * @param {HTMLDetailsElement} box  open while somebody wants to choose
   * @param {HTMLElement} list
   * @param {HTMLElement} remark
   * @param {(request: object) => void} ask
   */
  constructor(box, list, remark, ask) {
    this.box = box;
    this.list = list;
    this.remark = remark;
    this.ask = ask;
    /** @type {Map<string, {select: HTMLSelectElement, number: number, since: number}>} */
    this.rows = new Map();
    this.looked = 0;  // how often the player has looked, as it tells
    box.addEventListener("toggle", () => {
      if (box.open && !this.remark.textContent) this.say(LOOKING, false);
      this.look();
    });
    setInterval(() => this.look(), LOOK_AGAIN_MS);
  }

  look() {
    if (this.box.open && !this.box.hidden && !document.hidden) this.ask({kind: "list"});
  }

  /** @param {Part[]} parts @param {number} looked */
  show(parts, looked) {
    this.box.hidden = !parts.length;
    if (looked !== this.looked && this.remark.textContent === LOOKING) this.say("", false);
    this.looked = looked;
    for (const [part, row] of this.rows) {
      if (parts.some(one => one.part === part)) continue;
      row.select.closest("div")?.remove();
      this.rows.delete(part);
    }
    for (const one of parts) this.update(one);
  }

  /** @param {Part} one */
  newRow(one) {
    const row = document.createElement("div"), label = document.createElement("label");
    const select = document.createElement("select");
    select.id = `choose-${one.part}`;
    label.htmlFor = select.id;
    label.textContent = TITLES[one.part] ?? one.part;
    row.append(label, select);
    this.list.append(row);
    const made = {select, number: one.number, since: 0};
    select.addEventListener("change", () => {
      made.since = performance.now();
      select.setAttribute("aria-busy", "true");
      this.say(`Opening ${select.value}…`, false);
      this.ask({kind: "choose", part: one.part, name: select.value});
    });
    this.rows.set(one.part, made);
    return made;
  }

  /** @param {Part} one */
  update(one) {
    const row = this.rows.get(one.part) ?? this.newRow(one), {select} = row;
    const names = [...select.options].map(option => option.value);
    if (names.join("\n") !== one.offered.join("\n")) {
      const before = select.value;
      select.replaceChildren(...one.offered.map(name => new Option(name, name)));
      select.value = before;
    }
    for (const option of select.options) {
      const text = option.value === one.name ? `${option.value} ✓` : option.value;
      if (option.text !== text) option.text = text;
    }
    const isDecided = one.number !== row.number || performance.now() - row.since > PATIENCE_MS;
    if (row.since && isDecided) {
      row.since = 0;
      select.removeAttribute("aria-busy");
    }
    if (one.number !== row.number) this.say(one.said, one.refused);
    row.number = one.number;
    if (!row.since && select.value !== one.name) select.value = one.name;
  }

  /** @param {string} text @param {boolean} isRefusal */
  say(text, isRefusal) {
    this.remark.textContent = text && text[0].toUpperCase() + text.slice(1);
    this.remark.classList.toggle("refused", isRefusal);
  }
}
