// This browser's own cameras and microphones, to choose from while one of each is used.
// @ts-check

/** @typedef {"video" | "audio"} Kind */
/** @type {Record<Kind, string>} */
const TITLES = {video: "Camera", audio: "Microphone"};
/** @type {Record<Kind, MediaTrackConstraints>} */
const USUAL = {
  video: {width: {ideal: 1280}, frameRate: {ideal: 30}},
  // What is to be separated must come as it is.
  audio: {echoCancellation: false, noiseSuppression: false, autoGainControl: false},
};

export class OwnDevices {
  /**
   * @param {HTMLElement} next  what stands behind the lists
   * @param {(kind: Kind) => void} changed  another one is wanted
   */
  constructor(next, changed) {
    /** @type {MediaStream | null} */
    this.stream = null;
    /** @type {Map<Kind, {row: HTMLElement, select: HTMLSelectElement}>} */
    this.rows = new Map();
    for (const kind of /** @type {Kind[]} */ (["video", "audio"])) {
      const row = document.createElement("span"), label = document.createElement("label");
      const select = document.createElement("select");
      select.id = `own-${kind}`;
      label.htmlFor = select.id;
      label.textContent = TITLES[kind];
      row.append(label, select);
      row.hidden = true;
      next.before(row);
      select.addEventListener("change", () => changed(kind));
      this.rows.set(kind, {row, select});
    }
    navigator.mediaDevices?.addEventListener("devicechange", () => this.list());
  }

  /**
   * Open the devices that were chosen, or others where those have gone.
   * @param {Kind[]} kinds
   */
  async open(...kinds) {
    const usual = kinds.map(kind => [kind, USUAL[kind]]);
    const chosen = kinds.map(kind => {
      const id = this.rows.get(kind)?.select.value;
      return [kind, id ? {...USUAL[kind], deviceId: {exact: id}} : USUAL[kind]];
    });
    try {
      return await navigator.mediaDevices.getUserMedia(Object.fromEntries(chosen));
    } catch (error) {
      if (/** @type {Error} */ (error).name !== "OverconstrainedError") throw error;
      return navigator.mediaDevices.getUserMedia(Object.fromEntries(usual));
    }
  }

  /** @param {MediaStream | null} stream  that is used; null: none */
  show(stream) {
    this.stream = stream;
    return this.list();
  }

  /** Names are told only while the page may use them. */
  async list() {
    const stream = this.stream;
    const all = stream ? await navigator.mediaDevices.enumerateDevices() : [];
    if (stream !== this.stream) return;
    for (const [kind, {row, select}] of this.rows) {
      const there = all.filter(one => one.kind === `${kind}input` && one.deviceId);
      row.hidden = there.length < 2;
      if (!stream) continue;  // what was chosen is wanted the next time as well
      select.replaceChildren(...there.map((one, place) => new Option(one.label || `${TITLES[kind]} ${place + 1}`, one.deviceId)));
      const [track] = stream.getTracks().filter(one => one.kind === kind);
      select.value = track?.getSettings().deviceId ?? "";
    }
  }
}
