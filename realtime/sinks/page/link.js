// The one connection to the player: it comes back by itself, and says how it is.
// @ts-check

import {askForToken, knock} from "./door.js";

const FIRST_WAIT_MS = 250, LONGEST_WAIT_MS = 5000;
const TOO_MANY = 4000, NO_TOKEN = 4001;
const PICTURE = 1, SOUND = 2, SPECTRA = 3, HEADER_BYTES = 16;

/**
 * @typedef {{number: number, captureMs: number, jpeg: Uint8Array}} Picture
 * @typedef {{rateHz: number, captureMs: number, samples: Int16Array}} Sound  two channels, by turns
 * @typedef {{picture(one: Picture): void, sound(one: Sound): void, told(state: any): void,
 *   spectra(one: import("./spectrogram.js").Spectra): void, link(state: "open" | "waiting", text: string): void}} Listener
 */

export class Link {
  /** @param {Listener} listener */
  constructor(listener) {
    this.listener = listener;
    this.waitMs = FIRST_WAIT_MS;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.open();
  }

  open() {
    const socket = knock("/live");
    socket.onopen = () => {
      this.waitMs = FIRST_WAIT_MS;
      this.listener.link("open", "live");
    };
    socket.onmessage = event => this.take(event.data);
    socket.onclose = event => {
      this.socket = null;
      if (event.code === NO_TOKEN) {
        this.listener.link("waiting", "waiting for the token");
        askForToken(() => this.open());
        return;
      }
      const why = event.code === TOO_MANY ? "too many viewers" : "the program has ended, or is away";
      this.listener.link("waiting", `${why}; trying again`);
      setTimeout(() => this.open(), this.waitMs * (0.8 + 0.4 * Math.random()));
      this.waitMs = Math.min(2 * this.waitMs, LONGEST_WAIT_MS);
    };
    this.socket = socket;
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /** @param {object} request */
  ask(request) {
    if (this.isOpen) this.socket?.send(JSON.stringify(request));
  }

  /** @param {string | ArrayBuffer} data */
  take(data) {
    if (typeof data === "string") {
      this.listener.told(JSON.parse(data));
      return;
    }
    const header = new DataView(data, 0, HEADER_BYTES);
    const captureMs = Number(header.getBigInt64(8, true)) / 1e6;
    const number = header.getUint32(4, true);
    if (header.getUint8(0) === PICTURE) {
      this.listener.picture({number, captureMs, jpeg: new Uint8Array(data, HEADER_BYTES)});
    } else if (header.getUint8(0) === SOUND) {
      this.listener.sound({rateHz: number, captureMs, samples: new Int16Array(data, HEADER_BYTES)});
    } else if (header.getUint8(0) === SPECTRA) {
      this.listener.spectra({captureMs, columnMs: number / 1e6, ...spectra(data, header.getUint8(1), header.getUint16(2, true))});
    }
  }
}

/** @param {ArrayBuffer} data @param {number} rows @param {number} bands */
function spectra(data, rows, bands) {
  const ids = new Uint32Array(data, HEADER_BYTES, rows), start = HEADER_BYTES + ids.byteLength;
  const size = (data.byteLength - start) / (rows + 1);
  const parts = Array.from({length: rows + 1}, (_, row) => new Uint8Array(data, start + row * size, size));
  return {bands, ids, levels: parts[0], shares: parts.slice(1)};
}
