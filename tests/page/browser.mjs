// A browser without a window, asked through its two pipes (the DevTools protocol).
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const wait = (time) => new Promise((resolve) => setTimeout(resolve, time));

export class Browser {
  static async open(program, [width, height] = [1440, 900], flags = []) {
    const browser = new Browser();
    browser.profile = mkdtempSync(join(tmpdir(), "lab-"));
    browser.child = spawn(program, ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
      `--user-data-dir=${browser.profile}`, `--window-size=${width},${height}`, "--remote-debugging-pipe", ...flags, "about:blank"],
    { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    browser.waiting = new Map();
    browser.number = 0;
    browser.events = [];
    let text = "";
    browser.child.stdio[4].setEncoding("utf8").on("data", (part) => {
      text += part;
      const messages = text.split("\0");
      text = messages.pop();
      messages.map(JSON.parse).forEach((message) => browser.hear(message));
    });
    const { targetInfos } = await browser.send("Target.getTargets");
    const { targetId } = targetInfos.find(({ type }) => type === "page");
    ({ sessionId: browser.session } = await browser.send("Target.attachToTarget", { targetId, flatten: true }));
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await browser.send(`${domain}.enable`);
    await browser.size(width, height);
    return browser;
  }

  hear(message) {
    if (message.id !== undefined) {
      const { resolve, reject } = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      if (message.error) reject(new Error(message.error.message));
      else resolve(message.result);
      return;
    }
    if (message.method === "Page.javascriptDialogOpening") this.send("Page.handleJavaScriptDialog", { accept: true });
    this.events.push(message);
  }

  send(method, params = {}) {
    const id = ++this.number;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId: this.session })}\0`);
    });
  }

  size(width, height, scale = 1, mobile = false) {
    return this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: scale, mobile });
  }

  async go(address) {
    await this.send("Page.navigate", { url: address });
    await wait(50);
  }

  // The value of an expression in the page, awaited.
  async ask(expression) {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async until(expression, what = expression, limit = 30000) {
    const end = Date.now() + limit;
    while (Date.now() < end) {
      if (await this.ask(expression).catch(() => false)) return;
      await wait(25);
    }
    throw new Error(`waited in vain for: ${what}`);
  }

  async mouse(type, x, y, buttons = 0) {
    await this.send("Input.dispatchMouseEvent", { type, x, y, button: buttons || type === "mouseReleased" ? "left" : "none", buttons, clickCount: type === "mouseMoved" ? 0 : 1 });
  }

  async drag(points) {
    await this.mouse("mouseMoved", ...points[0]);
    await this.mouse("mousePressed", ...points[0], 1);
    for (const point of points.slice(1)) await this.mouse("mouseMoved", ...point, 1);
    await this.mouse("mouseReleased", ...points.at(-1));
  }

  async shot(file) {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    writeFileSync(file, Buffer.from(data, "base64"));
  }

  // What went wrong so far: exceptions, errors on the console, requests for anything but the page itself.
  trouble() {
    return this.events.flatMap(({ method, params }) => {
      if (method === "Runtime.exceptionThrown") return [`exception: ${params.exceptionDetails.exception?.description ?? params.exceptionDetails.text}`];
      if (method === "Runtime.consoleAPICalled" && ["error", "warning", "assert"].includes(params.type)) return [`console: ${params.args.map((a) => a.value ?? a.description).join(" ")}`];
      if (method === "Log.entryAdded" && ["error", "warning"].includes(params.entry.level)) return [`log: ${params.entry.text}`];
      if (method === "Network.requestWillBeSent" && !/^(file|blob|data|about):/.test(params.request.url)) return [`request: ${params.request.url}`];
      return [];
    });
  }

  async close() {
    this.child.kill();
    await new Promise((resolve) => this.child.on("exit", resolve));
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
