// Which of the pictures is shown: with the objects, or one of the paper's three.
// @ts-check

/** @type {[string, string, string][]} the view, its name, and what it shows */
const VIEWS = [
  ["objects", "Objects", "What sounds, outlined in the colour of its card."],
  ["sounds", "Sounds", "Each pixel's own spectrogram of the last seconds."],
  ["energy", "Energy", "How loud each pixel sounds."],
  ["clusters", "Clusters", "Pixels that sound alike have like colours."],
];

export class Views {
  /** @param {HTMLElement} place @param {(view: string) => void} look */
  constructor(place, look) {
    this.look = look;
    this.what = document.createElement("p");
    this.what.id = "view-hint";
    this.what.textContent = VIEWS[0][2];
    const says = document.createElement("div"), longest = document.createElement("p");
    says.id = "view-says";
    longest.textContent = VIEWS.map(([, , what]) => what).reduce((one, other) => one.length < other.length ? other : one);
    longest.setAttribute("aria-hidden", "true");  // it keeps the place: nothing below moves when another is chosen
    says.append(this.what, longest);
    const choices = document.createElement("fieldset");
    choices.innerHTML = "<legend>Picture</legend>";
    this.inputs = VIEWS.map(([view, name]) => {
      const label = document.createElement("label"), input = document.createElement("input");
      Object.assign(input, {type: "radio", name: "view", value: view, checked: view === "objects"});
      input.setAttribute("aria-describedby", "view-hint");
      input.addEventListener("change", () => this.choose(view));
      label.append(input, name);
      choices.append(label);
      return input;
    });
    place.append(choices, says);
    this.view = "objects";
  }

  /** @param {string} view */
  choose(view) {
    this.view = view;
    for (const input of this.inputs) input.checked = input.value === view;
    this.what.textContent = VIEWS.find(([one]) => one === view)?.[2] ?? "";
    this.look(view);
  }

  /** The one after it. */
  next() {
    const place = VIEWS.findIndex(([one]) => one === this.view);
    this.choose(VIEWS[(place + 1) % VIEWS.length][0]);
  }

  /** The connection is new: it has to be told again. */
  again() {
    if (this.view !== "objects") this.look(this.view);
  }
}
