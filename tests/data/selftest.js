// Added to a page by the tests: opened with #selftest, it uses itself as a reader would, and writes what it saw into the document and the console.
async function selftest(checks) {
  const check = (name, passed, seen = "") => {
    checks[name] = passed ? "ok" : `failed ${seen}`;
  };
  const screen = () => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); });
  // A slow machine gets the time that it needs.
  const until = async (arrived) => {
    for (const begun = performance.now(); !arrived() && performance.now() - begun < 15000;) await screen();
    return arrived();
  };
  // FNV-1a over all pixels of all panels.
  const copy = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const fingerprint = async () => {
    await screen();
    let hash = 2166136261;
    for (const { canvas } of panels) {
      copy.canvas.width = canvas.width;
      copy.canvas.height = canvas.height;
      copy.drawImage(canvas, 0, 0);
      const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
      for (const word of new Uint32Array(data.buffer)) hash = Math.imul(hash ^ word, 16777619);
    }
    return hash >>> 0;
  };
  const key = (name) => $("time").dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
  const changes = async (name, act, undo = act) => {
    const first = await fingerprint();
    act();
    const second = await fingerprint();
    undo();
    const third = await fingerprint();
    check(name, first !== second && first === third, [first, second, third]);
  };

  // Numbers and ticks are written as in the pictures.
  for (const [value, words] of LOOKS.numbers) check(`number ${value}`, number(value) === words, [number(value), words]);
  const alike = (mine, theirs) => mine.length === theirs.length
    && mine.every(([at, label], k) => label === theirs[k][1] && Math.abs(at - theirs[k][0]) <= 1e-12 * Math.abs(at));
  for (const [range, most, marks] of LOOKS.linear) {
    check(`ticks ${range}`, alike(ticks(range, most), marks), JSON.stringify([ticks(range, most), marks]));
  }
  for (const [range, most, marks] of LOOKS.decades) {
    check(`decades ${range}`, alike(decades(range, most), marks), JSON.stringify([decades(range, most), marks]));
  }
  // The chart spans all that it shows.
  charts.forEach(({ about, runs, place }) => {
    const heights = runs.flatMap((run) => run.series[place].values).filter((v) => v !== null && !(about.logarithmic && v <= 0))
      .map((v) => (about.logarithmic ? Math.log10(v) : v));
    check(`span of ${about.name}`, heights.every((v) => v >= about.span[0] && v <= about.span[1]), about.span);
  });

  play(false);
  seek(0);
  const start = await fingerprint();
  const slider = $("time");
  slider.value = film.steps / 2;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  const middle = await fingerprint();
  check("scrub moves the particles", start !== middle && moments.includes(state.step)
    && moments.every((one) => Math.abs(one - film.steps / 2) >= Math.abs(state.step - film.steps / 2)), state.step);

  key("Home");
  check("the same step is the same picture", (await fingerprint()) === start);
  key("ArrowRight");
  check("arrow key goes to the next frame", state.step === moments[1], state.step);
  key("ArrowLeft");
  check("arrow key goes back", state.step === 0, state.step);

  key(" ");
  check("space plays", state.playing && await until(() => state.step > 0.1 * film.steps), state.step);
  key(" ");
  const rest = state.step;
  await screen();
  check("space pauses", !state.playing && state.step === rest, [rest, state.step]);
  check("playing moves the particles", (await fingerprint()) !== start);
  const cursor = Number(charts[0].cursor.getAttribute("x1"));
  check("the curves follow", Math.abs(cursor - charts[0].across(state.step)) < 0.5, cursor);

  loop(true);
  state.step = film.steps;
  state.pace = 1;
  play(true);
  check("loop begins again", await until(() => state.step < film.steps) && state.playing, state.step);
  loop(false);
  state.step = 0.98 * film.steps;
  state.pace = 4;
  play(true);
  check("without loop it rests at the end", await until(() => !state.playing) && state.step === film.steps, state.step);
  state.pace = 1;

  const lineKey = document.querySelector(".line-key");
  check("curves have a key on the line alone", (lineKey.offsetParent !== null) === Boolean(film.line), lineKey.offsetParent?.className);

  seek(0.3 * film.steps);
  for (const name of Object.keys(state.show)) {
    const button = document.querySelector(`[data-show="${name}"]`);
    // What makes no sense on the line is not offered there.
    if (button.offsetParent === null) continue;
    await changes(`show ${name}`, () => button.click());
  }
  for (const name of ["ratio", "speed"]) {
    await changes(`colour by ${name}`, () => document.querySelector(`[data-colour="${name}"]`).click(), () => colourBy("origin"));
  }
  await changes("zoom", () => key("+"), () => key("0"));
  const { canvas } = panels[0];
  const box = canvas.getBoundingClientRect();
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  canvas.focus();
  await changes("wheel", () => canvas.dispatchEvent(new WheelEvent("wheel", { deltaY: -200, clientX: x, clientY: y, cancelable: true })), wholeView);
  canvas.blur();
  await changes("pan", () => moveTo(camera.x + 0.1 * VIEW.width, camera.y) ?? look(), wholeView);
  await changes("theme", () => key("d"));

  // Two fingers that part to twice their distance around the place between them.
  canvas.setPointerCapture = () => {};
  const [across, down] = [box.width / 2 + 20, box.height / 2];
  const finger = (type, pointerId, aside) => {
    const { left, top } = canvas.getBoundingClientRect();
    const place = { clientX: left + across + aside, clientY: top + down };
    canvas.dispatchEvent(new PointerEvent(type, { pointerId, pointerType: "touch", ...place, bubbles: true, cancelable: true }));
  };
  const between = panels[0].place(across, down);
  await changes("pinch", () => {
    finger("pointerdown", 101, -30);
    finger("pointerdown", 102, 30);
    for (const reach of [40, 50, 60]) {
      finger("pointermove", 101, -reach);
      finger("pointermove", 102, reach);
    }
    const after = panels[0].place(across, down);
    const kept = Math.hypot(after[0] - between[0], after[1] - between[1]) * panels[0].unit;
    check("pinch zooms as the fingers part", Math.abs(camera.zoom - 2) < 1e-6, camera.zoom);
    check("pinch keeps the place between the fingers", kept < 2, kept);
    finger("pointerup", 101, -60);
    finger("pointerup", 102, 60);
    finger("pointermove", 102, 200);
    check("lifted fingers move nothing", Math.abs(camera.zoom - 2) < 1e-6, camera.zoom);
  }, wholeView);

  // A page may fill the screen only at a real gesture; whether it asks for it, and what it says if it may not, is seen here.
  const player = $("player");
  const asked = [];
  player.requestFullscreen = () => { asked.push("player"); return Promise.reject(new Error("not now")); };
  $("full").click();
  key("p");
  await screen();
  check("full screen is asked for the player", asked.length === 2, asked);
  check("a refusal is told", $("hint").textContent.includes("not now"), $("hint").textContent);
  say("");
  delete player.requestFullscreen;

  const chart = charts[0].svg.getBoundingClientRect();
  charts[0].svg.setPointerCapture = () => {};
  const target = chart.left + charts[0].across(0.75 * film.steps);
  charts[0].svg.dispatchEvent(new PointerEvent("pointerdown", { clientX: target, button: 0, bubbles: true }));
  const apart = moments.map((one) => Math.abs(one - 0.75 * film.steps));
  const best = Math.abs(state.step - 0.75 * film.steps) - Math.min(...apart);
  check("a click on a curve jumps to the recorded moment there", moments.includes(state.step) && best < 0.02 * film.steps, state.step);

  const unnamed = [...document.querySelectorAll("button, input, select, canvas, svg")].filter((part) =>
    !part.closest("[aria-hidden=true]") && !part.closest("[hidden]")
    && !(part.getAttribute("aria-label") || part.textContent.trim() || part.labels?.[0]?.textContent.trim()));
  check("every control has a name", unnamed.length === 0, unnamed.map((part) => part.outerHTML.slice(0, 80)));
  const wide = document.documentElement.scrollWidth - innerWidth;
  check("nothing sticks out sideways", wide <= 0, wide);
  check("the style sheet applies", getComputedStyle(document.body).maxWidth === "1880px");
  const fetched = performance.getEntriesByType("resource").map((entry) => entry.name);
  check("nothing is fetched", fetched.length === 0, fetched);
  check("nothing goes wrong", problems.length === 0, problems);

}

// Mean time of drawing a picture, all panels and curves.
function drawingTime() {
  const turns = 20;
  state.playing = true;
  const began = performance.now();
  for (let k = 0; k < turns; k += 1) {
    state.step = ((k + 0.5) / turns) * film.steps;
    picture();
  }
  return (performance.now() - began) / turns;
}

if (location.hash.startsWith("#selftest")) {
  const checks = {};
  try {
    await selftest(checks);
    checks.finished = "ok";
  } catch (error) {
    checks.finished = `failed ${error}`;
  }
  const result = document.createElement("pre");
  result.id = "selftest";
  result.textContent = JSON.stringify({ checks, width: innerWidth, milliseconds: drawingTime() });
  document.body.append(result);
  console.info(`selftest ${result.textContent}`);
}
