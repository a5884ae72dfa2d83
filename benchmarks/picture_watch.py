"""Which pictures a page shows, and when: noted in the page itself."""

# `seen`: when each new picture was on its way to the screen (ms since 1970), of which instant of
# capture it is, and how far what is heard is ahead of it. Frames are asked for where there is one
# to be drawn anyway: a page that is asked for sixty a second makes them.
WATCH_PICTURES = """() => {
  const isWatched = "seen" in window;
  window.seen = [];  // begins anew
  if (isWatched) return;
  const view = document.getElementById("view");
  let isAsked = false, last = "";
  const note = () => {
    isAsked = false;
    const {captureMs, behindMs} = view.dataset;
    if (captureMs === last) return;
    last = captureMs;
    const drawnMs = performance.timeOrigin + performance.now();
    window.seen.push([drawnMs, +captureMs, +(behindMs ?? NaN)]);
  };
  new MutationObserver(() => {
    if (!isAsked) requestAnimationFrame(note);
    isAsked = true;
  }).observe(view, {attributeFilter: ["data-capture-ms"]});
}"""
