// The mix in the browser, played as late as the picture is shown, and never before it.
// @ts-check

const LEAST_QUEUE_MS = 40;  // what the queue never falls below, if all goes well
const FOLLOW = 0.05;  // of every change, of how late sound and picture arrive
const LATER_MS = 15, EARLIER_MS = 40;  // changes that are worth a short silence: sound before its picture is noticed sooner

export class Sound {
  /** @param {(request: object) => void} ask @param {(text: string) => void} note */
  constructor(ask, note) {
    this.ask = ask;
    this.note = note;
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {AudioWorkletNode | null} */
    this.node = null;
    this.isOn = false;
    this.isOpening = false;
    /** @type {{captureMs: number, at: number} | null} what the worklet played, and when (context time) */
    this.played = null;
    /** @type {number | null} */
    this.pictureLateMs = null;
    /** @type {number | null} */
    this.soundLateMs = null;
    /** @type {number | null} what it takes to draw a picture that has come */
    this.drawingMs = null;
    this.targetMs = LEAST_QUEUE_MS;
  }

  /** Begin or end; sound comes once the first piece has said its rate. */
  toggle() {
    this.isOn = !this.isOn;
    this.ask({kind: "listen", wants: this.isOn});
    if (!this.isOn) this.close();
    return this.isOn;
  }

  /** The connection is new: it has to be told again. */
  again() {
    if (this.isOn) this.ask({kind: "listen", wants: true});
  }

  close() {
    this.context?.close();
    this.context = null;
    this.node = null;
    this.played = null;
    this.soundLateMs = null;
  }

  /** @param {import("./link.js").Picture} picture */
  sawPicture(picture) {
    this.pictureLateMs = followed(this.pictureLateMs, performance.now() - picture.captureMs);
  }

  /** @param {number} tookMs */
  sawDrawn(tookMs) {
    this.drawingMs = followed(this.drawingMs, tookMs);
  }

  /** The instant of capture that is heard now; null while nothing is. */
  heardMs() {
    if (!this.context || !this.played || this.context.state !== "running") return null;
    const sinceS = this.context.currentTime - this.played.at - (this.context.outputLatency || 0);
    return this.played.captureMs + 1000 * sinceS;
  }

  /** @param {import("./link.js").Sound} sound */
  async take(sound) {
    if (!this.isOn) return;
    this.soundLateMs = followed(this.soundLateMs, performance.now() - sound.captureMs);
    if (!this.context) await this.open(sound.rateHz);
    if (!this.node) return;
    this.aim();
    const count = sound.samples.length / 2;
    const channels = [new Float32Array(count), new Float32Array(count)];
    for (let place = 0; place < count; place++) {
      channels[0][place] = sound.samples[2 * place] / 32767;
      channels[1][place] = sound.samples[2 * place + 1] / 32767;
    }
    this.node.port.postMessage({captureMs: sound.captureMs, channels}, channels.map(one => one.buffer));
  }

  /** @param {number} rateHz */
  async open(rateHz) {
    if (this.isOpening) return;
    this.isOpening = true;
    try {
      const context = new AudioContext({sampleRate: rateHz, latencyHint: "interactive"});
      this.context = context;
      await context.audioWorklet.addModule("/worklet.js");
      if (context.state === "closed") return;
      const node = new AudioWorkletNode(context, "player", {numberOfInputs: 0, outputChannelCount: [2]});
      node.port.onmessage = event => this.hear(event.data);
      node.connect(context.destination);
      this.node = node;
      this.note("");
      context.resume();
      // A browser that forbids sound leaves the context waiting, and says nothing.
      setTimeout(() => {
        if (this.context === context && context.state !== "running") {
          this.note("The browser does not let this page play: allow sound for it, then press again.");
        }
      }, 1500);
    } catch (error) {
      this.note(`No sound here: ${error instanceof Error ? error.message : error}`);
      this.context = null;
    } finally {
      this.isOpening = false;
    }
  }

  /** Let the queue be so long that no sound comes before its picture. */
  aim() {
    const outputMs = 1000 * (this.context?.outputLatency || 0);
    const earlyMs = (this.pictureLateMs ?? 0) + (this.drawingMs ?? 0) - (this.soundLateMs ?? 0) - outputMs;
    const targetMs = Math.min(Math.max(LEAST_QUEUE_MS, this.pictureLateMs === null ? 0 : earlyMs), 2000);
    const laterMs = targetMs - this.targetMs;
    if (this.played && laterMs < LATER_MS && laterMs > -EARLIER_MS) return;
    this.targetMs = targetMs;
    this.node?.port.postMessage({targetMs});
  }

  /** @param {{captureMs: number | null, at: number}} said */
  hear(said) {
    // In a silence because something is missing pictures go on as they were.
    if (said.captureMs !== null) this.played = {captureMs: said.captureMs, at: said.at};
  }
}

/** @param {number | null} before @param {number} now */
const followed = (before, now) => before === null ? now : before + FOLLOW * (now - before);
