// The player's clock, as far as it can be known from here: as NTP, by questions and answers.
// @ts-check

const EVERY_MS = 1000, FIRST_EVERY_MS = 60, FIRST = 8, KEPT = 16, STEP_MS = 250;

export class PlayerClock {
  /** @param {(sentMs: number) => void} ask @param {() => void} stepped  one of the two clocks stood still, or was set */
  constructor(ask, stepped) {
    this.ask = ask;
    this.stepped = stepped;
    /** @type {{tookMs: number, aheadMs: number}[]} */
    this.answers = [];
    this.timer = 0;
  }

  begin() {
    this.end();
    this.tick();
  }

  end() {
    clearTimeout(this.timer);
    this.answers = [];
  }

  tick() {
    this.ask(performance.now());
    this.timer = setTimeout(() => this.tick(), this.answers.length < FIRST ? FIRST_EVERY_MS : EVERY_MS);
  }

  /** @param {{sent: number, at_ms: number}} answer */
  take({sent, at_ms}) {
    const tookMs = performance.now() - sent, aheadMs = at_ms - sent - tookMs / 2;
    if (this.isKnown && Math.abs(this.there(0) - aheadMs) > STEP_MS + tookMs / 2) {
      this.stepped();
      return;
    }
    this.answers.push({tookMs, aheadMs});
    if (this.answers.length > KEPT) this.answers.shift();
  }

  get isKnown() {
    return this.answers.length >= FIRST;
  }

  /** @param {number} ms  of performance.now(); what it is on the player's clock */
  there(ms) {
    // The quickest answer was held up least.
    const best = this.answers.reduce((one, other) => other.tookMs < one.tookMs ? other : one);
    return ms + best.aheadMs;
  }
}
