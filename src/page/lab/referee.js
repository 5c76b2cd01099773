// The referee: a second engine that measures what the first one moves, so that neither waits for the other.
let referee = null;
// What is measured, once its floors are known.
let gauge = null;
let turnOf = 0;
// Plans change faster than floors are found: answers about an earlier one are of no use.
let refereeRound = 0;
const OWN = [
  { name: "loss", words: "loss of D", logarithmic: false },
  { name: "climbed", words: "−E h(D(g(z))): what a generator can climb", logarithmic: false },
  { name: "kl", words: "−mean D: its own KL(q‖p)", logarithmic: false },
  { name: "speed", words: "rms speed", logarithmic: true },
  { name: "gap", words: "distillation gap", logarithmic: false },
];

// Of a large cloud so many particles are measured: floors cost their square.
const MEASURED = 2000;

async function prepare() {
  await referee.ready;
  for (const [name, points] of Object.entries(plan.points)) await referee.call("file", { name, points: Float64Array.from(points) });
  const large = opened.panels[0].particles > MEASURED ? [{ set: `metrics.particles=${MEASURED}` }] : [];
  await referee.call("open", { plan: { ...accepted, edits: [...accepted.edits, ...large] }, keep: "nothing" });
}

async function brief() {
  const mine = ++refereeRound;
  gauge = null;
  charts = [];
  turnOf = 0;
  if (referee.busy) referee.renew();
  try {
    await prepare();
    const found = await referee.call("gauge", { live: true });
    if (mine !== refereeRound) return;
    gauge = found;
    chartsAnew();
    measureNext();
  } catch (error) {
    if (mine === refereeRound && error.message !== "renewed") say(`Nothing is measured: ${error.message}`);
  }
}

// The floors are those of clouds as large as that of the first panel.
const isGauged = (reel) => reel.particles === reels[0].particles;

// Measures the last cloud of the panel whose turn it is, if it has not been measured.
async function measureNext() {
  if (!gauge || referee.busy) return;
  const mine = refereeRound;
  const turns = reels.map((_, k) => (turnOf + k) % reels.length);
  const place = turns.find((k) => isGauged(reels[k]) && reels[k].last?.fitted && reels[k].measured.at(-1) !== reels[k].last.step);
  if (place === undefined) return;
  turnOf = place + 1;
  const reel = reels[place];
  const frame = reel.last;
  try {
    const found = await referee.call("measure", { cloud: frame.cloud, shares: frame.shares ?? new Float64Array(0), live: true });
    if (mine !== refereeRound || !reels.includes(reel)) return;
    note(reel, frame, found);
  } catch (error) {
    if (error.message !== "renewed") say(`Nothing is measured: ${error.message}`);
    return;
  }
  measureNext();
}

function note(reel, frame, { values, passes, words }) {
  const { measured } = reel;
  while (measured.length > 0 && measured.at(-1) >= frame.step) forget(reel);
  measured.push(frame.step);
  const value = (name) => values.find((one) => one.name === name)?.value;
  film.charts.forEach((chart, k) => reel.series[k].values.push(value(chart.name) ?? frame[chart.name] ?? null));
  const energy = value("energy_distance");
  const floor = gauge.measures.find((one) => one.name === "energy_distance");
  const times = energy / floor.median;
  const size = `${times < 10 ? times.toFixed(1) : Math.round(times)} × floor`;
  const [, , all] = words;
  reel.marks.push({ arrived: passes, words: [`energy distance ${number(energy)} · ${size} · ${all}`, `${size} · ${all}`, all] });
  // Of a long run the charts keep every second point.
  if (measured.length > 400) {
    const even = (_, k) => k % 2 === 0;
    reel.measured = measured.filter(even);
    reel.marks = reel.marks.filter(even);
    for (const one of reel.series) one.values = one.values.filter(even);
  }
  chartsSoon();
  redraw();
}

function forget(reel) {
  reel.measured.pop();
  reel.marks.pop();
  for (const one of reel.series) one.values.pop();
}

// What a chart spans that shows these values: all of them, and some air.
function spanOf(values, logarithmic) {
  const heights = values.filter((v) => v !== null && v !== undefined && Number.isFinite(v) && (!logarithmic || v > 0)).map((v) => (logarithmic ? Math.log10(v) : v));
  let [low, high] = heights.length > 0 ? [Math.min(...heights), Math.max(...heights)] : [0, 1];
  if (!logarithmic && low > 0 && low < 0.5 * high) low = 0;
  const least = logarithmic ? 0.5 : 1e-9 * Math.max(Math.abs(high), Math.abs(low), 1e-3);
  if (high - low < least) {
    const half = logarithmic ? 0.25 : 0.5 * Math.max(Math.abs(high), 0.1);
    [low, high] = [low - half, high + half];
  }
  const air = 0.07 * (high - low);
  return [!logarithmic && low === 0 ? 0 : low - air, high + air];
}

function chartsAnew() {
  const holder = document.querySelector("#measure .charts");
  holder.replaceChildren();
  const trained = opened.panels.some((panel) => panel.generator);
  const losses = [...new Set(opened.panels.map((panel) => panel.loss).filter(Boolean))];
  const there = { loss: losses.length > 0, climbed: trained, gap: trained, kl: reels.some((reel) => reel.is_log_ratio) };
  const own = OWN.filter((one) => there[one.name] ?? true).map((one) => (one.name === "loss" ? { ...one, words: `loss of D: ${losses.join(", ")}` } : one));
  const shown = gauge.measures.filter((one) => one.has_curve);
  film.charts = [...shown.map(({ name, words, logarithmic }) => ({ name, words, logarithmic })), ...own].map((one) => ({ ...one, span: [0, 1] }));
  for (const reel of reels) {
    reel.measured = [];
    reel.marks = [];
    reel.series = film.charts.map(({ name }) => ({ values: [], since: null, floor: gauge.measures.find((one) => one.name === name) ?? null }));
  }
  charts = film.charts.map((_, k) => new Chart(holder, k, reels, (step) => seek(step)));
  drawCharts();
}

let chartsWait = null;

// However many numbers come, the charts are drawn a few times a second.
function chartsSoon() {
  chartsWait ??= setTimeout(drawCharts, 200);
}

function drawCharts() {
  clearTimeout(chartsWait);
  chartsWait = null;
  if ($("measure").hidden || charts.length === 0) return;
  // The last steps that were done, beyond those of the plan if they are more.
  film.steps = Math.max(...opened.panels.map((panel) => panel.steps || 0), 1);
  film.charts.forEach((chart, k) => {
    const floor = reels[0].series[k]?.floor;
    const values = reels.flatMap((reel) => reel.series[k].values);
    chart.span = spanOf([...values, ...(floor ? [floor.median, floor.low, floor.high] : [])], chart.logarithmic);
  });
  const left = Math.max(0, ...charts.map((chart) => chart.room(110)));
  for (const chart of charts) {
    chart.describe();
    chart.draw(110, left);
    chart.show(state.step);
  }
}

// All measures of the last clouds, with the verdict.
async function judge() {
  const into = $("verdicts");
  if (!reels.every((reel) => reel.last)) {
    into.textContent = "There is no cloud yet: take a step.";
    return;
  }
  pause();
  into.textContent = "Judging: the floors of all measures take some seconds …";
  $("judge").disabled = true;
  const mine = ++refereeRound;
  try {
    if (referee.busy) referee.renew();
    await prepare();
    const floors = await referee.call("gauge", { live: false });
    const told = [];
    for (const reel of reels.filter(isGauged)) {
      told.push([reel, await referee.call("measure", { cloud: reel.last.cloud, shares: reel.last.shares ?? new Float64Array(0), live: false })]);
    }
    if (mine !== refereeRound) return;
    const remarks = [];
    if (told.length < reels.length) remarks.push(`Only clouds of ${reels[0].particles} particles, as in ${reels[0].name}, are judged together: show another one alone to judge it.`);
    if (reels[0].particles > MEASURED) remarks.push(`${MEASURED} of ${reels[0].particles} particles are judged.`);
    into.replaceChildren(...told.map(([reel, found]) => verdict(reel, found)), ...remarks.map((words) => made("p", { class: "small" }, words)), table(told, floors));
    if (!gauge) await brief();
    else await referee.call("gauge", { live: true });
  } catch (error) {
    if (error.message !== "renewed") into.textContent = `It cannot be judged: ${error.message}`;
    else into.textContent = "";
  } finally {
    $("judge").disabled = false;
  }
}

function verdict(reel, { arrived, sentence }) {
  return made("p", { class: "verdict" }, made("span", { class: `mark ${arrived ? "arrived" : "short"}`, "aria-hidden": "true" }, arrived ? "✓" : "–"), " ",
    reels.length > 1 ? made("b", {}, `${reel.name}: `) : "", `step ${reel.last.step}: ${sentence}`);
}

function table(told, { measures }) {
  const head = made("tr", {}, made("th", { scope: "col" }, "measure"), ...told.map(([reel]) => made("th", { scope: "col", class: "number" }, reels.length > 1 ? reel.name : "value")), made("th", { scope: "col", class: "number" }, "floor"));
  const rows = measures.map((one) => made("tr", { title: one.sees }, made("th", { scope: "row" }, one.words),
    ...told.map(([, { values }]) => {
      const found = values.find((value) => value.name === one.name);
      return made("td", { class: "number" }, found ? `${number(found.value)} ${found.holds ? "✓" : "–"}` : "");
    }),
    made("td", { class: "number" }, number(one.median))));
  return made("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "All measures" }, made("table", {}, made("thead", {}, head), made("tbody", {}, ...rows)));
}
