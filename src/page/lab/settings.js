// The settings, made from the schema of a scenario: what the engine knows, the page offers.
const settings = $("settings");

// The schemas that may hold at a path of keys, references followed.
function schemasAt(path) {
  let here = resolved(about.schema);
  for (const key of path) here = here.flatMap((schema) => resolved(schema.properties?.[key]));
  return here;
}

function resolved(schema, depth = 10) {
  if (!schema || depth === 0) return [];
  const found = [];
  if (schema.$ref) found.push(...resolved(schema.$ref.slice(2).split("/").reduce((at, key) => at?.[key], about.schema), depth - 1));
  for (const group of ["oneOf", "anyOf", "allOf"]) for (const part of schema[group] ?? []) found.push(...resolved(part, depth - 1));
  found.push(schema);
  return found;
}

const keysAt = (path) => [...new Set(schemasAt(path).flatMap((schema) => Object.keys(schema.properties ?? {})))];

// What a setting may be.
function domain(path) {
  const schemas = schemasAt(path);
  const words = [...new Set(schemas.flatMap((schema) => [...(schema.enum ?? []), ...(schema.const === undefined ? [] : [schema.const])]).filter((word) => typeof word === "string"))];
  const types = new Set(schemas.flatMap((schema) => schema.type ?? []));
  const kinds = schemas.flatMap((schema) => (schema.properties && schema.required?.length === 1 ? schema.required : []));
  return { words, number: types.has("number") || types.has("integer"), truth: types.has("boolean"), list: types.has("array"), kinds };
}

const describedAt = (path) => schemasAt(path).map((schema) => schema.description).find(Boolean) ?? "";
const valueAt = (from, path) => path.reduce((at, key) => at?.[key], from);
const inToml = (value) => (typeof value === "string" ? JSON.stringify(value)
  : Array.isArray(value) ? `[${value.map(inToml).join(", ")}]`
    : value !== null && typeof value === "object" ? `{ ${Object.entries(value).filter(([, v]) => v !== null).map(([k, v]) => `${/^[\w-]+$/.test(k) ? k : JSON.stringify(k)} = ${inToml(v)}`).join(", ")} }`
      : Number.isInteger(value) || typeof value === "boolean" ? String(value) : inFull16(value));
// A number that TOML reads as one that is not whole.
const inFull16 = (value) => (Number.isFinite(value) ? String(value).replace(/^(-?\d+)e/, "$1.0e") : value > 0 ? "inf" : value < 0 ? "-inf" : "nan");

function made(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

// A number as it was typed, for TOML: nothing where it has a decimal comma.
function typed(text) {
  if (/^-?\d+,\d+$/.test(text)) {
    fail(new Error(`${text} has a decimal comma: write ${text.replace(",", ".")}`));
    return undefined;
  }
  return text === "" ? null : text;
}

// A row: words, and what changes the setting. `change` gets the value as TOML, or null for "as it was".
function row(words, title, control, changed, extra = "") {
  return made("label", { class: `setting ${extra}${changed ? " changed" : ""}`, title }, made("span", {}, words), ...control);
}

const WORDS = {
  "flow.step_size": "step size ε", "flow.step_ratio": "step ratio c (ε = c h²)", "flow.h": "monotone map h", "flow.refit_every": "steps a fit",
  "flow.steps": "steps of the run", "flow.momentum": "momentum", "flow.momentum_decay": "its decay β", "flow.noise": "noise γ", "flow.integrator": "integrator",
  "flow.shift": "shift C of h", "flow.clip": "longest move", "flow.anneal_steps": "steps of annealing",
  "cloud.particles": "particles", "cloud.samples": "target samples", seed: "seed", "cloud.stream": "fresh samples at each fit",
};

// Any setting that the schema knows.
function setting(path, from, into, words = null) {
  const key = path.join(".");
  const value = valueAt(from, path);
  const { words: choices, number: numeric, truth, list } = domain(path);
  const title = describedAt(path);
  const shown = value === undefined || value === null ? "" : typeof value === "object" ? inToml(value) : String(value);
  const change = (text) => into(key, text);
  const name = words ?? WORDS[key] ?? path.at(-1).replaceAll("_", " ");
  const attributes = { "data-key-name": key, "aria-label": name };
  const changed = Object.hasOwn(plan.edits, key);
  if (truth && !numeric) {
    const box = made("input", { type: "checkbox", ...attributes, onchange: () => change(String(box.checked)) });
    box.checked = value === true;
    return row(name, title, [made("span", { class: "control" }, box)], changed);
  }
  if (choices.length > 0 && !numeric && !list) {
    const select = made("select", { ...attributes, onchange: () => change(JSON.stringify(select.value)) },
      ...(choices.includes(shown) ? [] : [made("option", { value: "", disabled: true }, shown || "as written")]),
      ...choices.map((choice) => made("option", { value: choice }, choice)));
    select.value = choices.includes(shown) ? shown : "";
    return row(name, title, [select], changed);
  }
  const id = `list-${key.replaceAll(".", "-")}`;
  const input = made("input", { type: "text", ...attributes, inputmode: numeric && choices.length === 0 ? "decimal" : null, list: choices.length > 0 ? id : null,
    spellcheck: "false", autocomplete: "off", placeholder: choices[0] ?? "default", value: shown,
    onchange: () => {
      const text = typed(input.value.trim());
      if (text !== undefined) change(choices.includes(text) ? JSON.stringify(text) : text);
    } });
  const words2 = choices.length > 0 ? made("datalist", { id }, ...choices.map((choice) => made("option", { value: choice }))) : null;
  return row(name, title, [made("span", { class: "control" }, input, words2)], changed);
}

// A number that slides along a scale of ratios.
function slider(path, from, into, [low, high], { whole = false, words = null } = {}) {
  const key = path.join(".");
  const value = valueAt(from, path);
  const known = typeof value === "number";
  const name = words ?? WORDS[key] ?? path.at(-1);
  const [a, b] = [Math.log(low), Math.log(high)];
  const rounded = (v) => (whole ? Math.round(v) : Number(v.toPrecision(2)));
  const box = made("input", { type: "text", inputmode: "decimal", "aria-label": `${name}, as a number`, "data-key-name": key, value: known ? String(value) : String(value ?? ""), spellcheck: "false", autocomplete: "off",
    onchange: () => {
      const text = typed(box.value.trim());
      if (text !== undefined) into(key, text && /^(?!nan$|inf$)[a-z]/i.test(text) ? JSON.stringify(text) : text);
    } });
  const range = made("input", { type: "range", min: 0, max: 1, step: 0.005, "aria-label": name, value: known ? clamp((Math.log(value) - a) / (b - a), 0, 1) : 0.5,
    oninput: () => {
      box.value = String(rounded(Math.exp(a + (b - a) * Number(range.value))));
      into(key, box.value, true);
    } });
  return row(name, describedAt(path), [range, box], Object.hasOwn(plan.edits, key), "slides");
}

function chooser(words, title, list, value, choose, label) {
  const select = made("select", { "aria-label": words, "data-key-name": label, onchange: () => choose(select.value) },
    ...list.map(({ name, line }) => made("option", { value: name, title: line ?? "" }, name)));
  select.value = value;
  return row(words, title, [select], false);
}

// Sets a key of the scenario; `slides` says that more will follow at once.
function setKey(key, text, slides = false) {
  remember();
  if (text === null) delete plan.edits[key];
  else plan.edits[key] = text;
  const anew = key === "seed" || key === "cloud.particles";
  change(anew ? "nothing" : "flow", slides);
}

function setTraining(key, text, slides = false) {
  remember();
  const own = key.split(".").slice(2).join(".");
  if (text === null) delete plan.training[own];
  else plan.training[own] = text;
  change("flow", slides);
}

function chooseEstimator(name) {
  remember();
  for (const key of Object.keys(plan.edits)) if (key.startsWith("discriminator.")) delete plan.edits[key];
  plan.kinds.discriminator = name;
  const heavy = LIGHT[name];
  const written = new RegExp(`^\\[discriminator\\.${name}\\]`, "m").test(plan.text);
  if (heavy && !written) for (const [key, value] of Object.entries(heavy)) plan.edits[`discriminator.${name}.${key}`] = value;
  delete plan.edits["flow.anneal_steps"];
  change("flow");
}

// What births and deaths cannot be together with, and what was set in its place before them.
const UNMOVED = { "flow.momentum": '"none"', "flow.integrator": '"euler"' };
let held = null;

function chooseReaction(name) {
  remember();
  const was = opened.panels[0].scenario.flow.reaction;
  for (const key of Object.keys(plan.edits)) if (key.startsWith("flow.reaction")) delete plan.edits[key];
  plan.edits["flow.reaction"] = name === "off" ? null : `{ carrier = "${name}" }`;
  for (const [key, forced] of Object.entries(UNMOVED)) {
    if (name !== "off") {
      if (!was) held = { ...held, [key]: plan.edits[key] };
      plan.edits[key] = forced;
    } else if (plan.edits[key] === forced) {
      if (held?.[key] === undefined) delete plan.edits[key];
      else plan.edits[key] = held[key];
    }
  }
  change("flow");
}

function group(words, ...rows) {
  return made("fieldset", {}, made("legend", {}, words), ...rows.filter(Boolean));
}

let folded = new Set();

function fold(words, rows) {
  if (rows.length === 0) return null;
  const details = made("details", { open: folded.has(words), ontoggle: () => (details.open ? folded.add(words) : folded.delete(words)) }, made("summary", {}, words), ...rows);
  return details;
}

// Draws all settings anew, from what the engine says runs.
function showSettings() {
  const from = opened.panels[0].scenario;
  const trained = opened.panels.find((panel) => panel.generator);
  const estimator = Object.keys(from.discriminator)[0];
  const base = ["discriminator", estimator];
  const reaction = from.flow.reaction?.carrier ?? "off";
  const carriers = domain(["flow", "reaction", "carrier"]).words;
  const line = about.discriminators.find((one) => one.name === estimator)?.line ?? "";
  const has = document.activeElement?.dataset?.keyName;
  const first = (keys, path) => keys.filter((key) => keysAt(path).includes(key));
  const main = first(["bandwidth", "kernel", "scales", "loss", "hidden", "inner_steps", "learning_rate", "regularisation", "centres"], base);
  const flow = (key) => setting(["flow", key], from, setKey);
  settings.replaceChildren(...[
    group("D: the estimate of log p/q",
      chooser("estimator", line, about.discriminators, estimator, chooseEstimator, "discriminator"),
      made("p", { class: "small" }, line),
      ...main.map((key) => setting([...base, key], from, setKey)),
      setting(["flow", "refit_every"], from, setKey),
      fold(`all settings of ${estimator}`, keysAt(base).filter((key) => !main.includes(key)).map((key) => setting([...base, key], from, setKey)))),
    group("the motion",
      slider(["flow", "step_ratio"], from, setKey, [0.05, 4]),
      flow("step_size"), flow("h"), flow("momentum"),
      chooser("births and deaths", describedAt(["flow", "reaction"]), [{ name: "off" }, ...carriers.map((name) => ({ name }))], reaction, chooseReaction, "reaction"),
      fold("all settings of the motion", [
        ...["steps", "momentum_decay", "integrator", "noise", "shift", "clip", "anneal_steps"].map(flow),
        ...(reaction === "off" ? [] : keysAt(["flow", "reaction"]).filter((key) => key !== "carrier").map((key) => setting(["flow", "reaction", key], from, setKey)))])),
    trained ? trainingGroup(trained) : null,
    group("the clouds",
      slider(["cloud", "particles"], from, setKey, [50, 8000], { whole: true }),
      slider(["cloud", "samples"], from, setKey, [50, 16000], { whole: true }),
      seedRow(from)),
  ].filter(Boolean));
  if (has) settings.querySelector(`[data-key-name="${CSS.escape(has)}"]`)?.focus({ preventScroll: true });
}

function trainingGroup({ scenario, generator }) {
  const base = ["generator", generator];
  const main = ["inner_steps", "learning_rate", "field"];
  return group("the generator",
    slider([...base, "inner_steps"], scenario, setTraining, [1, 100], { whole: true, words: "optimiser steps K" }),
    ...main.slice(1).map((key) => setting([...base, key], scenario, setTraining)),
    fold("all settings of the generator", keysAt(base).filter((key) => !main.includes(key)).map((key) => setting([...base, key], scenario, setTraining))));
}

function seedRow(from) {
  const line = setting(["seed"], from, setKey);
  const dice = made("button", { type: "button", "aria-label": "Another seed", title: "Another seed", onclick: (event) => {
    event.preventDefault();
    setKey("seed", String((Number(from.seed) % 1e6) + 1));
  } }, "next");
  line.querySelector(".control").append(dice);
  return line;
}

// Which panels stand side by side.
function showPanels() {
  const known = [["flow", "particles: the flow itself"], ["distill", "generator, distilled"], ["adversarial", "generator, adversarial"]];
  const variants = variantsOf(plan.text).map((text) => [text, text.split(":")[0]]);
  const texts = Object.keys(plan.texts).map((name) => [name, name]);
  const box = ([name, words]) => {
    const check = made("input", { type: "checkbox", "data-panel": name, onchange: () => choosePanels(name, check.checked) });
    check.checked = plan.panels.includes(name);
    return made("label", { title: name }, check, words);
  };
  $("side-by-side").querySelector(".checks").replaceChildren(...[...variants, ...texts, ...known].map(box));
}

function choosePanels(name, on) {
  remember();
  const kept = on ? [...plan.panels, name] : plan.panels.filter((other) => other !== name);
  const order = [...variantsOf(plan.text), ...Object.keys(plan.texts), "flow", ...GENERATORS];
  if (kept.length === 0) {
    say("One panel has to stay.");
    showPanels();
    return;
  }
  if (kept.length > MOST) say(`Only ${MOST} panels have room: the first one made room for this.`);
  const chosen = kept.length > MOST ? [...kept.slice(1, MOST), name] : kept;
  plan.panels = [...new Set(chosen)].sort((a, b) => order.indexOf(a) - order.indexOf(b));
  if (plan.panels.some((panel) => GENERATORS.includes(panel)) && !/^\[generator/m.test(plan.text)) plan.training = { ...TRAINING, ...plan.training };
  change("nothing");
}
