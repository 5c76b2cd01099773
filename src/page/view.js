// What a reader sees of the picture and how: layers, colours, zoom, theme, the whole screen. The rest of the script has `state`, `panels` and `redraw`.
const COLOURS = ["origin", "ratio", "speed"];
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const night = matchMedia("(prefers-color-scheme: dark)");

function press(button, on) {
  button.setAttribute("aria-pressed", String(on));
}

function toggle(name, on = !state.show[name]) {
  state.show[name] = on;
  press(document.querySelector(`[data-show="${name}"]`), on);
  for (const key of document.querySelectorAll(`[data-key="${name}"]`)) key.hidden = !on;
  redraw();
}

function colourBy(name) {
  state.colour = name;
  for (const button of document.querySelectorAll("[data-colour]")) press(button, button.dataset.colour === name);
  for (const colour of COLOURS) document.querySelector(`[data-key="${colour}"]`).hidden = colour !== name;
  redraw();
}

function look() {
  for (const { canvas } of panels) canvas.classList.toggle("zoomed", camera.zoom > 1);
  redraw();
}

function wholeView() {
  resetCamera();
  look();
}

function zoom(factor) {
  zoomAt(factor);
  look();
}

const isDark = () => (document.documentElement.dataset.theme ?? (night.matches ? "dark" : "light")) === "dark";

function theme(name) {
  if (name) document.documentElement.dataset.theme = name;
  $("theme-word").textContent = isDark() ? "Light" : "Dark";
  readPalette();
  for (const panel of panels) panel.stale();
  keys();
  redraw();
}

// The marks that explain the colours.
function keys() {
  const scale = Math.min(devicePixelRatio || 1, 3);
  const wheel = $("wheel");
  const along = film.line ? palette.ramps.along : null;
  wheel.width = wheel.height = 34 * scale;
  const context = wheel.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 17 * scale, 17 * scale);
  for (const [x, y, colour] of along ? [] : palette.ramps.wheel) {
    context.fillStyle = colour;
    context.beginPath();
    context.arc(15 * x, -15 * y, 1.55, 0, 2 * Math.PI);
    context.fill();
  }
  for (const [ramp, colours] of [...["ratio", "speed"].map((name) => [$(`${name}-ramp`), palette.ramps[name]]), ...(along ? [[wheel, along]] : [])]) {
    ramp.width = colours.length;
    ramp.height = 1;
    colours.forEach((colour, k) => {
      const into = ramp.getContext("2d");
      into.fillStyle = colour;
      into.fillRect(k, 0, 1, 1);
    });
  }
  $("speed-middle").textContent = number(state.typical);
}

const inFull = () => document.fullscreenElement === $("player");

function fillScreen() {
  if (inFull()) document.exitFullscreen();
  else $("player").requestFullscreen?.().catch((error) => say(`The screen cannot be filled: ${error.message}`));
}

function say(words) {
  $("hint").textContent = words;
}

function pointers(panel) {
  const { canvas } = panel;
  const down = new Map();
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    down.set(event.pointerId, place(event));
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!down.has(event.pointerId)) return;
    const middle = () => {
      const all = [...down.values()];
      return [0, 1].map((axis) => all.reduce((sum, p) => sum + p[axis], 0) / all.length);
    };
    const spread = () => {
      const [a, b] = [...down.values()];
      return b ? Math.hypot(a[0] - b[0], a[1] - b[1]) : 0;
    };
    const [wide, from] = [spread(), middle()];
    down.set(event.pointerId, place(event));
    const to = middle();
    if (wide > 0) zoomAt(spread() / wide, ...panel.place(...to));
    moveTo(camera.x - (to[0] - from[0]) / panel.unit, camera.y + (to[1] - from[1]) / panel.unit);
    look();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => down.delete(event.pointerId));
  }
  // Two fingers zoom at once; one scrolls the page until the view is enlarged.
  canvas.addEventListener("touchmove", (event) => {
    if (event.touches.length > 1) event.preventDefault();
  }, { passive: false });
  canvas.addEventListener("wheel", (event) => {
    // A page that is being read must not be caught by a picture under the pointer.
    if (!(event.ctrlKey || event.metaKey || document.activeElement === canvas || inFull())) {
      say("To zoom with the wheel, click the picture first.");
      return;
    }
    event.preventDefault();
    const notch = event.deltaMode === 1 ? 0.06 : 0.0018;
    zoomAt(Math.exp(-event.deltaY * notch * (event.ctrlKey ? 4 : 1)), ...panel.place(...place(event)));
    look();
  }, { passive: false });
  canvas.addEventListener("blur", () => say(""));
  canvas.addEventListener("dblclick", (event) => {
    zoomAt(2, ...panel.place(...place(event)));
    look();
  });
}

// What every page with panels does at a key.
const VIEW_KEYS = {
  "+": () => zoom(1.3),
  "=": () => zoom(1.3),
  "-": () => zoom(1 / 1.3),
  0: wholeView,
  c: () => {
    const free = COLOURS.filter((name) => !document.querySelector(`[data-colour="${name}"]`).disabled);
    colourBy(free[(free.indexOf(state.colour) + 1) % free.length]);
  },
  f: () => toggle("field"),
  a: () => toggle("arrows"),
  g: () => toggle("target"),
  t: () => toggle("trails"),
  m: () => toggle("mesh"),
  d: () => theme(isDark() ? "light" : "dark"),
  p: fillScreen,
  "<": () => setPace(-1),
  ">": () => setPace(1),
};
