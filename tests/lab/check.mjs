// The lab in a real browser: `node check.mjs BROWSER PAGE KEPT [SECONDS]` says what it finds as one line of JSON, name by name "ok" or what is wrong.
import { writeFileSync } from "node:fs";

import { Browser, wait } from "../page/browser.mjs";

const [program, page, kept, seconds = "20"] = process.argv.slice(2);
const checks = {};
const told = {};
const only = process.env.LAB_ONLY?.split(",");

async function check(name, work) {
  if (only && !only.some((word) => name.includes(word))) return;
  const before = browser.trouble().length;
  try {
    await work();
    const trouble = browser.trouble().slice(before);
    checks[name] = trouble.length === 0 ? "ok" : trouble.join("; ");
  } catch (error) {
    checks[name] = [error.message, ...browser.trouble().slice(before)].join("; ");
    await browser.shot(`${kept}/lab-failed-${name.replace(/\W+/g, "-")}.png`).catch(() => {});
  }
  if (process.env.LAB_LOUD) console.error(name, checks[name]);
}

const expect = (truth, words) => {
  if (!truth) throw new Error(words);
};

const browser = await Browser.open(program);
const address = `file://${page}`;
const click = (selector) => browser.ask(`document.querySelector(${JSON.stringify(selector)}).click()`);
const ready = (what = "the lab is ready") => browser.until("globalThis.lab?.ready", what, 60000);
const words = (id) => browser.ask(`document.getElementById("${id}").textContent`);
const failure = () => browser.ask("document.getElementById('failure').hidden ? '' : document.getElementById('failure-words').textContent");

// Another page, even where only the end of the address differs.
async function fresh(hash = "") {
  await browser.go("about:blank");
  await browser.go(address + hash);
  await ready();
}

// A run that goes on already is left to it.
const play = () => browser.ask("lab.state.playing || lab.over || document.getElementById('play').click()");

// Anything as the end of an address.
const packed = (value) => browser.ask(`(async () => {
  const stream = new Blob([${JSON.stringify(JSON.stringify(value))}]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  return "#s=" + btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
})()`);

// A scenario that is quick, in place of what there is.
async function bring(text) {
  await browser.ask(`(() => { document.getElementById("import").value = ${JSON.stringify(text)}; document.getElementById("import-go").click(); })()`);
  await wait(50);
  await ready();
}

const SMALL = "[target.ring]\n[source.gaussian]\n[cloud]\nparticles = 300\nsamples = 400\n[flow]\nsteps = 40\n";

try {
  if (only) await fresh();
  await check("it opens and runs to its end", async () => {
    await fresh();
    await browser.shot(`${kept}/lab-light.png`);
    await bring(SMALL);
    await play();
    await browser.until("lab.over && !lab.state.playing", "the end of the run");
    await browser.until("lab.reels[0].marks.length > 0", "a measurement");
    await browser.until("document.getElementById('clock').textContent.startsWith('step 40 of 40')", "the last step on the clock");
  });

  await check("each part of the loop is a button", async () => {
    await bring(SMALL);
    await click("#tab-change");
    await click("[data-panel=distill]");
    await wait(30);
    await ready();
    for (const part of ["move", "distil", "fit", "move"]) {
      await click(`[data-part=${part}]`);
      await browser.until(`document.querySelector("[data-part=${part}]").classList.contains("lit") && lab.state.goal === null`, `${part} is lit`);
    }
    await browser.shot(`${kept}/lab-loop.png`);
    expect(await browser.ask("lab.reels[1].frames.at(-2).threads.length === 2"), "no threads from g(z) to the moved points");
  });

  await check("every control can be changed while it runs", async () => {
    const changed = [];
    for (const start of [SMALL, `${SMALL}[discriminator.mlp]\nhidden = [16]\nbatch = 64\ninner_steps = 2\nwarm_up = 5\n`, `${SMALL}[flow.reaction]\n`, `${SMALL}[generator.distill]\nnetwork = [16]\n`]) {
      await bring(`${start.replace("steps = 40", "steps = 5000")}`);
      await click("#play");
      const keys = await browser.ask("[...document.querySelectorAll('#settings [data-key-name]:not([type=range])')].map((one) => one.dataset.keyName)");
      // Another estimator has other settings: that is a check of its own.
      for (const key of new Set(keys.filter((one) => !["discriminator", "reaction"].includes(one)))) {
        const did = await browser.ask(`(() => {
          const node = document.querySelector('#settings [data-key-name="${key}"]:not([type=range])');
          if (!node) return "gone";
          if (node.type === "checkbox") node.click();
          else if (node.tagName === "SELECT") {
            const options = [...node.options].filter((one) => !one.disabled);
            node.selectedIndex = options.length > 1 ? (node.selectedIndex + 1) % node.options.length : node.selectedIndex;
            node.dispatchEvent(new Event("change"));
          } else {
            const value = Number(node.value);
            node.value = node.value !== "" && Number.isFinite(value) ? (Number.isInteger(value) ? value + 1 : value * 1.1) : node.value;
            node.dispatchEvent(new Event("change"));
          }
          return "changed";
        })()`);
        await wait(10);
        await ready(`the lab after ${key}`);
        const said = await failure();
        if (said) await click("#failure-close");
        expect(!/nobody understands|undefined|\[object/.test(said), `${key}: ${said}`);
        if (did === "changed") changed.push(said ? `(${key})` : key);
        await ready();
        if (!(await browser.ask("lab.state.playing"))) await click("#play");
      }
    }
    told.controls = changed.length;
    told.refused = changed.filter((key) => key.startsWith("(")).length;
    expect(changed.length > 60, `only ${changed.length} controls: ${changed}`);
  });

  await check("the estimators can be exchanged while it runs", async () => {
    await bring(SMALL.replace("steps = 40", "steps = 5000"));
    await click("#play");
    const names = await browser.ask("[...document.querySelector('[data-key-name=discriminator]').options].map((one) => one.value)");
    for (const name of names) {
      const was = await browser.ask("lab.reels[0].last.step");
      await browser.ask(`(() => { const node = document.querySelector('[data-key-name=discriminator]'); node.value = "${name}"; node.dispatchEvent(new Event("change")); })()`);
      await wait(10);
      await ready(`the lab with ${name}`);
      const said = await failure();
      if (said) {
        await click("#failure-close");
        await ready();
      } else {
        await browser.until(`lab.reels[0].last?.step > ${was} || !lab.state.playing`, `a step with ${name}`, 60000);
        expect(await browser.ask(`lab.opened.panels[0].kept`), `${name} began anew`);
      }
      if (!(await browser.ask("lab.state.playing"))) await click("#play");
    }
    told.estimators = names.length;
  });

  await check("a drawing becomes the target", async () => {
    await bring(SMALL);
    await click("#tab-draw");
    await click("[data-tool=brush]");
    const stroke = await browser.ask("Array.from({ length: 12 }, (_, k) => lab.spot(-2 + k / 3, Math.sin(k / 2)))");
    await browser.drag(stroke);
    await wait(30);
    await ready();
    expect(/mixture/.test(await browser.ask("lab.plan.edits.target ?? ''")), "the stroke made no target");
    const before = await browser.ask("lab.drawing.dabs.target.length");
    await click("[data-tool=stamp]");
    await browser.drag([stroke[5], stroke[5]]);
    await wait(30);
    await ready();
    expect(await browser.ask("lab.drawing.dabs.target.length") === before + 8, "the stamp is not eight dabs");
    await click("[data-tool=eraser]");
    await browser.drag([stroke[0], stroke[1]]);
    await wait(30);
    await ready();
    expect(await browser.ask("lab.drawing.dabs.target.length") < before + 8, "the eraser erased nothing");
    await play();
    await browser.until("lab.over && !lab.state.playing", "the end of the run");
    expect(await failure() === "", await failure());
    await browser.shot(`${kept}/lab-drawn.png`);
    await click("#clear");
    await browser.ask("document.getElementById('dab').requestSubmit()");
    await wait(30);
    await ready();
    expect(await browser.ask("lab.drawing.dabs.target.length") === 1, "a Gaussian by numbers");
    await click("[data-tool=off]");
  });

  await check("files become the target", async () => {
    const drop = (name, body) => browser.ask(`(async () => {
      const files = new DataTransfer();
      files.items.add(new File([${body}], "${name}"));
      document.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: files }));
    })()`);
    await bring(SMALL);
    await drop("points.csv", "'x,y\\n' + Array.from({ length: 400 }, (_, k) => `${Math.sin(k)},${Math.cos(3 * k)}`).join('\\n')");
    await browser.until("/points/.test(lab.plan.edits.target ?? '')", "the points of the file");
    await ready();
    expect(await failure() === "", await failure());
    expect(await browser.ask("lab.opened.target.length") === 400, "half of 400 points are learned from");
    await drop("broken.csv", "'1,2\\nthree,four\\n'");
    await browser.until("!document.getElementById('failure').hidden", "words about a broken file");
    expect(/line 2/.test(await failure()), await failure());
    await drop("long.csv", "'1,2\\n'.repeat(50000)");
    await browser.until("/50000 lines/.test(document.getElementById('failure-words').textContent)", "words about too long a file");
    await drop("broken.npy", "new Uint8Array(40)");
    await browser.until("/no .npy file/.test(document.getElementById('failure-words').textContent)", "words about a broken array");
    const picture = await browser.ask("(() => { const c = document.createElement('canvas'); c.width = c.height = 60; const p = c.getContext('2d'); p.fillStyle = '#fff'; p.fillRect(0, 0, 60, 60); p.fillStyle = '#000'; p.fillRect(10, 10, 20, 40); return c.toDataURL(); })()");
    await click("#failure-close");
    await drop("picture.png", `Uint8Array.from(atob("${picture.split(",")[1]}"), (c) => c.charCodeAt(0))`);
    await browser.until("lab.plan.points['target.npy']?.length === 12000", "the points of the picture");
    await ready();
    expect(await failure() === "", await failure());
    await fresh("#scenario=drawing");
    expect(await failure() === "" && await browser.ask("lab.opened.target.length") > 1000, `the shipped picture: ${await failure()}`);
  });

  await check("the address is the state", async () => {
    await bring(SMALL);
    await browser.ask("(() => { const node = document.querySelector('[data-key-name=\"flow.h\"]'); node.value = 'softplus'; node.dispatchEvent(new Event('change')); })()");
    await wait(30);
    await ready();
    await click("[data-colour=speed]");
    await click("#again");
    await wait(30);
    await ready();
    for (let k = 0; k < 5; k += 1) {
      await click("#forth");
      await browser.until(`lab.reels[0].last.step === ${k + 1}`, "a step");
    }
    await click("#copy-link");
    await wait(200);
    const cloud = "Array.from(lab.reels[0].last.cloud).join()";
    told.written = await browser.ask("lab.written()");
    told.cloud = await browser.ask("Array.from(lab.reels[0].last.cloud)");
    const [link, was] = [await browser.ask("location.hash"), await browser.ask(cloud)];
    await fresh(link);
    expect(await browser.ask("lab.opened.panels[0].scenario.flow.h") === "softplus", "the change is lost");
    expect(await browser.ask("lab.state.colour") === "speed", "the colour is lost");
    for (let k = 0; k < 5; k += 1) {
      await click("#forth");
      await browser.until(`lab.reels[0].last.step === ${k + 1}`, "a step");
    }
    expect(await browser.ask(cloud) === was, "another cloud");
  });

  await check("what cannot be run is said with its remedy", async () => {
    for (const hash of ["#s=AAAA", "#s=%%%", "#scenario=no-such", await packed(null), await packed({ panels: [3] }), await packed({ text: "[target.ring]", points: { a: "AAAA" } })]) {
      await fresh(hash);
      expect(/choose/.test(await failure()), `${hash}: ${await failure()}`);
    }
    const wrong = [["[target.rign]", "did you mean"], ["[target.ring]\n[cloud]\nparticles = 3000000", "lower cloud.particles"], ["[target.image]\nfile = \"a.png\"", ""], ["no toml", "TOML"], ["", "paste"], ["[target.ring]\n[discriminator.oracle]\n[flow]\nh = \"nothing\"", "flow"]];
    for (const [text, remedy] of wrong) {
      await browser.ask(`(() => { document.getElementById("import").value = ${JSON.stringify(text)}; document.getElementById("import-go").click(); })()`);
      await wait(60);
      await ready();
      const said = await failure();
      expect(said !== "" && said.includes(remedy), `${JSON.stringify(text)}: “${said}”`);
      await click("#failure-close");
      await wait(30);
      await ready();
    }
    await click("#tab-draw");
    await click("#clear");
    await click("[data-tool=eraser]");
    await browser.drag([await browser.ask("lab.spot(0, 0)")]);
    expect(/Nothing is drawn/.test(await words("drawn")), await words("drawn"));
    await click("[data-tool=off]");
  });

  await check("each lesson runs to its end", async () => {
    await fresh();
    await click("#tab-lessons");
    const count = await browser.ask("document.querySelectorAll('[data-lesson]').length");
    expect(count === 6, `${count} lessons`);
    for (let k = 0; k < count; k += 1) {
      if (k === 0) await click("[data-lesson='0']");
      await browser.until(`document.querySelector("[data-lesson-next]") !== null && lab.ready`, "the lesson");
      for (let caption = 0; !(await browser.ask("document.querySelectorAll('#lessons .answers').length")); caption += 1) {
        expect(caption < 12, "no end of captions");
        if (k === 2 && caption === 3) await browser.shot(`${kept}/lab-lesson.png`);
        await wait(700);
        await ready();
        expect(await failure() === "", `lesson ${k + 1}: ${await failure()}`);
        await click("[data-lesson-next]");
        await wait(30);
      }
      await browser.ask("document.querySelectorAll('#lessons [data-answer=right]').forEach((one) => one.click())");
      expect(await browser.ask("[...document.querySelectorAll('#lessons .why')].every((one) => one.textContent.startsWith('Yes.'))"), "the right answers are wrong");
      await click("[data-lesson-next]");
      await wait(200);
    }
    // While a lesson is being set up no button of another is there to be pressed.
    const alone = await browser.ask(`(() => {
      document.querySelector("[data-lesson='0']").click();
      return document.querySelectorAll("#lessons button").length === 0;
    })()`);
    expect(alone, "buttons of no lesson");
    await browser.until(`document.querySelector("[data-lesson-next]") !== null && lab.ready`, "the lesson");
    await click("[data-lesson-back]");
    expect(await browser.ask("document.querySelectorAll('[data-lesson]').length") === 6, "no list of lessons");
  });

  await check("all measures and the verdict", async () => {
    await bring(SMALL);
    await click("#tab-measure");
    await play();
    await browser.until("lab.over && !lab.state.playing", "the end of the run");
    await browser.until("document.querySelectorAll('#measure .line').length > 3", "curves");
    await click("#judge");
    await browser.until("document.querySelectorAll('#verdicts .verdict').length === 1", "a verdict", 120000);
    await browser.shot(`${kept}/lab-measure.png`);
    told.verdict = await browser.ask("document.querySelector('#verdicts .verdict').textContent");
  });

  await check("it can be kept", async () => {
    await browser.ask(`(() => {
      globalThis.saved = [];
      const named = URL.createObjectURL;
      let last = null;
      URL.createObjectURL = (blob) => { last = blob; return named.call(URL, blob); };
      HTMLAnchorElement.prototype.click = function () { saved.push([this.download, last]); };
    })()`);
    for (const id of ["save-toml", "save-png", "save-npz", "save-apng"]) {
      const was = await browser.ask("saved.length");
      await click(`#${id}`);
      await browser.until(`saved.length > ${was}`, id, 60000);
    }
    const files = await browser.ask(`Promise.all(saved.map(async ([name, blob]) => [name, btoa(Array.from(new Uint8Array(await blob.arrayBuffer()), (byte) => String.fromCharCode(byte)).join(""))]))`);
    ["lab-saved.toml", "lab-saved.png", "lab-saved.npz", "lab-film.png"].forEach((name, k) => writeFileSync(`${kept}/${name}`, Buffer.from(files[k][1], "base64")));
    told.moments = await browser.ask("lab.reels[0].steps.length");
    told.command = await words("command");
    expect(/^ratioflow (run|compare)/.test(told.command), told.command);
  });

  await check("several panels are kept in one file", async () => {
    await bring(`${SMALL}momentum = "nesterov"\n`);
    await click("#tab-change");
    for (const panel of ["distill", "adversarial"]) {
      await click(`[data-panel=${panel}]`);
      await wait(50);
      await ready();
    }
    for (let k = 0; k < 5; k += 1) {
      await click("#forth");
      await browser.until(`lab.reels.every((reel) => reel.last.step === ${k + 1})`, "a step");
    }
    told.several = { text: await browser.ask("lab.written()"), panels: await browser.ask("lab.reels.map((reel) => [reel.name, Array.from(reel.last.cloud)])") };
    await click("#tab-keep");
    expect((await words("command")) === "ratioflow compare scenario.toml", await words("command"));
    await bring(told.several.text);
    expect((await browser.ask("lab.reels.map((reel) => reel.name).join()")) === "flow,distill,adversarial", "the file brings other panels");
  });

  await check("in slow motion each step shows its parts", async () => {
    await bring(SMALL);
    await browser.ask("(() => { const pace = document.getElementById('pace'); pace.value = '1'; pace.dispatchEvent(new Event('change')); })()");
    await play();
    for (const part of ["move", "fit", "move"]) await browser.until(`lab.state.playing && document.querySelector("[data-part=${part}]").classList.contains("lit")`, `${part} is lit`);
    await browser.ask("document.getElementById('play').click(); const pace = document.getElementById('pace'); pace.value = '60'; pace.dispatchEvent(new Event('change'))");
  });

  await check("losses stand beside the measures", async () => {
    await bring(`${SMALL}[discriminator.mlp]\nhidden = [16]\nbatch = 64\ninner_steps = 2\nwarm_up = 5\n`);
    await click("#tab-change");
    await click("[data-panel=adversarial]");
    await wait(50);
    await ready();
    await click("#tab-measure");
    await play();
    await browser.until("lab.over && !lab.state.playing", "the end of the run");
    await browser.until("lab.reels.every((reel) => reel.measured.length > 0)", "measurements");
    const shown = await browser.ask("[...document.querySelectorAll('#measure .charts h3, #measure .charts figcaption, #measure .charts')].map((one) => one.textContent).join(' ')");
    expect(/loss of D: logistic/.test(shown) && /−E h\(D/.test(shown), shown);
    expect(await browser.ask("Number.isFinite(lab.reels[0].last.loss) && Number.isFinite(lab.reels[1].last.climbed) && lab.reels[0].last.climbed === null"), "losses are no numbers");
  });

  await check("phone and projector, dark", async () => {
    await browser.size(390, 844, 2, true);
    await fresh("#scenario=gan-as-ode");
    expect(await browser.ask("document.documentElement.scrollWidth") <= 390, `the page is ${await browser.ask("document.documentElement.scrollWidth")} pixels wide on a phone`);
    await click("#play");
    await wait(1500);
    await browser.shot(`${kept}/lab-phone.png`);
    await click("#play");
    await browser.size(1920, 1080);
    await click("#theme");
    await wait(300);
    await browser.shot(`${kept}/lab-dark.png`);
    await browser.size(1440, 900);
  });

  await check("the field is drawn where it is", async () => {
    await fresh();
    const modes = [[-8, 0], [8, 3], [0, 4], [0, -4]].map(([x, y]) => `{ weight = 1.0, mean = [${x}.0, ${y}.0], covariance = [[0.1, 0.0], [0.0, 0.1]] }`);
    await bring(`${SMALL.replace("[target.ring]", `[target.mixture]\ncomponents = [${modes}]`)}`);
    for (let k = 0; k < 3; k += 1) {
      await click("#forth");
      await browser.until(`lab.reels[0].last.step === ${k + 1}`, "a step");
    }
    // Arrows as they are drawn, their middles as places of the lattice, against what the engine said of that place.
    const found = await browser.ask(`(async () => {
      const [reel] = lab.reels;
      const [[left, right], [low, high]] = lab.view;
      const box = document.querySelector(".panel canvas").getBoundingClientRect();
      const [ox, oy] = lab.spot(0, 0);
      const unit = lab.spot(1, 0)[0] - ox;
      const corners = [];
      const { moveTo, lineTo } = Path2D.prototype;
      Path2D.prototype.moveTo = function (...at) { corners.push([at]); moveTo.apply(this, at); };
      Path2D.prototype.lineTo = function (...at) { corners.at(-1)?.push(at); lineTo.apply(this, at); };
      lab.state.show.target = false;
      document.querySelector("[data-show=target]").click();
      await new Promise((done) => setTimeout(done, 300));
      Object.assign(Path2D.prototype, { moveTo, lineTo });
      const worst = { place: 0, way: 1, count: 0, bare: 0, far: 0 };
      for (const path of corners.filter((one) => one.length === 7)) {
        const tail = [0, 1].map((axis) => (path[0][axis] + path[6][axis]) / 2);
        const way = [path[3][0] - tail[0], tail[1] - path[3][1]];
        const middle = [0, 1].map((axis) => (tail[axis] + path[3][axis]) / 2 + [box.left, box.top][axis]);
        const column = ((middle[0] - ox) / unit - left) / (right - left) * 40;
        const row = ((oy - middle[1]) / unit - low) / (high - low) * 40;
        worst.place = Math.max(worst.place, Math.abs(column - Math.round(column)), Math.abs(row - Math.round(row)));
        const k = 2 * (41 * Math.round(row) + Math.round(column));
        const [u, v] = reel.last.arrows.slice(k, k + 2);
        worst.way = Math.min(worst.way, (u * way[0] + v * way[1]) / Math.hypot(u, v) / Math.hypot(...way));
        worst.count += 1;
      }
      // Bands in full where a mode is, none far from all points.
      const veils = reel.veils.subarray(41 * 41 * (reel.steps.length - 1));
      const points = [...Array(lab.opened.target.length / 2).keys()].map((i) => [lab.opened.target[2 * i], lab.opened.target[2 * i + 1]])
        .concat([...Array(reel.last.cloud.length / 2).keys()].map((i) => [reel.last.cloud[2 * i], reel.last.cloud[2 * i + 1]]));
      for (let k = 0; k < 41 * 41; k += 1) {
        const place = [left + (right - left) * (k % 41) / 40, low + (high - low) * Math.floor(k / 41) / 40];
        const near = Math.min(...points.map(([x, y]) => Math.hypot(x - place[0], y - place[1])));
        const pitch = Math.max(right - left, high - low) / 40;
        const reach = Math.max(reel.last.scale, pitch);
        if (near < reach - pitch && veils[k] < 8) worst.bare += 1;
        if (near > 2 * reach + pitch && veils[k] > 0) worst.far += 1;
      }
      return worst;
    })()`);
    expect(found.count > 5 && found.place < 0.06 && found.way > 0.99, `arrows: ${JSON.stringify(found)}`);
    expect(found.bare === 0 && found.far === 0, `bands: ${JSON.stringify(found)}`);
  });

  await check("panels of other lengths and sizes, refusals, and drawings taken back", async () => {
    const change = async (key, value) => {
      await browser.ask(`(() => { const node = document.querySelector('#settings [data-key-name="${key}"]:not([type=range])'); node.value = ${JSON.stringify(value)}; node.dispatchEvent(new Event("change")); })()`);
      await wait(30);
      await ready();
    };
    await bring(`variants = ["short: flow.steps=3, cloud.particles=100", "long: flow.steps=8"]\n${SMALL}`);
    await play();
    await browser.until("lab.over && !lab.state.playing", "the end of both runs");
    expect(await browser.ask("lab.reels.map((reel) => reel.last.step + ' ' + reel.last.cloud.length).join()") === "3 200,8 600", "panels of other sizes");
    await browser.until("document.getElementById('clock').textContent.startsWith('step 8 of 8')", "the step of the longer run");
    await click("#forth");
    expect(await browser.ask("lab.reels[1].last.step") === 8 && /has ended/.test(await words("hint")), "a step beyond the end wipes the run");
    // A refused change does not stay.
    await bring(SMALL);
    await change("flow.momentum_decay", "abc");
    expect(/abc/.test(await failure()), `no refusal: ${await failure()}`);
    await change("cloud.samples", "300");
    expect(await failure() === "" && await browser.ask("lab.plan.edits['flow.momentum_decay'] === undefined && lab.opened.target.length === 600"), `after a refusal: ${await failure()}`);
    // What was drawn stands in the address, and the first undo gives back what was there.
    await browser.ask("(() => { const node = document.getElementById('family'); node.value = 'moons'; node.dispatchEvent(new Event('change')); })()");
    await wait(30);
    await ready();
    const moons = await browser.ask("lab.plan.edits.target");
    for (let k = 0; k < 2; k += 1) {
      await browser.ask("document.getElementById('dab').requestSubmit()");
      await wait(30);
      await ready();
    }
    const link = await packed(await browser.ask("({ text: lab.plan.text, edits: lab.plan.edits })"));
    for (let k = 0; k < 2; k += 1) {
      await click("#undo");
      await wait(30);
      await ready();
    }
    expect(/moons/.test(moons) && await browser.ask("lab.plan.edits.target") === moons, `undo: ${await browser.ask("lab.plan.edits.target")}`);
    await fresh(link);
    expect(await browser.ask("lab.drawing.dabs.target.length") === 2, "the drawing of a link cannot be edited");
    // Other points under the same name are other points.
    const drop = (name, body) => browser.ask(`(async () => {
      const files = new DataTransfer();
      files.items.add(new File([${body}], "${name}"));
      document.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: files }));
    })()`);
    for (const far of [0, 3]) {
      await drop("a.csv", `Array.from({ length: 250 }, (_, k) => (k / 50) + ',' + (${far} + Math.sin(k))).join('\\n')`);
      await wait(100);
      await ready();
    }
    expect(await browser.ask("lab.opened.target.filter((_, i) => i % 2).every((y) => y > 1)"), "the second file is ignored");
    for (const [text, remedy] of [["0,841;-0,990", "4 column"], ["1,2\\n\\n# c\\n1.5,", "line 4"], [",2", "missing"], ["1,2,3", "3 column"], ["nan,1", "line 1"]]) {
      await click("#failure-close");
      await drop("b.csv", `'${text}\\n' + '1,2\\n'.repeat(20)`);
      await browser.until("!document.getElementById('failure').hidden", `words about ${text}`);
      expect((await failure()).includes(remedy), `${text}: ${await failure()}`);
    }
    await click("#failure-close");
    // Without a log ratio nothing speaks of one; going back in a lesson gives back its settings.
    await bring(`${SMALL}[discriminator.mmd]\n`);
    expect(/field/.test(await browser.ask("document.querySelector('[data-part=fit]').textContent")) && await browser.ask("document.querySelector('[data-colour=ratio]').disabled"), "mmd is told as a log ratio");
    await click("#tab-lessons");
    await browser.ask("(() => { const back = document.querySelector('[data-lesson-back]'); if (back) document.querySelector('[data-lesson]') ?? back.click(); })()");
    await click("[data-lesson='1']");
    await browser.until("document.querySelector('[data-lesson-next]') && lab.ready", "the lesson");
    await click("[data-lesson-next]");
    await wait(50);
    await ready();
    expect(await browser.ask("lab.opened.panels[0].scenario.flow.refit_every") === 5, "the lesson did not go on");
    await click("[data-lesson-back]");
    await browser.until("lab.ready && lab.opened.panels[0].scenario.flow.refit_every === 1 && document.querySelector('[data-lesson-next]')", "the settings of the caption before");
  });

  await check("random clicks do no harm", async () => {
    await fresh();
    await bring(SMALL);
    await browser.ask("HTMLAnchorElement.prototype.click = function () {}; HTMLElement.prototype.requestFullscreen = async function () {}");
    let seed = 20260101;
    const random = () => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return seed / 2 ** 32;
    };
    const end = Date.now() + 1000 * Number(seconds);
    const heap = async () => {
      await browser.send("HeapProfiler.collectGarbage");
      return (await browser.send("Runtime.getHeapUsage")).usedSize;
    };
    let clicks = 0;
    const heaps = [];
    while (Date.now() < end) {
      if (clicks % 200 === 0) heaps.push(await heap());
      clicks += 1;
      const what = random();
      if (what < 0.75) {
        await browser.ask(`(() => {
          const all = [...document.querySelectorAll("button, summary, input, select, [role=tab]")].filter((one) => one.offsetParent !== null && !one.disabled && one.type !== "file");
          const one = all[Math.floor(${random()} * all.length)];
          if (!one) return;
          if (one.tagName === "SELECT") { one.selectedIndex = Math.floor(${random()} * one.options.length); one.dispatchEvent(new Event("change", { bubbles: true })); }
          else if (one.type === "range") { one.value = Number(one.min) + ${random()} * (one.max - one.min); one.dispatchEvent(new Event("input", { bubbles: true })); }
          else if (one.type === "text" || one.type === "number") {
            // No page is asked to hold a cloud that takes a minute a step.
            const values = ["0", "-1", "1e300", "200", "0.3", "nan", "'", "auto"];
            const value = values[Math.floor(${random()} * (one.type === "number" ? 5 : 8))];
            one.value = value; one.dispatchEvent(new Event("change", { bubbles: true }));
          } else one.click();
        })()`);
      } else if (what < 0.85) {
        const [x, y] = [random() * 1400, random() * 880];
        await browser.drag([[x, y], [x + 40 * random(), y + 40 * random()]]);
      } else {
        const keys = [" ", "ArrowRight", "ArrowLeft", "r", "1", "2", "3", "c", "f", "t", "m", "n", "d", "+", "0", "Escape", "Tab"];
        const key = keys[Math.floor(random() * keys.length)];
        await browser.send("Input.dispatchKeyEvent", { type: "keyDown", key, text: key.length === 1 ? key : undefined });
        await browser.send("Input.dispatchKeyEvent", { type: "keyUp", key });
      }
    }
    told.clicks = clicks;
    told.engines = (await browser.ask("lab.sizes()")).map((size) => Math.round(size / 1e5) / 10);
    told.heaps = heaps.map((size) => Math.round(size / 1e5) / 10);
    await browser.ask("document.getElementById('failure-close').click()");
    expect(await browser.ask("lab.problems.length") === 0, await browser.ask("lab.problems.join('; ')"));
  });

  await check("nothing is fetched", async () => {
    expect(browser.trouble().filter((one) => one.startsWith("request")).length === 0, "a request");
  });
} finally {
  await browser.close();
}
console.log(JSON.stringify({ checks, told }));
