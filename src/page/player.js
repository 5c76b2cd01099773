// The player: what is shown now, and everything by which a reader changes it.
const SHOWN = { field: true, arrows: true, target: true, trails: film.trails ?? false, mesh: false };
const state = {
  step: 0,
  // The phase of a step that is shown; null: points, field and moves together.
  phase: null,
  playing: false,
  pace: 1,
  loop: false,
  colour: "origin",
  show: { ...SHOWN },
  typical: 1,
};
const HOLD = 1.2;
const GAP = 14;
// Above each of several panels; in full screen as much as its words take.
const caption = () => (inFull() ? document.querySelector(".panel figcaption").offsetHeight + 8 : 54);
let panels = [];
let charts = [];
let moments = [];
let waiting = false;
let before = null;
let held = 0;
// Whether the page has followed its address, from when on the address follows the page; and what it was last made.
let started = false;
let kept = "";
let settling = null;
// The theme before the page was printed: on paper all is light.
let unprinted = "";

// Asks for a new picture; however often, there is one a frame of the screen.
function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(turn);
}

function turn(now) {
  waiting = false;
  if (state.playing) {
    // A tab that was out of sight goes on from where it was.
    const seconds = before === null ? 0 : Math.min((now - before) / 1000, 0.1);
    advance(seconds);
    before = now;
  }
  picture();
  if (state.playing) redraw();
}

function advance(seconds) {
  if (state.step >= film.steps) {
    held += seconds;
    if (!state.loop) play(false);
    else if (held >= HOLD) state.step = 0;
    return;
  }
  held = 0;
  // Frames follow each other evenly, however many steps lie between them.
  let left = seconds * state.pace * film.fps;
  while (left > 0 && state.step < film.steps) {
    const last = moments.findLast((step) => step <= state.step + 1e-9) ?? 0;
    const next = moments.find((step) => step > state.step + 1e-9) ?? film.steps;
    const rest = (next - state.step) / (next - last);
    if (left < rest) {
      state.step += left * (next - last);
      return;
    }
    left -= rest;
    state.step = next;
  }
}

function picture() {
  for (const panel of panels) {
    if (state.phase === null) panel.draw(state);
    else drawPhase(panel);
  }
  tellPhases();
  tellScales(state.step);
  for (const chart of charts) chart.show(state.step);
  // What was recorded: of the way to the next moment nothing is.
  const step = moments.findLast((moment) => moment <= state.step + 1e-9) ?? Math.floor(state.step + 1e-9);
  $("time").value = state.step;
  const [frame] = moment(panels[0].run, state.step);
  const time = panels[0].run.times[frame];
  const words = `step ${step} of ${film.steps}`;
  $("clock").textContent = panels.length > 1 ? words : `${words} · time ${number(time)}`;
  $("time").setAttribute("aria-valuetext", words);
  if (!state.playing) {
    clearTimeout(settling);
    settling = setTimeout(keepAddress, 300);
  }
}

function play(on) {
  if (on && moments.length < 2) return;
  if (on && state.step >= film.steps && !state.loop) state.step = 0;
  state.playing = on;
  state.phase = null;
  before = null;
  held = 0;
  const button = $("play");
  button.setAttribute("aria-label", on ? "Pause" : "Play");
  redraw();
}

// Stops at the recorded moment next to `step`: what stands still has been.
function seek(step) {
  state.step = moments.reduce((best, one) => (Math.abs(one - step) < Math.abs(best - step) ? one : best), moments[0] ?? 0);
  play(false);
}

// To the next recorded moment of any run, or the one before.
function nudge(direction) {
  const next = direction > 0
    ? moments.find((step) => step > state.step + 1e-9)
    : moments.findLast((step) => step < state.step - 1e-9);
  seek(next ?? (direction > 0 ? film.steps : 0));
}

function loop(on) {
  state.loop = on;
  press($("loop"), on);
}

function setPace(by) {
  const choice = $("pace");
  choice.selectedIndex = clamp(choice.selectedIndex + by, 0, choice.options.length - 1);
  state.pace = Number(choice.value);
}

function showKeys() {
  if (inFull()) document.exitFullscreen();
  $("keys").scrollIntoView();
  $("keys").focus({ preventScroll: true });
}

// How many panels stand abreast: so that they are as large as can be while all are in sight, or else large enough.
function abreast(wide, tall) {
  const count = panels.length;
  const size = (columns) => {
    const rows = Math.ceil(count / columns);
    // Beside and below a plot stand the labels of its axes, above it remarks.
    const larger = lettering() / LETTER;
    const across = (wide - GAP * (columns - 1)) / columns - 46 * larger;
    return Math.min(across, (tall / rows - caption() - 46 * larger) / panels[0].aspect);
  };
  const all = panels.map((_, k) => k + 1).filter((n) => n === Math.ceil(count / Math.ceil(count / n)));
  const best = all.reduce((a, b) => (size(b) > size(a) ? b : a));
  if (size(best) >= (film.line ? 280 : 190)) return best;
  const least = film.line ? 300 : innerWidth < 560 && count > 3 ? 150 : 230;
  const most = clamp(Math.floor((wide + GAP) / (least + GAP)), 1, count);
  return Math.ceil(count / Math.ceil(count / most));
}

// Sizes of the charts: the first few are large, in as much of the height of the player beside them as is left by the others; these stand below.
function layCharts(beside) {
  const blocks = [$("main-charts"), $("other-charts")].map((holder, k) => {
    const own = charts.filter(({ figure }) => figure.parentElement === holder);
    const least = k === 0 ? 222 : 215;
    const most = Math.max(1, Math.floor((holder.clientWidth + 22) / least));
    const lines = Math.ceil(own.length / (k === 0 ? Math.min(most, 2) : most));
    if (own.length > 0) holder.style.setProperty("--columns", Math.ceil(own.length / lines));
    return { own, lines };
  });
  const [main, others] = blocks;
  const small = 92;
  const room = $("player").offsetHeight - document.querySelector("#curves .small:last-child").offsetHeight - others.lines * (small + 54) - 12;
  const share = room / Math.max(main.lines, 1) - 74;
  const large = clamp(Math.floor(beside ? share : 170), 120, 260);
  for (const [{ own }, height] of [[main, large], [others, small]]) {
    const left = Math.max(0, ...own.map((chart) => chart.room(height)));
    for (const chart of own) chart.draw(height, left);
  }
}

// Gives every canvas and chart its size.
function layout() {
  // Where names and words have no room beside each other, they stand on two lines.
  const { classList } = $("player");
  classList.toggle("many", panels.length > 3);
  classList.remove("stacked");
  classList.toggle("stacked", inFull() && panels.length > 1 && panels.some((panel) => panel.terseness() > 2));
  const high = (name) => document.querySelector(name).offsetHeight;
  const holder = document.querySelector(".panels");
  // Where title and key stand beside the picture, they take nothing of its height.
  const beside = inFull() && getComputedStyle($("player")).display === "grid";
  // Where the key stands beside the picture, it takes none of it either.
  const parts = getComputedStyle(document.querySelector(".controls")).display === "contents" ? high(".options") + high(".hint") + 16 : high(".controls");
  const controls = high(".transport") + (beside ? 0 : parts + high("#phases"));
  const head = inFull() ? 48 + (beside ? 0 : high(".lecture") + high(".view")) : Math.min(190, $("player").getBoundingClientRect().top + scrollY + 12);
  const columns = abreast(holder.clientWidth, innerHeight - head - controls);
  const rows = Math.ceil(panels.length / columns);
  holder.style.setProperty("--columns", columns);
  // A cloud on the line has four parts, one below the other.
  const least = inFull() ? 160 : panels.length > 1 && !film.line ? 220 : 300;
  const tall = (innerHeight - head - controls) / rows - (inFull() || panels.length > 1 ? caption() + (inFull() ? 6 : 0) : 34);
  for (const panel of panels) panel.fit(Math.max(least, tall));
  const single = panels.length === 1 && matchMedia("(min-width: 1000px)").matches;
  layCharts(panels.length === 1 && matchMedia("(min-width: 1000px)").matches);
  redraw();
}

const KEYS = {
  ...VIEW_KEYS,
  " ": () => play(!state.playing),
  ArrowLeft: () => nudge(-1),
  ArrowRight: () => nudge(1),
  Home: () => seek(0),
  End: () => seek(film.steps),
  l: () => loop(!state.loop),
  n: nextPhase,
  y: copyLink,
  o: () => {
    $("player").classList.toggle("buttons");
    layout();
  },
  "?": showKeys,
};

// Keys act on the player unless they mean something where the focus is.
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const { target } = event;
  const taken = target instanceof Element && target.closest("select, pre, .wide, [contenteditable]");
  const pressed = key === " " && target instanceof Element && target.closest("button, summary, a");
  const act = Object.hasOwn(KEYS, key) ? KEYS[key] : null;
  // Elsewhere these two scroll the page.
  const ends = ["Home", "End"].includes(key) && !(target instanceof Element && target.closest("#player"));
  if (!act || taken || pressed || ends) return;
  event.preventDefault();
  act();
}

// What `follow` reads: the moment, and what a reader has chosen.
function fragment() {
  const wish = new URLSearchParams({ step: String(state.step) });
  const chosen = document.documentElement.dataset.theme;
  if (chosen) wish.set("theme", chosen);
  if (state.colour !== COLOURS[0]) wish.set("colour", state.colour);
  for (const [name, on] of Object.entries(state.show)) {
    if (on !== SHOWN[name]) wish.set(name, on ? "on" : "off");
  }
  if (camera.zoom > 1) {
    wish.set("zoom", camera.zoom.toPrecision(4));
    // All digits: far from the origin the last ones are what is seen.
    wish.set("at", `${camera.x},${camera.y}`);
  }
  return `#${wish}`;
}

// The address says what is seen, once the player stands.
function keepAddress() {
  if (!started || state.playing) return;
  kept = fragment();
  // Some browsers refuse it to a page that is a file, or that asks too often.
  try {
    history.replaceState(null, "", kept);
  } catch {
    return;
  }
}

async function copyLink() {
  play(false);
  const address = `${location.href.split("#")[0]}${fragment()}`;
  try {
    await navigator.clipboard.writeText(address);
    say("The link to this moment is copied.");
  } catch {
    say(address);
  }
}

// `#step=40&theme=dark&colour=speed&trails=on` opens the page so.
function follow() {
  const wish = new URLSearchParams(location.hash.slice(1));
  if (["light", "dark"].includes(wish.get("theme"))) theme(wish.get("theme"));
  if (COLOURS.includes(wish.get("colour"))) colourBy(wish.get("colour"));
  for (const name of Object.keys(state.show)) {
    if (wish.has(name)) toggle(name, wish.get(name) !== "off");
  }
  if (Number(wish.get("zoom")) > 0) {
    resetCamera();
    zoom(Number(wish.get("zoom")));
    const at = (wish.get("at") ?? "").split(",").map(Number);
    if (at.length === 2 && at.every(Number.isFinite)) moveTo(...at);
  }
  const step = wish.get("step");
  if (step !== null && Number.isFinite(Number(step))) seek(Number(step));
  return step !== null;
}

function connect() {
  const click = (id, act) => $(id).addEventListener("click", act);
  click("play", () => play(!state.playing));
  click("back", () => nudge(-1));
  click("forth", () => nudge(1));
  click("loop", () => loop(!state.loop));
  click("phase", nextPhase);
  click("in", () => zoom(1.3));
  click("out", () => zoom(1 / 1.3));
  click("reset", wholeView);
  click("full", fillScreen);
  click("help", showKeys);
  click("link", copyLink);
  click("theme", () => theme(isDark() ? "light" : "dark"));
  $("time").addEventListener("input", () => seek(Number($("time").value)));
  $("pace").addEventListener("change", () => setPace(0));
  for (const button of document.querySelectorAll("[data-colour]")) {
    button.addEventListener("click", () => colourBy(button.dataset.colour));
  }
  for (const button of document.querySelectorAll("[data-show]")) {
    button.addEventListener("click", () => toggle(button.dataset.show));
  }
  for (const panel of panels) pointers(panel);
  document.addEventListener("keydown", onKey);
  document.addEventListener("fullscreenchange", () => {
    press($("full"), inFull());
    layout();
  });
  addEventListener("hashchange", () => location.hash !== kept && follow());
  addEventListener("resize", layout);
  night.addEventListener("change", () => theme());
  addEventListener("beforeprint", () => {
    unprinted = document.documentElement.dataset.theme ?? "";
    theme("light");
    picture();
  });
  addEventListener("afterprint", () => {
    delete document.documentElement.dataset.theme;
    theme(unprinted);
  });
}

async function begin() {
  const runs = await Promise.all(film.runs.map(unpack));
  for (const part of document.querySelectorAll(".needs-script")) part.hidden = false;
  state.typical = typicalSpeed(runs);
  const figures = document.querySelectorAll(".panel");
  panels = runs.map((run, k) => new (film.line ? LinePanel : Panel)(figures[k], run));
  document.body.classList.toggle("on-line", Boolean(film.line));
  document.querySelector(".line-key .births").hidden = runs.every((run) => run.births === null);
  $("newcomers").hidden = !runs.some((run) => run.origins?.some((row) => row < 0));
  if (runs.some((run) => run.blurred && run.scales.length > 0)) $("learned-words").textContent = "D learned, both blurred by h";
  document.querySelector('[data-key="target"]').classList.toggle("rings", panels.every((panel) => panel.above));
  document.querySelector('[data-key="target"]').classList.toggle("some-rings", panels.some((panel) => panel.above));
  charts = film.charts.map(({ main }, k) => new Chart($(main ? "main-charts" : "other-charts"), k, runs, seek));
  if (runs.every((run) => run.laws)) $("truth-words").textContent = "log p/q, closed form";
  document.querySelector(".told").hidden = !runs.some((run) => run.series.some(({ theory }) => theory));
  moments = [...new Set(runs.flatMap((run) => run.steps))].sort((a, b) => a - b);
  $("time").max = film.steps;
  layPhases();
  press(document.querySelector('[data-show="trails"]'), state.show.trails);
  for (const id of ["play", "back", "forth", "time", "loop", "phase", "pace"]) $(id).disabled = moments.length < 2;
  resetCamera();
  theme();
  connect();
  layout();
  seek(moments.length < 2 ? film.steps : 0);
  const isLed = follow();
  started = true;
  if (!isLed && !calm.matches) play(true);
}

// An old browser gets the picture that lies beside the page.
function apologise(error) {
  const notice = $("failure");
  notice.hidden = false;
  notice.textContent = `The player could not start in this browser (${error}). The picture ${notice.dataset.picture}, which lies beside this page, shows the same.`;
  const still = document.createElement("img");
  still.className = "still";
  still.src = notice.dataset.picture;
  still.alt = "The run";
  notice.after(still);
}

try {
  await begin();
} catch (error) {
  problems.push(`begin: ${error}`);
  apologise(error);
}

