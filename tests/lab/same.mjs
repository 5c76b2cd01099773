// The engine of the page beside the native one: `node same.mjs ENGINE.js ENGINE.wasm.zlib CASES.json` says, case by case, where its clouds and measures stand.
import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";

const [script, wasm, cases] = process.argv.slice(2);
const Engine = new Function(`${readFileSync(script, "utf8")}; return Engine;`)();
const module = await WebAssembly.compile(inflateSync(readFileSync(wasm)));
const imports = WebAssembly.Module.imports(module).length;
const found = [];
for (const { name, text, edits, steps } of JSON.parse(readFileSync(cases, "utf8"))) {
  const engine = await Engine.of(module);
  try {
    const panels = [{ name: "flow", edits: [] }];
    engine.ask({ ask: "open", plan: { name, text, edits: edits.map((set) => ({ set })), panels } });
    for (let k = 0; k <= steps; k += 1) engine.ask({ ask: "advance", panel: 0 });
    const { step, cloud, ratio, shares } = engine.ask({ ask: "look", panel: 0, view: [[0, 1], [0, 1]], lattice: [0, 0] });
    engine.ask({ ask: "gauge", panel: 0, live: true });
    const numbers = new Float64Array(cloud.length + shares.length);
    numbers.set(cloud);
    numbers.set(shares, cloud.length);
    const { values } = engine.ask({ ask: "measure", points: cloud.length / 2, live: true }, numbers);
    found.push({ name, step, cloud: Array.from(cloud), ratio: Array.from(ratio), energy: values.find((one) => one.name === "energy_distance").value });
  } catch (error) {
    found.push({ name, error: error.message });
  }
}
console.log(JSON.stringify({ imports, found }));
