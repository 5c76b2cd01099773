// The lab: what runs, what is shown now, and everything by which a reader changes it.
const state = {
  step: 0, follow: true, goal: null, playing: false, pace: 60,
  colour: "origin", show: { field: true, arrows: true, target: true, trails: false, mesh: false, moves: false, levels: false },
  typical: 1,
};
const MOST = 3;
const LATTICE = [41, 41];
const FITTING = "D is fitted for the first time";
const ENDED = "The run has ended: begin anew, or give it more steps.";
const CAPTION = 54;
let about = null;
// Shipped scenarios whose target is a picture, each as points.
let pictures = {};
let mover = null;
// What the engine said of the plan that runs, and that plan.
let opened = null;
let accepted = null;
let reels = [];
let panels = [];
let charts = [];
// The step of the last change that was made on the way.
let touched = 0;
let waiting = false;
let unseen = false;
let before = null;
let rate = 0;

const openTab = (name) => {
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const on = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", String(on));
    tab.tabIndex = on ? 0 : -1;
    $(tab.getAttribute("aria-controls")).hidden = !on;
  }
  if (name !== "draw" && drawing.tool !== "off") chooseTool("off");
  if (name === "measure") drawCharts();
  if (name === "keep") showKeep();
};

// Who has come furthest: clock and slider are its.
const lead = () => reels.reduce((most, reel) => ((reel.last?.step ?? -1) > (most.last?.step ?? -1) ? reel : most), reels[0]);

function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(turn);
}

function turn(now) {
  waiting = false;
  const seconds = before === null ? 0 : Math.min((now - before) / 1000, 0.1);
  const last = lead()?.steps.at(-1) ?? 0;
  let moving = false;
  if (state.goal !== null) {
    // At the first picture no time has passed.
    state.step = calm.matches ? state.goal : Math.min(state.goal, state.step + seconds * 0.55);
    if (state.step >= state.goal - 1e-9) state.goal = null;
    moving = state.goal !== null;
  } else if (state.follow) {
    const slow = state.pace > 0 && state.pace <= 4 && !calm.matches;
    // Who lags behind hurries, and who is far behind leaps.
    const lag = last - state.step;
    state.step = slow && lag <= 2.5 ? Math.min(last, state.step + seconds * state.pace * Math.max(1, lag)) : last;
    moving = state.step < last;
  }
  before = moving || state.playing ? now : null;
  picture();
  if (unseen) {
    unseen = false;
    mover.send("seen");
  }
  if (moving) redraw();
}

function picture() {
  if (reels.length === 0 || lead().steps.length === 0) return;
  for (const panel of panels) panel.draw(state);
  if (panels.length > 0) tellScales(state.step);
  if (!$("measure").hidden) for (const chart of charts) if (chart.across) chart.show(state.step);
  const { steps } = lead();
  $("time").min = steps[0];
  $("time").max = Math.max(steps.at(-1), steps[0] + 1e-6);
  $("time").value = state.step;
  const words = `step ${Math.floor(state.step + 1e-9)} of ${Math.max(...opened.panels.map((panel) => panel.steps))}`;
  $("clock").textContent = state.playing && rate > 0 ? `${words} · ${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s` : words;
  $("time").setAttribute("aria-valuetext", words);
  light();
}

// In slow motion each step is shown in its parts.
const inParts = () => state.pace === 1 && !calm.matches;

// Which part of the loop the picture shows.
function light() {
  const part = state.step - Math.floor(state.step + 1e-9);
  const trained = opened.panels.some((panel) => panel.generator);
  const lit = part < 1e-6 ? "fit" : part <= 1 / 3 + 1e-6 ? "move" : part <= 2 / 3 + 1e-6 ? (trained ? "distil" : "move") : "fit";
  const next = lit === "fit" ? "move" : lit === "move" && trained ? "distil" : "fit";
  for (const button of document.querySelectorAll("[data-part]")) {
    const own = button.dataset.part;
    button.classList.toggle("lit", (!state.playing || inParts()) && own === lit);
    button.classList.toggle("next", !state.playing && own === next);
  }
}

function showPlaying(on) {
  state.playing = on;
  $("play").setAttribute("aria-label", on ? "Pause" : "Run");
  if (!on) rate = 0;
  redraw();
}

function run() {
  if (!opened || changing) {
    wish = "run";
    return;
  }
  state.follow = true;
  state.goal = null;
  if (over()) {
    again().then(run);
    return;
  }
  mover.send("run", { pace: state.pace });
  showPlaying(true);
}

const over = () => reels.length > 0 && reels.every((reel) => reel.ended);

let watchdog = null;

// The page stops at once; the engine when its step is done. If that takes too long, it is ended and begins anew.
function pause() {
  if (wish === "run") wish = null;
  if (!state.playing) return;
  showPlaying(false);
  mover.send("pause");
  clearTimeout(watchdog);
  watchdog = setTimeout(() => {
    say("The step took too long and was given up: the run begins anew. Fewer particles make it faster.");
    restart();
  }, 8000);
}

async function restart() {
  mover.renew();
  await mover.ready;
  await sendPoints();
  change("nothing");
}

function again() {
  pause();
  touched = 0;
  return change("nothing");
}

function step() {
  if (!opened || changing) return;
  showPlaying(false);
  state.goal = null;
  state.follow = true;
  if (over()) {
    say(ENDED);
    redraw();
    return;
  }
  mover.send("step");
}

// Stops at the nearest moment that was kept, to look back: between two of them nobody knows where the cloud was.
function seek(to) {
  pause();
  const { steps } = lead();
  if (steps.length === 0 || Number.isNaN(to)) return;
  state.follow = false;
  state.goal = null;
  state.step = steps.reduce((best, one) => (Math.abs(one - to) < Math.abs(best - to) ? one : best));
  redraw();
}

function nudge(direction) {
  const { steps } = lead();
  seek((direction > 0 ? steps.find((one) => one > state.step + 1e-9) : steps.findLast((one) => one < state.step - 1e-9)) ?? state.step);
}

// One part of the loop. The engine computes a step as a whole; its parts are shown in turn.
let parts = null;

function part(name) {
  // Before the first cloud is here there is nothing to move.
  if (!opened || changing || lead().steps.length === 0) return;
  pause();
  say("");
  const last = lead().steps.at(-1);
  const base = Math.floor(state.step + 1e-9);
  const within = state.step - base > 1e-6;
  const whole = within ? base + 1 : base;
  const trained = opened.panels.some((panel) => panel.generator);
  const ends = { move: trained ? 1 / 3 : 2 / 3, distil: 2 / 3, fit: 1 };
  state.follow = false;
  if (name === "distil" && !trained) {
    say("There is no generator here: tick one under “Side by side”, and the moved points become what it is fitted to.");
    return;
  }
  if (within && ends[name] + base > state.step + 1e-6 && last >= whole) {
    state.goal = base + ends[name];
    before = performance.now();
    redraw();
    return;
  }
  if (name === "fit" && !within) {
    say("D has been fitted to this cloud: move the points next.");
    return;
  }
  const from = within ? base + 1 : base;
  state.step = from;
  if (from < last) {
    // Looking back: what follows is known, if it was shown part by part.
    state.goal = Math.min(last, from + ends[name]);
    before = performance.now();
    redraw();
    return;
  }
  if (over()) {
    say(ENDED);
    return;
  }
  parts = ends[name];
  mover.send("step");
}

// A step in its parts: moved, distilled, fitted.
function addParts(frames) {
  frames.forEach((frame, k) => {
    const reel = reels[k];
    const was = reel.last;
    if (!was || frame.step === was.step) {
      reel.add(frame.step, frame);
      return;
    }
    const aims = Float64Array.from(was.cloud, (v, i) => v + was.epsilon * was.velocity[i]);
    if (opened.panels[k].generator) {
      reel.add(was.step + 1 / 3, { ...was, threads: [was.cloud, aims] }, was);
      reel.add(was.step + 2 / 3, { ...frame, threads: [frame.cloud, aims] }, was);
    } else {
      reel.add(was.step + 1 / 3, { ...frame, cloud: Float64Array.from(was.cloud, (v, i) => (v + frame.cloud[i]) / 2), born: frame.born ? new Float64Array(frame.born.length) : undefined, threads: [was.cloud, frame.cloud] }, was);
      reel.add(was.step + 2 / 3, { ...frame, threads: [was.cloud, frame.cloud] }, was);
    }
    reel.add(frame.step, frame.born ? { ...frame, born: new Float64Array(frame.born.length) } : frame);
  });
}

function heard(message) {
  if (message.begun) {
    ({ begun } = message);
    return;
  }
  if (message.failure !== undefined) {
    showPlaying(false);
    fail(new Error(message.failure), true);
    return;
  }
  clearTimeout(watchdog);
  if (message.frames[0]?.fitted && $("hint").textContent.startsWith(FITTING)) say("");
  unseen = true;
  // A picture of an earlier plan is of no use.
  if (message.frames.length !== reels.length || message.frames.some((frame, k) => frame.cloud.length !== 2 * reels[k].particles)) {
    redraw();
    return;
  }
  const from = lead().last?.step;
  // A run that was begun anew meanwhile has no step to part.
  if (parts !== null && message.single && from !== undefined) {
    addParts(message.frames);
    state.step = from;
    state.goal = from + parts;
    before = performance.now();
  } else if (state.playing && inParts() && message.frames.every((frame, k) => frame.step === reels[k].last?.step + (message.ended[k] ? 0 : 1))) {
    addParts(message.frames);
    state.typical = typicalNow();
  } else {
    message.frames.forEach((frame, k) => {
      const reel = reels[k];
      if (reel.last && frame.step < reel.last.step) while (reel.measured.length > 0 && reel.measured.at(-1) >= frame.step) forget(reel);
      reel.add(frame.step, frame);
    });
    state.typical = typicalNow();
  }
  tellForm();
  parts = null;
  if (message.rate) ({ rate } = message);
  message.ended.forEach((ending, k) => {
    reels[k].ended = ending;
    reels[k].note = ending?.kind === "diverged" ? `diverged at step ${ending.step}` : "";
  });
  // A first fit that fails ends a run that nobody began.
  const lost = message.ended.find((ending) => ending?.kind === "diverged");
  if (message.over || (lost && over())) {
    showPlaying(false);
    say(lost ? `The run has ended: ${lost.why}. Smaller steps, or another estimator, keep it together.` : "The run is complete. Run begins anew, more steps let it go on, and “Measure” judges it by all measures.");
  }
  redraw();
  measureNext();
}

// What moves the points: D where it is a log ratio in every panel, else a field alone.
function tellForm() {
  const known = reels.every((reel) => reel.is_log_ratio);
  for (const [part, words] of [["fit", "v: a field of p and q"], ["move", "x ← x + ε v(x)"]]) {
    const node = document.querySelector(`[data-part=${part}] .equation`);
    node.own ??= [...node.childNodes];
    node.replaceChildren(...(known ? node.own : [words]));
  }
  settings.querySelector("legend").textContent = known ? "D: the estimate of log p/q" : "v: the field that moves the points";
  const coloured = document.querySelector("[data-colour=ratio]");
  coloured.disabled = !reels.some((reel) => reel.is_log_ratio);
  if (coloured.disabled && state.colour === "ratio") colourBy("origin");
}

function typicalNow() {
  const { last } = reels[0];
  if (!last?.velocity) return state.typical;
  const sizes = Array.from({ length: Math.min(500, last.velocity.length / 2) }, (_, i) => Math.hypot(last.velocity[2 * i], last.velocity[2 * i + 1])).sort((a, b) => a - b);
  return Math.max(state.typical * 0.9, sizes[sizes.length >> 1] || 1e-9);
}

// Changes of the plan: one at a time, the last wish wins.
let changing = false;
let fitting = null;
let wished = null;
let wish = null;
let slideTimer = null;
const ORDER = ["flow", "cloud", "nothing"];

// The plan that runs, and how many changes were made since that nobody has agreed to yet.
let agreed = null;
let unsure = 0;

function remember() {
  unsure += 1;
  past.push(structuredClone(plan));
  if (past.length > 60) past.shift();
}

async function change(keep, slides = false) {
  wished = wished === null || ORDER.indexOf(keep) > ORDER.indexOf(wished) ? keep : wished;
  clearTimeout(slideTimer);
  if (slides) {
    slideTimer = setTimeout(() => change(keep), 80);
    return;
  }
  if (changing) return;
  changing = true;
  try {
    while (wished !== null) {
      const asked = wished;
      wished = null;
      await open(asked);
    }
  } finally {
    changing = false;
    if (wish === "run") {
      wish = null;
      run();
    }
  }
}

async function sendPoints() {
  for (const [name, points] of Object.entries(plan.points)) await mover.call("file", { name, points: Float64Array.from(points) });
}

// A fit may take minutes: whoever changes something meanwhile does not wait for it, and for the first fit after a change not without end.
const PATIENCE = [8000, 40000];
let begun = false;

async function openNow(plan, keep, hasPoints) {
  const late = Symbol("late");
  begun = false;
  const first = (async () => {
    if (!hasPoints) await sendPoints();
    return mover.call("open", { plan, keep });
  })();
  const within = (time) => Promise.race([first, new Promise((done) => setTimeout(done, time, late))]);
  let answer = await within(PATIENCE[0]);
  // Longer for the change itself, unless another is wished.
  const end = performance.now() + PATIENCE[1];
  while (answer === late && begun && wished === null && performance.now() < end) answer = await within(200);
  if (answer !== late) return answer;
  first.catch(() => {});
  mover.renew();
  open.points = null;
  await mover.ready;
  if (wished !== null) throw new Error("renewed");
  await sendPoints();
  const anew = await mover.call("open", { plan, keep: "nothing" });
  setTimeout(say, 0, "The engine took too long and was given up: the run begins anew.");
  return anew;
}

async function open(keep) {
  const asked = wanted();
  const resume = state.playing;
  const mine = structuredClone(plan);
  const changes = unsure;
  // Other points are another array, however alike.
  const sent = Object.entries(plan.points).flat();
  try {
    const answer = await openNow(asked, keep, open.points?.length === sent.length && sent.every((one, k) => one === open.points[k]));
    open.points = sent;
    agreed = mine;
    unsure -= changes;
    const kept = answer.panels.every((panel) => panel.kept);
    take(answer, asked, kept);
    if (resume || answer.was) {
      mover.send("run", { pace: state.pace });
      showPlaying(true);
    }
    $("failure").hidden = true;
    keepAddressSoon();
    brief();
  } catch (error) {
    if (resume && opened && error.message !== "renewed") mover.send("run", { pace: state.pace });
    if (error.message === "renewed" || wished !== null) return;
    // A change that is refused does not stay.
    if (agreed) {
      past.splice(Math.max(0, past.length - unsure));
      unsure = 0;
      restorePlan(agreed);
      showChoices();
    }
    fail(new Error(agreed ? `${error.message}\nThe change was not made.` : error.message));
  }
}

function showChoices() {
  $("scenario").value = about.shipped.some((one) => one.name === plan.name && one.text === plan.text) ? plan.name : "";
  showSettings();
  showPanels();
  showKeep();
  redraw();
}

// Takes up what the engine runs now.
function take(answer, asked, kept) {
  opened = answer;
  accepted = asked;
  const view = viewAround([answer.start, answer.target]);
  const inside = reels.length > 0 && kept && [0, 1].every((axis) => {
    const [old, now] = [[VIEW.x, VIEW.y][axis], view[axis]];
    const air = 0.02 * (old[1] - old[0]);
    return now[0] >= old[0] - air && now[1] <= old[1] + air;
  });
  if (inside) {
    touched = answer.panels[0].step;
    reels.forEach((reel) => {
      reel.target = halves(answer.target, answer.target.length / 2);
      reel.ended = null;
      reel.note = "";
    });
    for (const panel of panels) panel.stale();
  } else {
    touched = kept ? answer.panels[0].step : 0;
    setView(view);
    const earlier = reels;
    reels = answer.panels.map(({ name, particles, kept: goesOn, generator }) => {
      // A generator's particles are coloured as those that it follows.
      const followed = generator && 2 * particles === answer.start.length;
      const colours = goesOn ? earlier.find((reel) => reel.name === name)
        : followed ? { light: originColours(answer.start, film.light.origins), dark: originColours(answer.start, film.dark.origins) } : undefined;
      return new Reel(name, answer.target, particles, LATTICE, colours);
    });
    buildPanels();
    resetCamera();
    look();
    state.step = 0;
    state.goal = null;
    state.typical = 1e-9;
  }
  parts = null;
  state.follow = true;
  mover.send("look", { view: [VIEW.x, VIEW.y], lattice: LATTICE, begin: !kept });
  clearTimeout(fitting);
  fitting = setTimeout(() => !reels[0].last?.fitted && !over() && say(`${FITTING}, which takes some seconds with this estimator …`), 700);
  const { title, question } = answer.panels[0].scenario;
  $("title").textContent = title || "The lab";
  $("question").textContent = question || "A cloud moves towards its target. Change anything while it runs.";
  const notes = new Set(answer.panels.flatMap((panel) => panel.warnings));
  if (stopsEarly()) notes.add("the lab goes on to the last step; the command stops once no measure tells the cloud from the target (metrics.stop)");
  const variants = variantsOf(plan.text).length;
  if (variants > MOST && !kept) notes.add(`of ${variants} variants ${MOST} have room at a time: choose them under “Side by side”`);
  say([...notes].map((words) => `Note: ${words}.`.replace("..", ".").replace(/\d{20,}(\.\d+)?|0\.0{9,}\d+/g, (digits) => Number(digits).toExponential())).join(" "));
  showChoices();
  const trained = answer.panels.find((panel) => panel.generator);
  equation($("distil-equation"), trained?.generator === "adversarial" && !answer.panels.some((panel) => panel.generator === "distill"));
}

function equation(node, climbs) {
  const sub = made("sub", {}, "θ");
  const [g, z, x] = ["g", "z", "x"].map((letter) => made("i", {}, letter));
  if (climbs) node.replaceChildren("θ ← θ + η ∇E h(D(", g, sub, "(", z, ")))");
  else node.replaceChildren("θ ← argmin E‖", g, sub, "(", z, ") − ", x, "‖²");
}

// The part of the plane that is shown, as pictures have it: all points but the outermost thousandth, with air, neither too wide nor too tall.
function viewAround(clouds) {
  const sides = [0, 1].map((axis) => {
    let [low, high] = [Infinity, -Infinity];
    for (const cloud of clouds) {
      const values = new Float64Array(cloud.length / 2);
      for (let i = 0; i < values.length; i += 1) values[i] = cloud[2 * i + axis];
      values.sort();
      const trim = Math.floor(values.length / 1000);
      low = Math.min(low, values[trim]);
      high = Math.max(high, values[values.length - 1 - trim]);
    }
    return [low, high];
  });
  const air = 0.09 * Math.max(...sides.map(([low, high]) => high - low), 1e-9);
  const padded = sides.map(([low, high]) => [low - air, high + air]);
  const [width, height] = padded.map(([low, high]) => Math.max(high - low, 1e-9));
  const widen = ([low, high], length) => [(low + high - length) / 2, (low + high + length) / 2];
  return [widen(padded[0], Math.max(width, height / 0.9)), widen(padded[1], Math.max(height, 0.72 * width))];
}

function setView([x, y]) {
  Object.assign(VIEW, { x, y, width: x[1] - x[0], height: y[1] - y[0] });
  film.grid.middle = [(x[0] + x[1]) / 2, (y[0] + y[1]) / 2];
}

// A panel of the stage that also shows what is drawn, and the moves.
class Canvas extends Panel {
  draw(now) {
    if (this.run.steps.length === 0) return;
    super.draw(now);
    const context = this.canvas.getContext("2d");
    const { scale } = this;
    context.save();
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.beginPath();
    context.rect(MARGIN.left, MARGIN.top, this.width, this.height);
    context.clip();
    const [frame, part] = moment(this.run, now.step);
    const upper = Math.min(frame + (part > 0 ? 1 : 0), this.run.frames.length - 1);
    const { threads } = this.run.frames[upper];
    if (threads && (part > 0 || this.run.steps[upper] % 1 > 1e-6)) this.strings(context, threads);
    else if (now.show.moves) {
      const { cloud, velocity, epsilon } = this.run.frames[frame];
      if (velocity) this.strings(context, [cloud, Float64Array.from(cloud, (v, i) => v + epsilon * velocity[i])]);
    }
    if (now.show.levels) drawLevels(context, this, frame);
    if (drawing.tool !== "off") this.dabs(context);
    context.restore();
  }

  spot(x, y) {
    return [MARGIN.left + this.width / 2 + (x - camera.x) * this.unit, MARGIN.top + this.height / 2 - (y - camera.y) * this.unit];
  }

  // From the points to where they should come: a thread each, and a ring around the end.
  strings(context, [from, to]) {
    const every = Math.ceil(from.length / 2 / 500);
    context.lineWidth = 1;
    context.strokeStyle = palette.ink;
    context.globalAlpha = 0.55;
    context.beginPath();
    for (let i = 0; i < from.length / 2; i += every) {
      const a = this.spot(from[2 * i], from[2 * i + 1]);
      const b = this.spot(to[2 * i], to[2 * i + 1]);
      if (![...a, ...b].every(Number.isFinite)) continue;
      context.moveTo(...a);
      context.lineTo(...b);
      context.moveTo(b[0] + 2, b[1]);
      context.arc(b[0], b[1], 2, 0, 2 * Math.PI);
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  dabs(context) {
    context.strokeStyle = drawing.what === "target" ? palette.ink : palette.muted;
    context.lineWidth = 1.2;
    context.fillStyle = palette.target;
    for (const [x, y, sd] of dabs()) {
      const [px, py] = this.spot(x, y);
      context.beginPath();
      context.arc(px, py, Math.max(1, 1.5 * sd * this.unit), 0, 2 * Math.PI);
      context.globalAlpha = 0.12;
      context.fill();
      context.globalAlpha = 0.4;
      context.stroke();
    }
    context.globalAlpha = 1;
  }
}

function buildPanels() {
  const holder = document.querySelector(".panels");
  holder.classList.toggle("several", reels.length > 1);
  holder.replaceChildren();
  panels = reels.map((reel, k) => {
    const caption = made("figcaption", {}, reels.length > 1 ? made("span", { class: "name" }, made("i", { class: `dash series-${k}` }), reel.name) : null, made("span", { class: "now", "data-now": "" }));
    const canvas = made("canvas", { tabindex: "0", role: "img", "aria-label": `The cloud of ${reel.name} on its way to the target` });
    const figure = made("figure", { class: "panel" }, caption, canvas);
    holder.append(figure);
    const panel = new Canvas(figure, reel);
    canvas.classList.toggle("drawing", drawing.tool !== "off");
    drawOn(panel);
    pointers(panel);
    hovers(panel, k);
    return panel;
  });
  layout();
}

// D, its gradient and the next move under the pointer.
function hovers(panel, k) {
  let asking = false;
  panel.canvas.addEventListener("pointermove", async (event) => {
    if (asking || event.buttons !== 0 || drawing.tool !== "off") return;
    const box = panel.canvas.getBoundingClientRect();
    const place = panel.place(event.clientX - box.left, event.clientY - box.top);
    asking = true;
    try {
      const { d, gradient, move } = await mover.call("at", { panel: k, place });
      const pair = (values) => `(${values.map(number).join(", ")})`;
      const { last, is_log_ratio: known } = reels[k];
      const of = last && state.step < last.step ? `at step ${last.step}, the last: ` : "";
      $("probe").textContent = `${of}x ${pair(place)} · ${known ? `D ${number(d)} · ∇D ${pair(gradient)} · ` : ""}next move ${pair(move)}`;
    } catch (error) {
      $("probe").textContent = error.message === "renewed" ? "" : error.message;
    } finally {
      asking = false;
    }
  });
  panel.canvas.addEventListener("pointerleave", () => {
    $("probe").textContent = "";
  });
}

function layout() {
  if (panels.length === 0) return;
  const holder = document.querySelector(".panels");
  const below = document.querySelector(".controls").offsetHeight + document.querySelector(".transport").offsetHeight + document.querySelector(".loop").offsetHeight + 34;
  const head = inFull() ? 28 : Math.min(150, $("player").getBoundingClientRect().top + scrollY + 12);
  const wide = holder.clientWidth;
  const count = panels.length;
  const columns = wide / count > 215 ? count : wide > 430 ? Math.min(2, count) : 1;
  const rows = Math.ceil(count / columns);
  holder.style.setProperty("--columns", columns);
  const tall = (innerHeight - head - below) / rows - (count > 1 ? CAPTION : 34);
  // Beside nothing else a page may be longer than the screen.
  for (const panel of panels) panel.fit(Math.max(innerWidth < 1000 && count === 1 ? 420 : 300, tall));
  chartsSoon();
  redraw();
}

function setPace(by) {
  const choice = $("pace");
  choice.selectedIndex = clamp(choice.selectedIndex + by, 0, choice.options.length - 1);
  state.pace = Number(choice.value);
  mover.send("pace", { pace: state.pace });
}

// An error in words, with the remedy that the engine gives.
function fail(error, offer = false) {
  if (error.message === "renewed") return;
  $("failure").hidden = false;
  const remedy = "a page reads no files: drop it under “Draw”, or write the page with `ratioflow lab SCENARIO`, which takes it along";
  $("failure-words").textContent = error.message.replace(/^\w+: /, "").replace(/relative paths are relative to the scenario file(, or to the current folder where the scenario ships with the program)?/, remedy);
  $("failure-undo").hidden = !offer || past.length === 0;
}

function undo() {
  const last = past.pop();
  $("failure").hidden = true;
  if (last) {
    restorePlan(last);
    change("nothing");
  }
}

const KEYS = {
  ...VIEW_KEYS,
  " ": () => (state.playing ? pause() : run()),
  ArrowRight: () => (state.follow || state.step >= lead().steps.at(-1) ? step() : nudge(1)),
  ArrowLeft: () => nudge(-1),
  r: again,
  1: () => part("fit"),
  2: () => part("move"),
  3: () => part("distil"),
  n: () => toggle("moves"),
  l: () => toggle("levels"),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !opened) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const { target } = event;
  const taken = target instanceof Element && target.closest("select, input:not([type=checkbox]), textarea, pre, .wide, [role=tablist]");
  const pressed = key === " " && target instanceof Element && target.closest("button, summary, a, input");
  const act = Object.hasOwn(KEYS, key) ? KEYS[key] : null;
  if (!act || taken || pressed) return;
  event.preventDefault();
  act();
}

function connectTabs() {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  tabs.forEach((tab, k) => {
    tab.addEventListener("click", () => openTab(tab.id.slice(4)));
    tab.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      const next = tabs[(k + by + tabs.length) % tabs.length];
      openTab(next.id.slice(4));
      next.focus();
    });
  });
}

function connect() {
  const click = (id, act) => $(id).addEventListener("click", act);
  click("play", () => (state.playing ? pause() : run()));
  click("again", again);
  click("forth", step);
  click("in", () => zoom(1.3));
  click("out", () => zoom(1 / 1.3));
  click("reset", wholeView);
  click("full", fillScreen);
  click("theme", () => theme(isDark() ? "light" : "dark"));
  click("judge", judge);
  click("failure-undo", undo);
  click("failure-close", () => ($("failure").hidden = true));
  $("time").addEventListener("input", () => seek(Number($("time").value)));
  $("pace").addEventListener("change", () => setPace(0));
  for (const button of document.querySelectorAll("[data-part]")) button.addEventListener("click", () => part(button.dataset.part));
  for (const button of document.querySelectorAll("[data-colour]")) button.addEventListener("click", () => colourBy(button.dataset.colour));
  for (const button of document.querySelectorAll("[data-show]")) button.addEventListener("click", () => toggle(button.dataset.show));
  $("scenario").append(made("option", { value: "", disabled: true }, "own"), ...about.shipped.filter(({ name, text }) => pictures[name] || !/^file *=/m.test(text)).map(({ name }) => made("option", { value: name }, name)));
  $("scenario").disabled = false;
  $("scenario").addEventListener("change", () => {
    const chosen = about.shipped.find((one) => one.name === $("scenario").value);
    if (!chosen) return;
    remember();
    restorePlan(shippedPlan(chosen));
    change("nothing");
  });
  connectTabs();
  connectDrawing();
  connectKeep();
  listLessons();
  document.addEventListener("keydown", onKey);
  document.addEventListener("fullscreenchange", () => {
    press($("full"), inFull());
    // Errors are seen there too.
    if (inFull()) $("player").prepend($("failure"));
    else document.querySelector(".lab").before($("failure"));
    layout();
  });
  addEventListener("resize", layout);
  addEventListener("hashchange", async () => {
    try {
      const found = await planOf(location.hash);
      if (found) {
        remember();
        restorePlan(found);
        wear();
        change("nothing");
      }
    } catch (error) {
      fail(error);
    }
  });
  night.addEventListener("change", () => theme());
}

// Colour and layers that a link brings.
function wear() {
  const { look: wanted } = plan;
  delete plan.look;
  if (!wanted) return;
  if (COLOURS.includes(wanted.colour)) colourBy(wanted.colour);
  for (const name of Object.keys(state.show)) if (typeof wanted.show?.[name] === "boolean") toggle(name, wanted.show[name]);
}

// What the page was written with, beside what its scenario brings.
function merged(found, { points, edits, panels, texts }) {
  return { ...found, points: { ...found.points, ...points }, edits: { ...found.edits, ...edits }, texts, panels: panels.length > 0 ? panels : found.panels };
}

// Bytes from the low seven bits of each character (see pack.rs).
function dense(text, length) {
  const bytes = new Uint8Array(length);
  let held = 0;
  let bits = 0;
  for (let k = 0, at = 0; at < length; k += 1) {
    held = ((held << 7) | (text.charCodeAt(k) & 127)) & 32767;
    bits += 7;
    if (bits >= 8) {
      bits -= 8;
      bytes[at] = held >> bits;
      at += 1;
    }
  }
  return bytes;
}

async function begin() {
  readPalette();
  theme();
  const packed = JSON.parse($("engine").textContent);
  const stream = new Blob([dense($("wasm").textContent, packed.length)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const module = await WebAssembly.compileStreaming(new Response(stream, { headers: { "content-type": "application/wasm" } }));
  mover = new Servant(module, heard);
  await mover.ready;
  about = await mover.call("about");
  pictures = packed.pictures;
  about.points = packed.plan.points;
  for (const name of ["light", "dark"]) film[name].origins = bytesOf(film[name].origins);
  let first = packed.plan.name === "" ? shippedPlan(about.shipped[0]) : merged(shippedPlan(packed.plan), packed.plan);
  let broken = null;
  try {
    first = (await planOf(location.hash)) ?? first;
  } catch (error) {
    broken = error;
  }
  restorePlan(first);
  connect();
  referee = new Servant(module, null);
  wear();
  await change("nothing");
  if (!opened) {
    // What an address asks for cannot be run: there is something else to look at, and the reason stays.
    const why = $("failure-words").textContent;
    restorePlan(shippedPlan(about.shipped[0]));
    await change("nothing");
    broken = new Error(why);
  }
  if (broken) fail(broken);
  performance.mark("first");
}

// For a console, and for tests.
globalThis.lab = {
  plan, state, past, problems, drawing,
  get ready() {
    return opened !== null && !changing && wished === null && reels[0]?.last?.fitted === true;
  },
  get reels() {
    return reels;
  },
  get opened() {
    return opened;
  },
  get over() {
    return over();
  },
  get gauge() {
    return gauge;
  },
  get view() {
    return [VIEW.x, VIEW.y];
  },
  spot: (x, y, k = 0) => {
    const box = panels[k].canvas.getBoundingClientRect();
    const [px, py] = panels[k].spot(x, y);
    return [box.left + px, box.top + py];
  },
  written,
  // Bytes that the two engines hold; one that was renewed meanwhile is asked again.
  sizes: () => {
    const bytes = (one) => one.call("size").then(
      (answer) => answer.bytes,
      (error) => (error.message === "renewed" ? bytes(one) : Promise.reject(error)),
    );
    return Promise.all([mover, referee].map(bytes));
  },
};

try {
  await begin();
} catch (error) {
  problems.push(`begin: ${error}`);
  $("failure").hidden = false;
  $("failure-words").textContent = `The lab could not start in this browser (${error.message}). It needs WebAssembly with 128-bit vectors, as browsers have had since 2022.`;
}
