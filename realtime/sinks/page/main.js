// Puts the page together: one connection, and what is shown of it.
// @ts-check

import {Capture} from "./capture.js";
import {Cards, nameOf} from "./cards.js";
import {INSECURE} from "./door.js";
import {Graphs} from "./graphs.js";
import {Link} from "./link.js";
import {Pickers} from "./pickers.js";
import {View} from "./picture.js";
import {Pointed} from "./pointed.js";
import {Recorder} from "./record.js";
import {Sound} from "./sound.js";
import {Spectrograms} from "./spectrogram.js";
import {Together} from "./together.js";
import {Views} from "./views.js";

/** @param {string} id @returns {any} */
const find = id => document.getElementById(id);
const NOTE_MS = 6000;

let noted = 0;
/** @param {string} text */
function note(text) {
  find("note").textContent = text;
  clearTimeout(noted);
  noted = setTimeout(() => { find("note").textContent = ""; }, NOTE_MS);
}

/** @param {string} id @param {string} text  said only where it is new: a screen reader reads it out */
function write(id, text) {
  if (find(id).textContent !== text) find(id).textContent = text;
}

/** @param {object} request @param {string} [done]  what is said of it, once it is asked for */
function ask(request, done) {
  if (!link.isOpen) note("Not connected: nothing was changed.");
  else {
    link.ask(request);
    if (done !== undefined) note(done);
  }
}

/** @param {"click" | "pin"} kind @param {number} x @param {number} y */
function point(kind, x, y) {
  if (kind === "click" && link.isOpen) pointed.wait(cards.objects);
  ask({kind, x, y});
}

/** @param {string} text */
function noteSound(text) {
  write("note", text);
  clearTimeout(noted);  // it stays: something has to be done
}

const together = new Together();
const cards = new Cards(find("objects"), ask);
const pointed = new Pointed();
const sound = new Sound(request => link.ask(request), noteSound);
const recorder = new Recorder(find("record"), find("recorded"), ask);
const pickers = new Pickers(find("rig"), find("parts"), find("chosen"), request => link.ask(request));
const view = new View(find("view"), () => sound.heardMs(), point, tookMs => { sound.sawDrawn(tookMs); together.now(); });
const views = new Views(find("views"), which => link.ask({kind: "look", view: which}));
const spectrograms = new Spectrograms(
  find("objects"), wants => link.ask({kind: "follow", wants}), () => sound.heardMs(), turn => together.put("spectra", turn),
);
const graphs = new Graphs(find("graphs"), [
  {key: "latency_ms", what: "to the ear", unit: " ms"},
  {key: "sound_early_ms", what: "sound before picture", unit: " ms"},
  {key: "masks_per_s", what: "masks", unit: " /s"},
  {key: "frames_per_s", what: "pictures", unit: " /s"},
]);
const capture = new Capture(find("capture"));
const link = new Link({
  picture(picture) {
    link.ask({kind: "seen", number: picture.number});
    sound.sawPicture(picture);
    if (link.isOpen) find("waiting").hidden = true;
    view.take(picture);
  },
  sound(piece) { sound.take(piece); },
  spectra(columns) { spectrograms.take(columns); },
  told(state) {
    if (state.refused) note(`Refused: ${state.refused}.`);
    else together.put("told", () => show(state));
  },
  link(state, text) {
    find("link").dataset.state = state;
    write("link", text);
    showStale(state !== "open");
    if (state === "open") for (const each of [sound, views, spectrograms]) each.again();
  },
});

/** Picture and meters are those of before, while there is no connection. @param {boolean} isStale */
function showStale(isStale) {
  const isShown = Boolean(find("view").dataset.captureMs);
  document.body.classList.toggle("stale", isStale && isShown);
  if (isShown) {
    find("waiting").hidden = false;
    write("waiting", isStale ? "Not connected: this is the last picture." : "waiting for the picture");
  }
  if (isStale) graphs.forget();
}

/** @param {any} state */
function show({objects, numbers, lookahead_ms, positions_ms, recording = null, parts = [], looked = 0, capture: wanted}) {
  recorder.show(recording);
  pickers.show(parts, looked);
  capture.show(wanted);
  const hit = pointed.found(objects);
  if (hit !== null) cards.selected = hit;
  cards.show(objects);
  spectrograms.fit();
  find("listening").hidden = objects.length > 0;
  find("all").disabled = !objects.some((/** @type {any} */ one) => one.state === "solo");
  if (link.isOpen) graphs.take(numbers);  // it may have gone meanwhile
  const causes = numbers.causes_ms.filter((/** @type {any} */ [, ms]) => ms >= 1)
    .map((/** @type {any} */ [name, ms]) => `${ms} ms ${name}`);
  const lost = numbers.lost.join(", ") || "nothing lost";
  write("causes", [causes.length ? `to the ear: ${causes.join(" + ")}` : "", lost].filter(Boolean).join("; "));
  write("warnings", numbers.warnings.join(", "));
  write("engines", numbers.engines);
  showAhead(lookahead_ms, positions_ms);
}

const ahead = find("ahead");
/** @type {number[]} what the model can do, as the program tells */
let offered = [];
/** @param {number | null} ms @param {number[]} positions */
function showAhead(ms, positions) {
  ahead.disabled = ms === null || !positions.length;  // it cannot be turned
  if (ms === null || document.activeElement === ahead) return;
  ahead.dataset.ms = String(ms);
  const now = positions.length ? positions : [ms];
  if (now.join() !== offered.join()) {
    offered = now;
    ahead.replaceChildren(...offered.map(one => new Option(`${Math.round(one)} ms`, String(one))));
  }
  const distances = offered.map(one => Math.abs(one - ms));
  ahead.selectedIndex = distances.indexOf(Math.min(...distances));
}
/** @param {number} steps */
function turn(steps) {
  const place = ahead.selectedIndex + steps;
  if (ahead.disabled || place < 0 || place >= offered.length) return;
  ahead.selectedIndex = place;
  ask({kind: "lookahead", value: offered[place]});
}

ahead.addEventListener("change", () => {
  ask({kind: "lookahead", value: +ahead.value});
  ahead.blur();
});
find("all").addEventListener("click", () => ask({kind: "unsolo"}));
find("listen").addEventListener("click", () => {
  if (!link.isOpen) return;
  if (!window.isSecureContext || !window.AudioWorkletNode) {
    noteSound(`No sound here: ${INSECURE}`);
    return;
  }
  const isOn = sound.toggle();
  find("listen").setAttribute("aria-pressed", String(isOn));
  noteSound("");
});

/** @param {number} id */
function mute(id) {
  const one = cards.objects.find(each => each.id === id);
  if (!one) return;
  cards.select(id);
  const isMuted = cards.mute(one), isOff = cards.objects.some(each => each.id !== id && each.state === "solo");
  if (!link.isOpen) return;
  if (isMuted) note(`Muted ${nameOf(one)}.`);
  else note(`Unmuted ${nameOf(one)}${isOff ? ": not heard yet, as others are soloed" : ""}.`);
}

function letGo() {
  const one = cards.chosen;
  if (!one) note("Nothing is selected: click an object, or press its number.");
  else if (!one.is_pinned) note(`Not pinned: ${nameOf(one)}.`);
  else ask({kind: "unpin", object_id: one.id}, `Let go of ${nameOf(one)}.`);
}

let endAskedMs = -Infinity;
/** It ends for everybody: no slip of a finger may do that. */
function end() {
  if (performance.now() - endAskedMs < NOTE_MS) {
    endAskedMs = -Infinity;
    ask({kind: "quit"}, "Ending the run.");
    return;
  }
  if (!link.isOpen) return;
  endAskedMs = performance.now();
  note("Press Q again to end the run for everybody.");
}

/** What is typed there, or moves it, is no shortcut. @param {EventTarget | null} target @param {string} key */
function isTaken(target, key) {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches("select, textarea")) return true;
  if (!(target instanceof HTMLInputElement)) return false;
  if (target.type === "radio") return key.startsWith("arrow");  // to the next of them
  return target.type !== "range" || (key.length > 1 && key !== "escape");
}

document.addEventListener("keydown", event => {
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (isTaken(event.target, key)) return;
  if (key === "arrowup" || key === "arrowdown") {
    if (pointed.isUnknown || cards.turn(key === "arrowup" ? 1 : -1)) event.preventDefault();
  } else if (event.repeat) return;  // it is held down
  else if (/^[0-9]$/.test(key)) mute(+key);
  else if (key === "r" || key === "escape") ask({kind: "unsolo"});
  else if (key === "s") view.pointHere("click");
  else if (key === "p") view.pointHere("pin");
  else if (key === "u") letGo();
  else if (key === "[" || key === "]") turn(key === "]" ? 1 : -1);
  else if (key === "v") views.next();
  else if (key === "t") recorder.toggle();
  else if (key === "q") end();
});
