// Plays pieces of sound from a ring, in a thread of its own; what is missing is silence.
// @ts-nocheck  (the names of an AudioWorkletGlobalScope)

const RING_S = 4, FADE_S = 0.006, TELL_EVERY_S = 0.05, WATCH_S = 2, SPARE_MS = 40, MISSING_MS = 3;

class Player extends AudioWorkletProcessor {
  constructor() {
    super();
    this.size = RING_S * sampleRate;
    this.ring = [new Float32Array(this.size), new Float32Array(this.size)];
    this.start = 0;  // of what is queued; both count samples for ever
    this.stop = 0;
    this.endMs = null;  // the instant of capture of `stop`
    this.target = 0.04 * sampleRate;
    this.isPlaying = false;
    this.fade = 0;  // 0 silent .. 1 heard
    this.jump = 0;  // samples to be left out as soon as it is silent
    this.least = Infinity;  // queued, since the last look
    this.lookAt = 0;
    this.tellAt = 0;
    this.port.onmessage = event => this.take(event.data);
  }

  take({captureMs, channels, targetMs}) {
    if (targetMs !== undefined) {
      const target = targetMs * sampleRate / 1000;
      if (target > this.target) this.isPlaying = false;  // wait until there is as much
      this.target = target;
      return;
    }
    if (this.endMs !== null) {
      const missingMs = captureMs - this.endMs;
      if (Math.abs(missingMs) > 1000 * RING_S / 2) this.start = this.stop;  // another time begins
      else if (missingMs > MISSING_MS) this.write(null, Math.round(missingMs * sampleRate / 1000));
    }
    this.write(channels, channels[0].length);
    this.endMs = captureMs + 1000 * channels[0].length / sampleRate;
  }

  write(channels, count) {
    for (let place = 0; place < count; place++) {
      const at = (this.stop + place) % this.size;
      for (let ear = 0; ear < 2; ear++) this.ring[ear][at] = channels ? channels[ear][place] : 0;
    }
    this.stop += count;
    this.start = Math.max(this.start, this.stop - this.size);
  }

  process(_, [output]) {
    const count = output[0].length, queued = this.stop - this.start;
    if (!this.isPlaying && queued > this.target + count) this.isPlaying = true;
    if (this.isPlaying && queued < 2 * count) this.isPlaying = false;
    if (this.isPlaying || this.fade > 0) this.play(output, Math.min(count, queued));
    this.look();
    return true;
  }

  play(output, count) {
    const step = 1 / (FADE_S * sampleRate);
    for (let place = 0; place < count; place++) {
      const isHeard = this.isPlaying && !this.jump;
      this.fade = isHeard ? Math.min(1, this.fade + step) : Math.max(0, this.fade - step);
      if (this.jump && this.fade === 0) {
        this.start += this.jump;
        this.jump = 0;
      }
      const at = (this.start + place) % this.size;
      for (let ear = 0; ear < 2; ear++) output[ear][place] = this.fade * this.ring[ear][at];
    }
    if (!this.isPlaying && count < output[0].length) this.fade = 0;
    this.start += count;
  }

  /** Say what is heard; shorten a queue that was longer than need be all the time. */
  look() {
    const queued = this.stop - this.start;
    if (this.isPlaying) this.least = Math.min(this.least, queued);
    if (currentTime >= this.lookAt) {
      const spare = this.least - this.target;
      if (Number.isFinite(spare) && spare > SPARE_MS * sampleRate / 1000) this.jump = Math.round(spare);
      this.least = Infinity;
      this.lookAt = currentTime + WATCH_S;
    }
    if (currentTime >= this.tellAt) {
      this.tellAt = currentTime + TELL_EVERY_S;
      const captureMs = this.isPlaying ? this.endMs - 1000 * (this.stop - this.start) / sampleRate : null;
      // Where the next block begins: this one is on its way.
      this.port.postMessage({captureMs, at: currentTime + 128 / sampleRate});
    }
  }
}

registerProcessor("player", Player);
