// This browser as camera and microphone of the player: asked for by a button, sent on a connection of its own.
// @ts-check

import {PlayerClock} from "./clock.js";
import {INSECURE, knock} from "./door.js";
import {OwnDevices} from "./own-devices.js";

const PICTURE = 3, SOUND = 4, HEADER_BYTES = 24;
const NO_TOKEN = 4001, TAKEN = 4002;
const LONGEST_SIDE = 960;
const BEST_QUALITY = 0.85, LEAST_QUALITY = 0.3, MOST_BYTES = 200_000;
// What waits in the browser's own queue: a picture only behind little, sound only behind two seconds of it.
const MOST_BEFORE_PICTURE = 32_768, MOST_BEFORE_SOUND = 400_000;
const FIRST_WAIT_MS = 250, LONGEST_WAIT_MS = 4000, MOST_LATE_MS = 1000;

const WORDS = {
  NotAllowedError: "The browser does not let this page use camera and microphone: allow both for it, beside the address, then press again.",
  NotFoundError: "The browser finds no camera or no microphone: plug both in, then press again.",
  NotReadableError: "Camera or microphone are in use by another program: end it, then press again.",
};

export class Capture {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    place.innerHTML = `<button type="button" aria-pressed="false">Use this camera and microphone</button>
      <p role="status"></p>`;
    this.button = /** @type {HTMLButtonElement} */ (place.querySelector("button"));
    this.says = /** @type {HTMLElement} */ (place.querySelector("p"));
    this.button.addEventListener("click", () => this.isOn ? this.end("") : this.begin());
    this.devices = new OwnDevices(this.says, kind => this.exchange(kind));
    this.wishes = {video: 0, audio: 0};  // how often another was wanted: the last counts
    this.waiting = /** @type {HTMLElement} */ (document.getElementById("waiting"));
    this.isOn = false;
    this.waitMs = FIRST_WAIT_MS;
    this.quality = BEST_QUALITY;
    this.isDrawing = false;
    this.watching = 0;
    /** @type {MediaStream | null} */
    this.stream = null;
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {AudioWorkletNode | null} */
    this.taker = null;
    /** @type {MediaStreamAudioSourceNode | null} */
    this.microphone = null;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.clock = new PlayerClock(sent => this.send(JSON.stringify({kind: "clock", sent})), () => this.socket?.close());
    this.canvas = document.createElement("canvas");
    this.video = document.createElement("video");
    this.video.muted = true;
    this.video.playsInline = true;
  }

  /** @param {{is_taken: boolean} | null | undefined} wanted  null: the player has another source */
  show(wanted) {
    this.place.hidden = !wanted;
    if (!wanted) return;
    this.waiting.textContent = wanted.is_taken ? "waiting for the picture"
      : "waiting for a camera: press the button below, here or in another browser";
    if (!this.isOn && !this.says.textContent && wanted.is_taken) this.say("Another browser is camera and microphone.");
    else if (!this.isOn && !wanted.is_taken && this.says.textContent.startsWith("Another")) this.say("");
  }

  /** @param {string} text */
  say(text) {
    if (this.says.textContent !== text) this.says.textContent = text;
    this.place.dataset.state = !this.isOn ? "off" : this.clock.isKnown && this.socket ? "on" : "waiting";
  }

  async begin() {
    if (!window.isSecureContext || !navigator.mediaDevices || !window.AudioWorkletNode) {
      this.say(`No camera and microphone here: ${INSECURE}`);
      return;
    }
    this.isOn = true;
    this.button.setAttribute("aria-pressed", "true");
    this.say("The browser asks whether this page may use camera and microphone.");
    try {
      const stream = await this.devices.open("video", "audio");
      if (!this.isOn) {
        stop(stream);
        return;
      }
      this.stream = stream;
      for (const track of stream.getTracks()) this.mind(track);
      this.video.srcObject = stream;
      await this.video.play();
      this.watch();
      this.connect();
      await this.devices.show(stream);
    } catch (error) {
      this.fail(error);
    }
  }

  /**
   * Another camera or microphone was chosen; the other one goes on.
   * @param {import("./own-devices.js").Kind} kind
   */
  async exchange(kind) {
    const stream = this.stream, wish = ++this.wishes[kind];
    if (!stream) return;
    for (const track of stream.getTracks().filter(one => one.kind === kind)) {
      track.stop();  // before: phones open one camera at a time
      stream.removeTrack(track);
    }
    try {
      const opened = await this.devices.open(kind);
      if (this.stream !== stream || this.wishes[kind] !== wish) {
        stop(opened);
        return;
      }
      for (const track of opened.getTracks()) {
        this.mind(track);
        stream.addTrack(track);
      }
      if (kind === "audio") this.listen();
      else {
        await this.video.play();
        this.video.cancelVideoFrameCallback(this.watching);
        this.watch();
      }
      await this.devices.show(stream);
    } catch (error) {
      if (this.stream === stream) this.fail(error);
    }
  }

  /** @param {MediaStreamTrack} track */
  mind(track) {
    track.onended = () => this.end(`The ${track.kind === "video" ? "camera" : "microphone"} has gone: plug it in, then press again.`);
  }

  /** @param {unknown} error */
  fail(error) {
    const {name, message} = /** @type {Error} */ (error);
    this.end(/** @type {Record<string, string>} */ (WORDS)[name] ?? `No camera and microphone: ${message}`);
  }

  /** @param {string} why  "" where the user wanted it */
  end(why) {
    this.isOn = false;
    this.button.setAttribute("aria-pressed", "false");
    this.clock.end();
    if (this.stream) stop(this.stream);
    this.stream = null;
    this.devices.show(null);
    this.video.cancelVideoFrameCallback(this.watching);
    this.video.srcObject = null;
    this.hush();
    this.socket?.close();
    this.socket = null;
    this.say(why);
  }

  /** Hear nothing any more. */
  hush() {
    this.context?.close();
    this.context = this.taker = this.microphone = null;
  }

  connect() {
    if (!this.isOn) return;
    const socket = knock("/source");
    this.socket = socket;
    socket.onmessage = event => {
      const said = JSON.parse(event.data);
      if (said.kind === "clock") this.clock.take(said);
      else if (said.kind === "go") this.go(said.rate_hz);
      if (this.clock.isKnown) this.say("This camera and microphone are on. Listen with headphones; keep this page in sight.");
    };
    socket.onclose = event => {
      if (this.socket !== socket) return;
      this.clock.end();
      this.hush();
      if (event.code === TAKEN || event.code === NO_TOKEN) {
        this.end(event.code === TAKEN ? "Another browser is camera and microphone: end it there, then press again."
          : "The token is missing or wrong: open the whole address that the player printed.");
        return;
      }
      this.say("Not connected; trying again.");
      setTimeout(() => this.connect(), this.waitMs);
      this.waitMs = Math.min(2 * this.waitMs, LONGEST_WAIT_MS);
    };
  }

  /** @param {number | null} rateHz  of the run; null: ours will be */
  async go(rateHz) {
    this.waitMs = FIRST_WAIT_MS;
    this.clock.begin();
    try {
      const context = rateHz ? new AudioContext({sampleRate: rateHz}) : new AudioContext();
      this.context = context;
      await context.audioWorklet.addModule("/capture-worklet.js");
      if (this.context !== context || !this.stream) return;
      this.taker = new AudioWorkletNode(context, "taker", {outputChannelCount: [1]});
      this.taker.port.onmessage = event => this.hear(event.data, context.sampleRate);
      this.taker.connect(context.destination);  // silence; it runs where it leads somewhere
      this.listen();
      await context.resume();
    } catch (error) {
      this.end(`No microphone at ${rateHz ?? "its own"} Hz in this browser: ${/** @type {Error} */ (error).message}`);
    }
  }

  /** To the microphone that there is now. */
  listen() {
    this.microphone?.disconnect();
    this.microphone = null;
    if (!this.context || !this.taker || !this.stream?.getAudioTracks().length) return;
    this.microphone = this.context.createMediaStreamSource(this.stream);
    this.microphone.connect(this.taker);
  }

  /** @param {{first: number, endedMs: number, samples: Int16Array}} piece @param {number} rateHz */
  hear({first, endedMs, samples}, rateHz) {
    if (!this.clock.isKnown || !this.isFree(MOST_BEFORE_SOUND)) return;
    const endMs = endedMs - (Date.now() - performance.now());
    if (performance.now() - endMs > MOST_LATE_MS) return;  // this page cannot keep up: what is new comes first
    const lateMs = 1000 * (this.stream?.getAudioTracks()[0]?.getSettings().latency ?? 0);
    this.send(packet(SOUND, 1, rateHz, this.clock.there(endMs - lateMs - 1000 * samples.length / rateHz), first, samples));
  }

  /** Look at every picture that the camera gives. */
  watch() {
    this.watching = this.video.requestVideoFrameCallback(async (nowMs, about) => {
      if (!this.stream) return;
      this.watch();
      if (this.isDrawing || !this.clock.isKnown || !this.isFree(MOST_BEFORE_PICTURE)) return;
      this.isDrawing = true;
      try {
        await this.picture(this.clock.there(about.captureTime ?? nowMs));
      } finally {
        this.isDrawing = false;
      }
    });
  }

  /** @param {number} captureMs */
  async picture(captureMs) {
    const {videoWidth, videoHeight} = this.video;
    const scale = Math.min(1, LONGEST_SIDE / Math.max(videoWidth, videoHeight));
    this.canvas.width = Math.round(videoWidth * scale);
    this.canvas.height = Math.round(videoHeight * scale);
    this.canvas.getContext("2d")?.drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    const blob = await new Promise(done => this.canvas.toBlob(done, "image/jpeg", this.quality));
    if (!blob) return;
    const isLarge = blob.size > MOST_BYTES;
    this.quality = isLarge ? Math.max(LEAST_QUALITY, this.quality - 0.1) : Math.min(BEST_QUALITY, this.quality + 0.01);
    if (!isLarge) this.send(packet(PICTURE, 0, 0, captureMs, 0, new Uint8Array(await blob.arrayBuffer())));
  }

  /** @param {number} bytes */
  isFree(bytes) {
    return this.socket?.readyState === WebSocket.OPEN && this.socket.bufferedAmount < bytes;
  }

  /** @param {string | ArrayBuffer} data */
  send(data) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(data);
  }
}

/**
 * @param {number} kind @param {number} channels @param {number} rateHz @param {number} captureMs
 * @param {number} first @param {Int16Array | Uint8Array} body
 */
function packet(kind, channels, rateHz, captureMs, first, body) {
  const data = new ArrayBuffer(HEADER_BYTES + body.byteLength), header = new DataView(data);
  header.setUint8(0, kind);
  header.setUint8(1, channels);
  header.setUint32(4, rateHz, true);
  header.setBigInt64(8, BigInt(Math.round(1e6 * captureMs)), true);
  header.setBigUint64(16, BigInt(first), true);
  new Uint8Array(data, HEADER_BYTES).set(new Uint8Array(body.buffer, body.byteOffset, body.byteLength));
  return data;
}

/** @param {MediaStream} stream */
function stop(stream) {
  for (const track of stream.getTracks()) {
    track.onended = null;
    track.stop();
  }
}
