// How fast the lab is, in a browser without a window: `node speed.mjs BROWSER PAGE`. Nothing is tested: times depend on the machine.
import { Browser, wait } from "../page/browser.mjs";

const [program, page] = process.argv.slice(2);
const browser = await Browser.open(program);
const rows = [];

async function first() {
  await browser.go("about:blank");
  await browser.go(`file://${page}`);
  await browser.until("globalThis.lab?.ready && performance.getEntriesByName('first').length > 0", "the lab");
  return browser.ask("performance.getEntriesByName('first')[0].startTime");
}

// The longest turns of the page's own thread meanwhile, in ms: by the clock, and of the processor's time, which does not grow where others compute on the same cores.
async function turns(work) {
  const since = browser.events.length;
  await browser.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories: ["toplevel", "disabled-by-default-devtools.timeline", "__metadata"], excludedCategories: ["*"] } });
  await work();
  await browser.send("Tracing.end");
  while (!browser.events.slice(since).some(({ method }) => method === "Tracing.tracingComplete")) await wait(50);
  const told = browser.events.slice(since).filter(({ method }) => method === "Tracing.dataCollected").flatMap(({ params }) => params.value);
  const place = ({ pid, tid }) => `${pid} ${tid}`;
  const own = new Set(told.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain").map(place));
  const tasks = told.filter((one) => one.ph === "X" && /RunTask/.test(one.name) && own.has(place(one)));
  const most = (key) => Math.round(Math.max(0, ...tasks.map((one) => one[key] ?? 0)) / 1000);
  return [most("dur"), most("tdur")];
}

async function pace(name, text) {
  await browser.ask(`(() => { document.getElementById("import").value = ${JSON.stringify(text)}; document.getElementById("import-go").click(); })()`);
  await wait(60);
  await browser.until("lab.ready && lab.gauge", "the lab and its floors", 120000);
  await browser.ask(`(() => {
    globalThis.late = [];
    globalThis.frames = 0;
    let before = performance.now();
    const next = (now) => { const gap = now - before; before = now; globalThis.frames += 1; late.push(gap); if (globalThis.watching) requestAnimationFrame(next); };
    globalThis.watching = true;
    requestAnimationFrame(next);
    document.getElementById("pace").value = "0";
    document.getElementById("pace").dispatchEvent(new Event("change"));
    document.getElementById("play").click();
  })()`);
  await wait(500);
  const from = await browser.ask("[performance.now(), lab.reels[0].last.step]");
  const [longest, computing] = await turns(() => wait(5000));
  const to = await browser.ask("[performance.now(), lab.reels[0].last.step]");
  const stop = await browser.ask(`(async () => {
    const since = performance.now();
    document.getElementById("play").click();
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    globalThis.watching = false;
    return lab.state.playing ? Infinity : performance.now() - since;
  })()`);
  const late = await browser.ask("[...late].slice(3).sort((a, b) => b - a).slice(0, 3).map(Math.round)");
  rows.push({ name, "steps a second": ((1000 * (to[1] - from[1])) / (to[0] - from[0])).toFixed(1), "longest frames, ms": late.join(" "), "longest turn, ms": longest, "of it computing, ms": computing, "frames a second": await browser.ask("Math.round(1000 * late.length / late.reduce((a, b) => a + b, 0))"), "stopped after, ms": Math.round(stop) });
}

const clouds = (n, m) => `[target.ring]\n[source.gaussian]\n[cloud]\nparticles = ${n}\nsamples = ${m}\n[flow]\nsteps = 100000\nanneal_steps = 200\n`;
try {
  const opened = [];
  for (let k = 0; k < 5; k += 1) opened.push(Math.round(await first()));
  console.log(`first picture after ${opened.join(", ")} ms`);
  await pace("kde, 1000 + 1000", clouds(1000, 1000));
  await pace("kde, 2000 + 4000", clouds(2000, 4000));
  const plain = clouds(500, 500).replace("anneal_steps = 200\n", "");
  await pace("mlp as the lab chooses it, 500 + 500", `${plain}[discriminator.mlp]\nhidden = [64, 64]\nbatch = 256\ninner_steps = 10\nwarm_up = 80\n`);
  await pace("mlp as in files, 500 + 500", `${plain}[discriminator.mlp]\n`);
  await pace("logistic, 500 + 500", `${plain}[discriminator.logistic]\n`);
  await pace("three panels, 1000 + 1000", `variants = ["flow: generator=off", "distill: generator.distill.network=[64, 64]", "adversarial: generator.adversarial.network=[64, 64]"]\n${clouds(1000, 1000)}`);
  console.table(rows);
  console.log(browser.trouble());
} finally {
  await browser.close();
}
