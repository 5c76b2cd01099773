// The lab in Firefox, asked through Marionette: `node firefox.mjs BROWSER PAGE KEPT` says what it finds as one line of JSON, name by name "ok" or what is wrong.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [program, page, kept] = process.argv.slice(2);
const wait = (time) => new Promise((resolve) => setTimeout(resolve, time));
const profile = mkdtempSync(join(tmpdir(), "lab-"));
// Nothing of the browser's own calls home meanwhile, and whatever asks for a network is refused.
writeFileSync(join(profile, "user.js"), Object.entries({
  "marionette.port": 0, "network.proxy.type": 1, "network.proxy.http": "127.0.0.1", "network.proxy.http_port": 9, "network.proxy.ssl": "127.0.0.1", "network.proxy.ssl_port": 9,
  "network.captive-portal-service.enabled": false, "network.connectivity-service.enabled": false, "app.update.enabled": false, "datareporting.policy.dataSubmissionEnabled": false,
  "browser.shell.checkDefaultBrowser": false, "browser.aboutwelcome.enabled": false, "datareporting.policy.firstRunURL": "", "extensions.update.enabled": false,
}).map(([key, value]) => `user_pref(${JSON.stringify(key)}, ${JSON.stringify(value)});\n`).join(""));
const child = spawn(program, ["--headless", "--no-remote", "--profile", profile, "--marionette", "-remote-allow-system-access", "--width", "1440", "--height", "900", "about:blank"], { stdio: "ignore" });

// The port that the browser has chosen.
async function port() {
  const file = join(profile, "MarionetteActivePort");
  for (let k = 0; k < 600; k += 1) {
    if (existsSync(file) && readFileSync(file, "utf8").trim() !== "") return Number(readFileSync(file, "utf8"));
    if (child.exitCode !== null) throw new Error(`the browser has ended with ${child.exitCode}`);
    await wait(100);
  }
  throw new Error("the browser did not open its door");
}

const waiting = new Map();
let socket = null;
let number = 0;

// Each message is its length in bytes, a colon, and JSON.
function listen() {
  let bytes = Buffer.alloc(0);
  socket.on("data", (part) => {
    bytes = Buffer.concat([bytes, part]);
    for (;;) {
      const colon = bytes.indexOf(":");
      const length = Number(bytes.subarray(0, Math.max(colon, 0)));
      if (colon < 0 || bytes.length < colon + 1 + length) return;
      const message = JSON.parse(bytes.subarray(colon + 1, colon + 1 + length));
      bytes = bytes.subarray(colon + 1 + length);
      if (!Array.isArray(message)) continue;
      const [, id, error, result] = message;
      const { resolve, reject } = waiting.get(id);
      waiting.delete(id);
      if (error) reject(new Error(`${error.error}: ${error.message}`));
      else resolve(result);
    }
  });
}

function send(command, parameters = {}) {
  const id = ++number;
  const text = JSON.stringify([0, id, command, parameters]);
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    socket.write(`${Buffer.byteLength(text)}:${text}`);
  });
}

const ask = async (expression) => (await send("WebDriver:ExecuteScript", { script: `return (${expression});`, args: [], sandbox: null })).value;

async function until(expression, what = expression, limit = 120000) {
  const end = Date.now() + limit;
  while (Date.now() < end) {
    if (await ask(expression).catch(() => false)) return;
    await wait(50);
  }
  throw new Error(`waited in vain for: ${what}`);
}

// What the page has said wrong, as the browser keeps it.
async function trouble() {
  await send("Marionette:SetContext", { value: "chrome" });
  const { value } = await send("WebDriver:ExecuteScript", {
    script: `return Services.console.getMessageArray().filter((one) => one instanceof Ci.nsIScriptError && /lab\\.html|^blob:/.test(one.sourceName)).map((one) => String(one.errorMessage));`, args: [],
  });
  await send("Marionette:SetContext", { value: "content" });
  return value;
}

const checks = {};

async function check(name, work) {
  try {
    await work();
    const said = await trouble();
    checks[name] = said.length === 0 ? "ok" : said.join("; ");
  } catch (error) {
    checks[name] = [error.message, await ask("document.getElementById('failure-words').textContent").catch(() => "")].join("; ");
  }
}

const SMALL = "[target.ring]\n[source.gaussian]\n[cloud]\nparticles = 300\nsamples = 400\n[flow]\nsteps = 40\n";
const bring = (text) => ask(`(() => { document.getElementById("import").value = ${JSON.stringify(text)}; document.getElementById("import-go").click(); return true; })()`);
const ready = "globalThis.lab?.ready === true";

try {
  socket = connect(await port(), "127.0.0.1");
  listen();
  await send("WebDriver:NewSession", {});
  await check("it opens offline", async () => {
    await send("WebDriver:Navigate", { url: `file://${page}` });
    await until(ready, "the lab");
  });
  await check("it runs to its end", async () => {
    await bring(SMALL);
    await wait(100);
    await until(ready, "a scenario that was brought");
    await ask("document.getElementById('play').click()");
    await until("lab.over && !lab.state.playing", "the end of the run");
    await until("lab.reels[0].marks.length > 0", "a measurement");
  });
  await check("a network, and three panels", async () => {
    await bring(`${SMALL}[discriminator.mlp]\nhidden = [16]\nbatch = 64\ninner_steps = 2\nwarm_up = 5\n`);
    await wait(100);
    await until(ready, "a network");
    for (const panel of ["distill", "adversarial"]) {
      await ask(`document.querySelector("[data-panel=${panel}]").click()`);
      await wait(100);
      await until(ready, panel);
    }
    await ask("document.getElementById('play').click()");
    await until("lab.over && !lab.state.playing", "the end of the run");
    if (!(await ask("lab.reels.length === 3"))) throw new Error("there are no three panels");
  });
  await check("its link opens the same", async () => {
    await until("location.hash.length > 100", "the address");
    const hash = await ask("location.hash");
    await send("WebDriver:Navigate", { url: "about:blank" });
    await send("WebDriver:Navigate", { url: `file://${page}${hash}` });
    await until(ready, "the lab");
    if (!(await ask("lab.reels.length === 3 && document.getElementById('failure').hidden"))) throw new Error("it opens something else");
  });
  const { value } = await send("WebDriver:TakeScreenshot", { full: false });
  writeFileSync(join(kept, "lab-firefox.png"), Buffer.from(value, "base64"));
} finally {
  socket?.destroy();
  child.kill();
  await new Promise((resolve) => (child.exitCode !== null || child.signalCode !== null ? resolve() : child.on("exit", resolve)));
  rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
console.log(JSON.stringify({ checks }));
