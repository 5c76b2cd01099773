// What runs, as it would be written: a scenario, what was changed in it, and which panels stand side by side.
const PLAIN = { name: "", text: "", kinds: {}, edits: {}, training: {}, panels: ["flow"], points: {}, texts: {} };
const plan = structuredClone(PLAIN);
// Earlier plans, to take a change back.
const past = [];

const GENERATORS = ["distill", "adversarial"];
// In a panel with a generator there is one velocity a step, and nobody is born.
const FREE = ["flow.momentum", "flow.momentum_decay", "flow.integrator", "flow.noise", "flow.reaction"];

// Networks that a page can train many times a second. Those of the program are larger.
const LIGHT = {
  mlp: { hidden: "[64, 64]", batch: "256", inner_steps: "10", warm_up: "80" },
  wasserstein: { hidden: "[64, 64]", batch: "256" },
};
// A generator that follows the moved points of the picture, as the equations beside it say.
const TRAINING = { network: "[64, 64]", learning_rate: "1e-3", field: '"cloud"', latents: '"fixed"', average: "0.9" };

function edited(settings) {
  return Object.entries(settings).map(([key, value]) => (value === null ? { remove: key } : { set: `${key}=${value}` }));
}

// What was changed in the training of a generator of this kind, as `key=value`.
const trainingOf = (kind) => Object.entries(plan.training).map(([key, value]) => `generator.${kind}.${key}=${value}`);
// The kind of generator that a variant names.
const kindIn = (variant) => /generator(?:\.|\s*=\s*["']?)(distill|adversarial|inherit)/.exec(variant)?.[1];

// The kind of generator that a scenario has.
const generatorIn = (text) => /^\[generator\.(distill|adversarial)/m.exec(text)?.[1];

function panelPlan(panel) {
  if (panel === "flow") return { name: "flow", edits: [{ remove: "generator" }] };
  if (GENERATORS.includes(panel)) {
    const training = trainingOf(panel).map((set) => ({ set }));
    const alone = plan.panels.length === 1 ? [] : FREE.map((key) => ({ remove: key }));
    return { name: panel, edits: [{ kind: ["generator", panel] }, ...training, ...alone] };
  }
  const own = plan.texts[panel];
  const kind = own ? generatorIn(own) : kindIn(panel);
  if (own) return { name: panel, text: own, edits: kind ? trainingOf(kind).map((set) => ({ set })) : [] };
  return { name: panel.split(":")[0], variant: panel, edits: kind ? trainingOf(kind).map((set) => ({ set })) : [] };
}

// What the engine is asked to run.
function wanted() {
  const kinds = Object.entries(plan.kinds).map((pair) => ({ kind: pair }));
  return { name: plan.name, text: plan.text, edits: [...kinds, ...edited(plan.edits)], panels: plan.panels.map(panelPlan) };
}

function restorePlan(from) {
  Object.assign(plan, structuredClone(PLAIN), structuredClone(from));
  drawing.dabs = { target: dabsIn(plan.edits.target), source: dabsIn(plan.edits.source) };
  drawing.undone = [];
  tellDrawn();
}

// Bytes as letters that an address may hold.
const letters = (bytes) => {
  let text = "";
  for (let k = 0; k < bytes.length; k += 0x8000) text += String.fromCharCode(...bytes.subarray(k, k + 0x8000));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};
// A loop: a function for each of a million bytes would take longer than all else.
function bytesOf(text) {
  const packed = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = new Uint8Array(packed.length);
  for (let k = 0; k < bytes.length; k += 1) bytes[k] = packed.charCodeAt(k);
  return bytes;
}

async function through(bytes, stream) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}

// The plan as the end of an address.
async function fragment() {
  const short = { ...plan };
  const shipped = about.shipped.find((one) => one.name === plan.name);
  if (shipped?.text === plan.text) delete short.text;
  short.points = Object.fromEntries(Object.entries(plan.points).map(([name, points]) => [name, letters(new Uint8Array(Float32Array.from(points).buffer))]));
  short.look = { colour: state.colour, show: state.show };
  const packed = await through(new TextEncoder().encode(JSON.stringify(short)), new CompressionStream("deflate-raw"));
  return `#s=${letters(packed)}`;
}

// Most bytes that a link may unfold to: one that is made by hand must not fill the memory.
const LARGEST = 4e6;

async function unfolded(text) {
  const reader = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const parts = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > LARGEST) throw new Error("it holds more than any scenario needs");
    parts.push(value);
  }
  return new TextDecoder().decode(await new Blob(parts).arrayBuffer());
}

// The plan that an address names; nothing if it names none. A broken one is an error in words.
async function planOf(hash) {
  const wish = new URLSearchParams(hash.slice(1));
  if (wish.has("scenario")) {
    const name = wish.get("scenario");
    const shipped = about.shipped.find((one) => one.name === name);
    if (!shipped) throw new Error(`the address names a scenario ${name}, and none is called so: choose one from the list`);
    return shippedPlan(shipped);
  }
  if (!wish.has("s")) return null;
  try {
    return planIn(JSON.parse(await unfolded(wish.get("s"))));
  } catch (error) {
    throw new Error(`the address of this page is damaged, so that its scenario cannot be read (${error.message}): ask for the link again, or choose a scenario`);
  }
}

// A plan, of which nothing is believed that is not what a plan is made of.
function planIn(read) {
  const table = (value) => Object.fromEntries(Object.entries(value ?? {}).filter(([, one]) => typeof one === "string" || one === null));
  const found = structuredClone(PLAIN);
  found.name = String(read.name ?? "");
  found.text = typeof read.text === "string" ? read.text : about.shipped.find((one) => one.name === found.name)?.text;
  if (typeof found.text !== "string") throw new Error("it names no scenario");
  for (const key of ["kinds", "edits", "training", "texts"]) found[key] = table(read[key]);
  if (Array.isArray(read.panels) && typeof read.panels[0] === "string") found.panels = read.panels.filter((one) => typeof one === "string").slice(0, MOST);
  for (const [name, packed] of Object.entries(read.points ?? {})) {
    found.points[name] = Array.from(new Float32Array(bytesOf(String(packed)).buffer));
  }
  // A link from a report beside this page names points that the page has.
  for (const [name, points] of Object.entries(about.points)) {
    if (Object.values(found.edits).some((value) => value?.includes(`"${name}"`))) found.points[name] ??= points;
  }
  if (read.look && typeof read.look === "object") found.look = read.look;
  return found;
}

// The variants that a scenario lists, each as it is written there.
function variantsOf(text) {
  const list = /^variants\s*=\s*\[([\s\S]*?)^\]|^variants\s*=\s*\[(.*)\]\s*$/m.exec(text);
  if (!list) return [];
  return [...(list[1] ?? list[2]).matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'/g)]
    .filter(({ index }) => !/#[^\n"]*$/.test((list[1] ?? list[2]).slice(0, index)))
    .map((found) => (found[1] === undefined ? found[2] : JSON.parse(`"${found[1]}"`)));
}

// A shipped scenario as it is shown first: side by side where it is a comparison.
function shippedPlan({ name, text }) {
  const variants = variantsOf(text).slice(0, MOST);
  const own = generatorIn(text);
  const found = { ...structuredClone(PLAIN), name, text, panels: variants.length > 0 ? variants : own ? ["flow", own] : ["flow"] };
  if (pictures[name] && /^\[target\.image\]/m.test(text)) {
    found.points = { "target.npy": Array.from(new Float32Array(bytesOf(pictures[name]).buffer)) };
    found.edits = { target: '{ points = { file = "target.npy" } }' };
  }
  return found;
}
