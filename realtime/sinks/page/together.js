// One frame of the browser for all that changes: with the next picture, or soon after where none comes.
// @ts-check

const LONGEST_MS = 80;

export class Together {
  constructor() {
    /** @type {Map<string, () => void>} the newest change of each kind */
    this.waiting = new Map();
    this.timer = 0;
  }

  /** @param {string} kind @param {() => void} change */
  put(kind, change) {
    this.waiting.set(kind, change);
    if (!this.timer) this.timer = setTimeout(() => this.now(), LONGEST_MS);
  }

  /** Make all changes that wait. */
  now() {
    clearTimeout(this.timer);
    this.timer = 0;
    const changes = [...this.waiting.values()];
    this.waiting.clear();
    for (const change of changes) change();
  }
}
