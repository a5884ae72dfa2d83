// Hands the microphone's samples on, in pieces, each with the time of day at which it ended.
// @ts-nocheck  (the names of an AudioWorkletGlobalScope)

const PIECE = 512;

class Taker extends AudioWorkletProcessor {
  constructor() {
    super();
    this.samples = new Int16Array(PIECE);
    this.filled = 0;
  }

  process([input]) {
    const channels = input.length;
    if (!channels) {  // the microphone has not begun, or another is being opened
      this.filled = 0;
      return true;
    }
    const count = input[0].length;
    for (let place = 0; place < count; place++) {
      let sum = 0;
      for (let channel = 0; channel < channels; channel++) sum += input[channel][place];
      const value = Math.round(32768 * sum / channels);
      this.samples[this.filled++] = Math.max(-32768, Math.min(value, 32767));
      if (this.filled === PIECE) this.give(currentFrame + place + 1 - PIECE);
    }
    return true;
  }

  /** @param {number} first  the number of the piece's first sample */
  give(first) {
    // There is no finer clock in here; the player makes a straight line of many of these.
    this.port.postMessage({first, endedMs: Date.now(), samples: this.samples}, [this.samples.buffer]);
    this.samples = new Int16Array(PIECE);
    this.filled = 0;
  }
}

registerProcessor("taker", Taker);
