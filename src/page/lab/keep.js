// Keeping: the link, the scenario as a file, the command, clouds and pictures.
const CRC = Uint32Array.from({ length: 256 }, (_, k) => {
  let c = k;
  for (let bit = 0; bit < 8; bit += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function crc(...parts) {
  let c = 0xffffffff;
  for (const part of parts) for (const byte of part) c = CRC[(c ^ byte) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

function save(name, parts, type = "application/octet-stream") {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  say(`${name} was saved.`);
}

// An array as NumPy reads it.
function npy(values, shape, type = "<f8") {
  const body = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`;
  const header = body.padEnd(Math.ceil((body.length + 11) / 64) * 64 - 11) + "\n";
  const bytes = new Uint8Array(10 + header.length + values.byteLength);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8]);
  bytes.set(new TextEncoder().encode(header), 10);
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 10 + header.length);
  return bytes;
}

// An archive of files as they are.
function zipped(files) {
  const parts = [];
  const list = [];
  let at = 0;
  for (const [name, bytes] of Object.entries(files)) {
    const letters = new TextEncoder().encode(name);
    const about = new DataView(new ArrayBuffer(30));
    const shared = (view, from) => {
      view.setUint16(from, 20, true);
      view.setUint16(from + 8, 0x21, true);
      view.setUint32(from + 10, crc(bytes), true);
      view.setUint32(from + 14, bytes.length, true);
      view.setUint32(from + 18, bytes.length, true);
      view.setUint16(from + 22, letters.length, true);
    };
    about.setUint32(0, 0x04034b50, true);
    shared(about, 4);
    parts.push(new Uint8Array(about.buffer), letters, bytes);
    const entry = new DataView(new ArrayBuffer(46));
    entry.setUint32(0, 0x02014b50, true);
    entry.setUint16(4, 20, true);
    shared(entry, 6);
    entry.setUint32(42, at, true);
    list.push(new Uint8Array(entry.buffer), letters);
    at += 30 + letters.length + bytes.length;
  }
  const size = list.reduce((sum, part) => sum + part.length, 0);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, list.length / 2, true);
  end.setUint16(10, list.length / 2, true);
  end.setUint32(12, size, true);
  end.setUint32(16, at, true);
  return [...parts, ...list, new Uint8Array(end.buffer)];
}

function saveNpz() {
  const files = {};
  for (const reel of reels) {
    const prefix = reels.length > 1 ? `${reel.name.replace(/[^\w-]/g, "_")}_` : "";
    const whole = reel.frames.filter((frame, k) => Number.isInteger(reel.steps[k]));
    const clouds = new Float64Array(whole.reduce((sum, frame) => sum + frame.cloud.length, 0));
    let at = 0;
    for (const frame of whole) {
      clouds.set(frame.cloud, at);
      at += frame.cloud.length;
    }
    files[`${prefix}steps.npy`] = npy(Float64Array.from(whole, (frame) => frame.step), [whole.length]);
    files[`${prefix}particles.npy`] = npy(clouds, [whole.length, reel.particles, 2]);
  }
  files["target.npy"] = npy(opened.target, [opened.target.length / 2, 2]);
  save("clouds.npz", zipped(files));
}

// What runs, as files: one with all panels as its variants; where one differs in what no variant may change, one for each.
async function saveToml() {
  const files = {};
  try {
    files["scenario.toml"] = await written();
  } catch {
    for (const [k, reel] of reels.entries()) files[`scenario-${reel.name.replace(/[^\w-]/g, "_")}.toml`] = await written(k);
  }
  for (const [name, text] of Object.entries(files)) save(name, [text], "application/toml");
  for (const [name, points] of Object.entries(plan.points)) {
    if (Object.values(files).some((text) => text.includes(name))) save(name, [npy(Float64Array.from(points), [points.length / 2, 2])]);
  }
}

// The scenario of a panel, every default spelled out; without one, the first with all of them as its variants.
async function written(panel = null) {
  const { text } = await mover.call("written", { panel });
  return text;
}

// All panels beside each other on one canvas.
function joined() {
  const canvas = document.createElement("canvas");
  const gap = Math.round(14 * panels[0].scale);
  canvas.width = panels.reduce((sum, panel) => sum + panel.canvas.width + gap, -gap);
  canvas.height = Math.max(...panels.map((panel) => panel.canvas.height));
  const context = canvas.getContext("2d");
  context.fillStyle = palette.paper;
  context.fillRect(0, 0, canvas.width, canvas.height);
  let x = 0;
  for (const panel of panels) {
    context.drawImage(panel.canvas, x, 0);
    x += panel.canvas.width + gap;
  }
  return canvas;
}

const pngOf = (canvas) => new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the browser gave no picture"))), "image/png"));

async function savePng() {
  picture();
  save("lab.png", [await pngOf(joined())], "image/png");
}

function* chunks(bytes) {
  const view = new DataView(bytes.buffer);
  for (let at = 8; at + 12 <= bytes.length;) {
    const size = view.getUint32(at);
    yield [String.fromCharCode(...bytes.subarray(at + 4, at + 8)), bytes.subarray(at + 8, at + 8 + size)];
    at += size + 12;
  }
}

function chunk(type, ...data) {
  const name = new TextEncoder().encode(type);
  const size = data.reduce((sum, part) => sum + part.length, 0);
  const head = new DataView(new ArrayBuffer(4));
  head.setUint32(0, size);
  const tail = new DataView(new ArrayBuffer(4));
  tail.setUint32(0, crc(name, ...data));
  return [new Uint8Array(head.buffer), name, ...data, new Uint8Array(tail.buffer)];
}

const big = (...words) => {
  const view = new DataView(new ArrayBuffer(4 * words.length));
  words.forEach((word, k) => view.setUint32(4 * k, word));
  return new Uint8Array(view.buffer);
};

// The moments of the reel as an animated picture (APNG: the frames of single pictures in one file).
async function saveApng() {
  const MOST_FRAMES = 80;
  pause();
  const { steps } = lead();
  if (steps.length < 2) {
    say("There is no film yet: take some steps.");
    return;
  }
  $("save-apng").disabled = true;
  try {
    const stride = Math.ceil(steps.length / MOST_FRAMES);
    const chosen = steps.filter((_, k) => k % stride === 0 || k === steps.length - 1);
    const parts = [new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10])];
    let sequence = 0;
    for (const [k, step] of chosen.entries()) {
      state.follow = false;
      state.step = step;
      picture();
      const bytes = new Uint8Array(await (await pngOf(joined())).arrayBuffer());
      const found = [...chunks(bytes)];
      const header = found.find(([type]) => type === "IHDR")[1];
      if (k === 0) parts.push(...chunk("IHDR", header), ...chunk("acTL", big(chosen.length, 0)));
      const control = new Uint8Array(26);
      control.set(big(sequence++), 0);
      control.set(header.subarray(0, 8), 4);
      // A twentieth of a second, and longer at the end.
      control.set([0, k === chosen.length - 1 ? 30 : 1, 0, 20, 0, 0], 20);
      parts.push(...chunk("fcTL", control));
      for (const [type, data] of found) {
        if (type !== "IDAT") continue;
        parts.push(...(k === 0 ? chunk("IDAT", data) : chunk("fdAT", big(sequence++), data)));
      }
      say(`Film: picture ${k + 1} of ${chosen.length}.`);
    }
    parts.push(...chunk("IEND"));
    save("lab.apng", parts, "image/apng");
  } catch (error) {
    fail(error);
  } finally {
    $("save-apng").disabled = false;
    redraw();
  }
}

const quoted = (text) => (/^[\w./:@%,+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

// What to type so as to run the same natively.
function command() {
  const shipped = about.shipped.find((one) => one.name === plan.name)?.text === plan.text;
  const drawn = Object.keys(plan.points).some((name) => Object.values(plan.edits).some((value) => value?.includes(name)));
  const several = plan.panels.length > 1;
  const asked = wanted();
  const sets = (edits) => edits.flatMap((edit) => (edit.set ? [`--set ${quoted(edit.set)}`]
    : edit.kind?.[0] === "discriminator" ? [`--discriminator ${edit.kind[1]}`]
      : edit.kind?.[0] === "generator" ? [`--generator ${edit.kind[1]}`] : []));
  const long = asked.edits.some((edit) => edit.set?.length > 400);
  const file = several ? "ratioflow compare scenario.toml" : "ratioflow run scenario.toml";
  if (!shipped || drawn || long) return file;
  const shared = sets(asked.edits);
  if (!several) {
    const own = asked.panels[0];
    if (own.variant) return ["ratioflow", "compare", plan.name, ...shared, "--variant", quoted(own.variant)].join(" ");
    const off = plan.panels[0] === "flow" ? ["--generator off"] : [];
    return ["ratioflow", "run", plan.name, ...(/^\[generator/m.test(plan.text) ? off : []), ...shared, ...sets(own.edits)].join(" ");
  }
  // What is taken away beside a generator has no word on a command line.
  const freed = asked.panels.some(({ edits }) => edits.some((edit) => FREE.includes(edit.remove)));
  if (freed && (FREE.some((key) => Object.hasOwn(plan.edits, key)) || /^(momentum|integrator|noise|\[flow\.reaction)/m.test(plan.text))) return file;
  const variants = asked.panels.map((panel) => {
    if (panel.variant) return [panel.variant, ...panel.edits.map((edit) => edit.set)].join(", ");
    if (panel.name === "flow") return "flow: generator=off";
    const own = panel.edits.filter((edit) => edit.set).map((edit) => edit.set);
    return `${panel.name}: ${own.length > 0 ? own.join(", ") : `generator.${panel.name}={}`}`;
  });
  // What the scenario compares by itself need not be said.
  const own = variantsOf(plan.text);
  if (own.length === variants.length && variants.every((variant, k) => variant === own[k])) return ["ratioflow", "compare", plan.name, ...shared].join(" ");
  return ["ratioflow", "compare", plan.name, ...shared, ...variants.map((variant) => `--variant ${quoted(variant)}`)].join(" ");
}

let addressTimer = null;

// Browsers let a page change its address a few times a second, and a slider moves more often.
function keepAddressSoon() {
  addressTimer ??= setTimeout(() => {
    addressTimer = null;
    keepAddress();
  }, 500);
}

async function keepAddress() {
  try {
    const link = await fragment();
    if (link.length < 200000) history.replaceState(null, "", link);
    else say("The points are too many for a link: save the scenario instead.");
  } catch (error) {
    say(`The address could not be kept: ${error.message}`);
  }
}

const stopsEarly = () => opened.panels.some(({ scenario }) => scenario.metrics?.stop === "floor");

function showKeep() {
  $("command").textContent = command();
  const kept = touched ? `The link and the command begin anew with these settings; what you see was changed on its way (last at step ${touched}).` : stopsEarly() ? "The command gives the same steps, and stops once no measure tells the cloud from the target (metrics.stop); the lab goes on to the last step." : "The command gives the same run: on another processor the last digits of some numbers may differ.";
  $("same").textContent = kept;
}

async function copyLink() {
  await keepAddress();
  try {
    await navigator.clipboard.writeText(location.href);
    say("The link is copied.");
  } catch {
    say("The browser does not let a page copy: take the address from its bar.");
  }
}

function importText(text, name = "imported") {
  if (text.length > 1e6) throw new Error(`${name} is longer than any scenario: is it one?`);
  if (text.trim() === "") throw new Error("there is nothing to run: paste a scenario, such as [target.ring]");
  remember();
  restorePlan({ ...shippedPlan({ name, text }) });
  change("nothing");
}

async function importFile(file) {
  try {
    if (file.size > 1e6) throw new Error(`${file.name} is longer than any scenario: is it one?`);
    importText(await file.text(), file.name.replace(/\.toml$/i, ""));
  } catch (error) {
    fail(error);
  }
}

function connectKeep() {
  const click = (id, act) => $(id).addEventListener("click", async () => {
    try {
      await act();
    } catch (error) {
      fail(error);
    }
  });
  click("copy-link", copyLink);
  click("save-toml", saveToml);
  click("save-png", savePng);
  click("save-apng", saveApng);
  click("save-npz", saveNpz);
  click("import-go", () => importText($("import").value));
  $("import-file").addEventListener("change", () => {
    if ($("import-file").files[0]) importFile($("import-file").files[0]);
    $("import-file").value = "";
  });
}
