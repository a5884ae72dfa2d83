// The way in: the token out of the address, and what to do where there is none or it is wrong.
// @ts-check

const KEPT = "token";
export const INSECURE = "the browser takes this page for unsafe, because it came over http from another"
  + ` machine. Open it as https (start the player with --web-certificate), or run ssh -L ${location.port}:localhost:`
  + `${location.port} ${location.hostname} and open http://localhost:${location.port}.`;

/** It is never sent as part of an address, and does not stay in the address bar. */
function takeFromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token === null) return;
  sessionStorage.setItem(KEPT, token);
  history.replaceState(null, "", location.pathname);
}
takeFromAddress();
window.addEventListener("hashchange", () => {
  takeFromAddress();
  location.reload();
});

/** @param {string} path @returns {WebSocket} that says the token first; none, so that it is asked for at once */
export function knock(path) {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`);
  socket.binaryType = "arraybuffer";
  const token = sessionStorage.getItem(KEPT) ?? "";
  socket.addEventListener("open", () => socket.send(JSON.stringify({kind: "enter", token})));
  return socket;
}

/** @param {() => void} again  to be called once there is another token */
export function askForToken(again) {
  const form = /** @type {HTMLFormElement} */ (document.getElementById("door"));
  const wasWrong = sessionStorage.getItem(KEPT) !== null;
  sessionStorage.removeItem(KEPT);
  form.innerHTML = `<label for="token">This player opens with its token. Open the whole address that it
    printed when it started, or paste what follows <code>#token=</code> there.</label>
    <input id="token" type="password" autocomplete="off" required>
    <button>Enter</button><p role="alert"></p>`;
  /** @type {HTMLElement} */ (form.querySelector("p")).textContent = wasWrong ? "That token was wrong." : "";
  form.onsubmit = event => {
    event.preventDefault();
    const typed = /** @type {HTMLInputElement} */ (form.querySelector("input")).value.trim();
    sessionStorage.setItem(KEPT, typed.replace(/^.*#token=/, ""));
    form.hidden = true;
    again();
  };
  form.hidden = false;
  form.querySelector("input")?.focus();
}
