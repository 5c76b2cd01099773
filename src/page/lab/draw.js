// Drawing: the target and the source as mixtures of Gaussians, one for each dab of the brush, so that what is drawn is a scenario in text.
const drawing = { what: "target", tool: "off", dabs: { target: null, source: null }, undone: [], busy: false };
// More Gaussians than that a step would take long over.
const DABS = 300;
const CHANGED = " (changed)";
const STAMPS = {
  ring: (sd) => Array.from({ length: 8 }, (_, k) => [2.6 * sd * 2 * Math.cos((k * Math.PI) / 4), 2.6 * sd * 2 * Math.sin((k * Math.PI) / 4), 0.5 * sd]),
  grid: (sd) => Array.from({ length: 9 }, (_, k) => [4 * sd * ((k % 3) - 1), 4 * sd * (Math.floor(k / 3) - 1), 0.5 * sd]),
  moons: (sd) => Array.from({ length: 24 }, (_, k) => {
    const angle = (Math.PI * (k % 12)) / 11;
    return k < 12 ? [4 * sd * (Math.cos(angle) - 0.5), 4 * sd * (Math.sin(angle) - 0.25), 0.4 * sd] : [4 * sd * (0.5 - Math.cos(angle)), 4 * sd * (0.25 - Math.sin(angle)), 0.4 * sd];
  }),
  spiral: (sd) => Array.from({ length: 30 }, (_, k) => {
    const angle = 0.35 * k;
    return [0.55 * sd * angle * Math.cos(angle), 0.55 * sd * angle * Math.sin(angle), 0.35 * sd];
  }),
  line: (sd) => Array.from({ length: 12 }, (_, k) => [sd * (k - 5.5), 0, 0.5 * sd]),
};

const brush = () => Number($("brush").value) * Math.min(VIEW.width, VIEW.height);

const dabs = () => drawing.dabs[drawing.what] ?? [];

function mixture(list) {
  const round = (v) => Number(v.toPrecision(4));
  const components = list.map(([x, y, sd]) => {
    const variance = inToml(round(sd * sd));
    return `{ weight = 1.0, mean = [${inToml(round(x))}, ${inToml(round(y))}], covariance = [[${variance}, 0.0], [0.0, ${variance}]] }`;
  });
  return `{ mixture = { components = [${components.join(", ")}] } }`;
}

// The dabs of such a text; nothing if it is another one.
function dabsIn(text) {
  const found = [...(text ?? "").matchAll(/\{ weight = 1\.0, mean = \[(\S+), (\S+)\], covariance = \[\[(\S+), 0\.0\]/g)];
  return found.length > 0 ? found.map(([, x, y, variance]) => [Number(x), Number(y), Math.sqrt(Number(variance))]) : null;
}

// Another target or source, of which the words of the scenario say nothing.
function replaceCloud(text) {
  const { what } = drawing;
  remember();
  delete plan.kinds[what];
  for (const key of Object.keys(plan.edits)) if (key === what || key.startsWith(`${what}.`)) delete plan.edits[key];
  plan.edits[what] = text;
  const { title, question } = opened.panels[0].scenario;
  if (title && !title.endsWith(CHANGED)) plan.edits.title = JSON.stringify(title + CHANGED);
  if (question) plan.edits.question = '""';
}

// Makes what is drawn the target, or the source.
function draws() {
  const { what } = drawing;
  const list = dabs();
  if (list.length === 0) {
    tellDrawn("Nothing is drawn: the picture is empty, and the clouds stay as they were. Draw with the brush, or choose a family.");
    return;
  }
  replaceCloud(mixture(list));
  tellDrawn();
  // A run that has ended goes on towards what is new.
  if (over()) wish = "run";
  change(what === "source" ? "nothing" : "cloud");
}

function tellDrawn(words = null) {
  const count = dabs().length;
  $("drawn").textContent = words ?? (count === 0 ? "" : `${count} of at most ${DABS} dabs, each a Gaussian`);
}

function add(x, y, sd) {
  const { what } = drawing;
  drawing.dabs[what] ??= [];
  if (drawing.dabs[what].length >= DABS) {
    tellDrawn(`There are ${DABS} dabs already: erase some, or draw with a wider brush.`);
    return false;
  }
  drawing.dabs[what].push([x, y, sd]);
  return true;
}

function erase(x, y) {
  const reach = 2 * brush();
  const { what } = drawing;
  drawing.dabs[what] = dabs().filter(([a, b]) => Math.hypot(a - x, b - y) > reach);
}

function stamp(x, y) {
  for (const [dx, dy, sd] of STAMPS[$("stamp").value](brush())) if (!add(x + dx, y + dy, sd)) return;
}

// What the tool does at a place, on the way from another.
function stroke([x, y], from) {
  if (drawing.tool === "eraser") {
    erase(x, y);
  } else if (drawing.tool === "brush") {
    const sd = brush();
    const far = from ? Math.hypot(x - from[0], y - from[1]) : Infinity;
    if (far < 1.2 * sd) return from;
    const steps = from && Number.isFinite(far) ? Math.max(1, Math.floor(far / (1.2 * sd))) : 1;
    for (let k = 1; k <= steps; k += 1) {
      const part = k / steps;
      if (!add(from ? from[0] + (x - from[0]) * part : x, from ? from[1] + (y - from[1]) * part : y, sd)) break;
    }
  } else if (!from) {
    stamp(x, y);
  }
  tellDrawn();
  redraw();
  return [x, y];
}

function saveForUndo() {
  drawing.undone.push({ what: drawing.what, dabs: structuredClone(dabs()), edits: { ...plan.edits }, kinds: { ...plan.kinds } });
  if (drawing.undone.length > 50) drawing.undone.shift();
}

function drawOn(panel) {
  const { canvas } = panel;
  let from = null;
  let active = null;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return panel.place(event.clientX - box.left, event.clientY - box.top);
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (drawing.tool === "off" || (event.pointerType === "mouse" && event.button !== 0)) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    if (active !== null) return;
    active = event.pointerId;
    try {
      canvas.setPointerCapture(active);
    } catch {
      // A pointer that has gone already draws a single dab.
    }
    saveForUndo();
    from = stroke(place(event), null);
  }, { capture: true });
  canvas.addEventListener("pointermove", (event) => {
    if (active !== event.pointerId) return;
    event.stopImmediatePropagation();
    from = stroke(place(event), from);
  }, { capture: true });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      if (active !== event.pointerId) return;
      active = null;
      from = null;
      draws();
    }, { capture: true });
  }
}

function chooseTool(name) {
  drawing.tool = name;
  for (const button of document.querySelectorAll("[data-tool]")) press(button, button.dataset.tool === name);
  for (const { canvas } of panels) canvas.classList.toggle("drawing", name !== "off");
  redraw();
}

function chooseDrawn(what) {
  drawing.what = what;
  for (const button of document.querySelectorAll("[data-draws]")) press(button, button.dataset.draws === what);
  tellDrawn();
  redraw();
}

function undoDab() {
  const last = drawing.undone.pop();
  if (!last) {
    tellDrawn("There is nothing to undo.");
    return;
  }
  chooseDrawn(last.what);
  drawing.dabs[last.what] = last.dabs;
  tellDrawn();
  remember();
  // What else was changed since stays.
  for (const [now, then] of [[plan.edits, last.edits], [plan.kinds, last.kinds]]) {
    for (const key of Object.keys({ ...now, ...then })) {
      if (![last.what, "title", "question"].includes(key.split(".")[0])) continue;
      if (Object.hasOwn(then, key)) now[key] = then[key];
      else delete now[key];
    }
  }
  change(last.what === "source" ? "nothing" : "cloud");
}

function clearDabs() {
  saveForUndo();
  drawing.dabs[drawing.what] = [];
  tellDrawn("Cleared: the clouds go on towards what was there until something new is drawn.");
  redraw();
}

// Points that a page can use.
const POINTS = 20000;
// Bytes of a file of points, and lines beyond which it is not read: that would take seconds, during which nothing else could be done.
const BYTES = 20e6;
const LINES = 2 * POINTS;

// Points that were dropped: the target as they are.
function usePoints(name, points) {
  const count = points.length / 2;
  if (count < 8) throw new Error(`${name} holds ${count} points; at least 8 are needed, a part of which is held out to measure by`);
  if (count > POINTS) throw new Error(`${name} holds ${count} points; a page can use ${POINTS} at most: choose some of them`);
  if (points.some((value) => !Number.isFinite(value))) throw new Error(`${name} holds values that are no finite numbers: take them out`);
  const { what } = drawing;
  replaceCloud(`{ points = { file = "${what}.npy" } }`);
  plan.points = { ...plan.points, [`${what}.npy`]: points };
  drawing.dabs[what] = null;
  tellDrawn(`${count} points of ${name}`);
  change(what === "source" ? "nothing" : "cloud");
}

// A file of two columns, with or without a line of names.
function fromCsv(name, text) {
  let lines = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines += 1;
  if (lines > LINES) throw new Error(`${name} has ${lines} lines; a page can use ${POINTS} points at most: choose some of them`);
  const points = [];
  let first = true;
  text.replace(/^\ufeff/, "").split(/\r?\n/).forEach((row, k) => {
    const line = row.trim();
    if (!line || line.startsWith("#")) return;
    const fields = line.split(/\s*[,;\t]\s*| +/);
    const numbers = fields.filter((field) => field !== "" && !Number.isNaN(Number(field))).length;
    // Names of columns have no digit in front, and are no numbers that are missing.
    const names = first && numbers === 0 && fields.every((field) => /^["']?[a-z_]/i.test(field) && !/^["']?(nan|na|inf|infinity|null|none)["']?$/i.test(field));
    first = false;
    const place = `${name}, line ${k + 1}: “${line.slice(0, 40)}”`;
    if (fields.length !== 2) throw new Error(`${place} has ${fields.length} column(s), and points of the plane have two; write x,y with decimal points, and leave other columns out`);
    if (names) return;
    if (numbers < 2) throw new Error(`${place} is not two numbers; write x,y, and leave points out of which one is missing`);
    points.push(Number(fields[0]), Number(fields[1]));
  });
  return points;
}

function fromNpy(name, buffer) {
  const bytes = new Uint8Array(buffer);
  if (bytes.length < 12 || bytes[0] !== 0x93 || String.fromCharCode(...bytes.subarray(1, 6)) !== "NUMPY") throw new Error(`${name} is no .npy file`);
  const view = new DataView(buffer);
  const wide = bytes[6] >= 2;
  const from = wide ? 12 : 10;
  const size = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  const header = String.fromCharCode(...bytes.subarray(from, from + size));
  const type = /'descr':\s*'([^']+)'/.exec(header)?.[1];
  const shape = /'shape':\s*\((\d+),\s*(\d+)\s*,?\)/.exec(header)?.slice(1).map(Number);
  const fortran = /'fortran_order':\s*True/.test(header);
  if (shape?.[0] > POINTS) throw new Error(`${name} holds ${shape[0]} points; a page can use ${POINTS} at most: choose some of them`);
  if (!shape || shape[1] !== 2) throw new Error(`${name} does not hold n×2 numbers: save an array of that shape`);
  const readers = { "<f8": [8, (at) => view.getFloat64(at, true)], "<f4": [4, (at) => view.getFloat32(at, true)], "<i8": [8, (at) => Number(view.getBigInt64(at, true))], "<i4": [4, (at) => view.getInt32(at, true)] };
  if (!readers[type]) throw new Error(`${name} holds numbers of the type ${type}: save them as float64`);
  const [width, read] = readers[type];
  const [rows] = shape;
  if (from + size + 2 * rows * width > bytes.length) throw new Error(`${name} ends before its last number: it is cut off`);
  const value = (row, axis) => read(from + size + width * (fortran ? axis * rows + row : 2 * row + axis));
  return Array.from({ length: 2 * rows }, (_, k) => value(k >> 1, k & 1));
}

// The darkness of a picture as a density: points drawn from it by systematic sampling, so that the same picture gives the same points.
const PIXELS = 40e6;

async function fromPicture(name, file) {
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    throw new Error(`${name} is no picture that this browser can read: save a picture as .png, points as .csv or .npy`);
  }
  const { width, height } = picture;
  if (width * height > PIXELS) {
    picture.close();
    throw new Error(`${name} has ${Math.round(width * height / 1e6)} megapixels; a page takes ${PIXELS / 1e6} at most: make it smaller, a thousand pixels wide is plenty`);
  }
  const scale = Math.min(1, 400 / Math.max(width, height));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const ink = Float64Array.from({ length: data.length / 4 }, (_, k) => 1 - (0.2126 * data[4 * k] + 0.7152 * data[4 * k + 1] + 0.0722 * data[4 * k + 2]) / 255);
  let total = ink.reduce((sum, v) => sum + (v > 0.02 ? v : 0), 0);
  if (total < 1) throw new Error(`${name} is blank: what is dark in a picture becomes the target`);
  const COUNT = 6000;
  const unit = 5 / Math.max(canvas.width, canvas.height);
  const points = [];
  let [passed, next] = [0, 0.5];
  total /= COUNT;
  // Two sequences that fill a pixel evenly, in place of random numbers.
  for (let k = 0; k < ink.length; k += 1) {
    if (ink[k] <= 0.02) continue;
    passed += ink[k] / total;
    while (next < passed && points.length < 2 * COUNT) {
      const n = points.length / 2;
      const [a, b] = [(n * 0.7548776662466927) % 1, (n * 0.5698402909980532) % 1];
      points.push(((k % canvas.width) + a - canvas.width / 2) * unit, (canvas.height / 2 - Math.floor(k / canvas.width) - b) * unit);
      next += 1;
    }
  }
  return points;
}

async function useFile(file) {
  try {
    const points = /\.(npy|csv|txt|tsv)$/i.test(file.name);
    const most = points ? BYTES : 10 * BYTES;
    if (file.size > most) throw new Error(`${file.name} is larger than ${most / 1e6} MB: ${points ? `a page can use ${POINTS} points at most, choose some of them` : "make it smaller"}`);
    if (/\.npy$/i.test(file.name)) usePoints(file.name, fromNpy(file.name, await file.arrayBuffer()));
    else if (/\.(csv|txt|tsv)$/i.test(file.name)) usePoints(file.name, fromCsv(file.name, await file.text()));
    else usePoints(file.name, await fromPicture(file.name, file));
  } catch (error) {
    fail(error);
  }
}

function connectDrawing() {
  for (const name of Object.keys(STAMPS)) $("stamp").append(made("option", { value: name }, name));
  for (const button of document.querySelectorAll("[data-tool]")) button.addEventListener("click", () => chooseTool(button.dataset.tool));
  for (const button of document.querySelectorAll("[data-draws]")) button.addEventListener("click", () => chooseDrawn(button.dataset.draws));
  $("undo").addEventListener("click", undoDab);
  $("clear").addEventListener("click", clearDabs);
  $("stamp").addEventListener("change", () => chooseTool("stamp"));
  $("dab").addEventListener("submit", (event) => {
    event.preventDefault();
    const [x, y, sd] = ["dab-x", "dab-y", "dab-sd"].map((id) => Number($(id).value));
    if (![x, y, sd].every(Number.isFinite) || sd <= 0) {
      tellDrawn("A Gaussian needs a place and a deviation σ greater than 0.");
      return;
    }
    saveForUndo();
    add(x, y, sd);
    draws();
  });
  $("file").addEventListener("change", () => {
    if ($("file").files[0]) useFile($("file").files[0]);
    $("file").value = "";
  });
  const families = about.targets.filter(({ name }) => !["points", "image", "auto"].includes(name));
  $("family").append(made("option", { value: "", disabled: true, selected: true }, "choose"), ...families.map(({ name, line }) => made("option", { value: name, title: line }, name)));
  $("family").addEventListener("change", () => {
    if (!$("family").value) return;
    const { what } = drawing;
    replaceCloud(`{ ${$("family").value} = {} }`);
    drawing.dabs[what] = null;
    tellDrawn();
    $("family").value = "";
    change(what === "source" ? "nothing" : "cloud");
  });
  for (const kind of ["dragover", "drop", "dragleave"]) {
    addEventListener(kind, (event) => {
      event.preventDefault();
      $("drop").classList.toggle("over", kind === "dragover");
      const file = event.dataTransfer?.files?.[0];
      if (kind === "drop" && file) {
        if (/\.toml$/i.test(file.name)) importFile(file);
        else useFile(file);
      }
    });
  }
}
