// The report page in a lecture hall, and its address: full screen with type to be read from afar, links that open the moment they were made at.
import { Browser, wait } from "./browser.mjs";

const [program, page] = process.argv.slice(2);
const browser = await Browser.open(program, [1920, 1080]);
const checks = {};
const check = (name, good, what) => {
  checks[name] = good ? "ok" : String(what);
};
const fill = "document.getElementById('player').requestFullscreen()";

try {
  await browser.go(`file://${page}#step=7&theme=dark&trails=on&zoom=2&at=0.5,0.25`);
  
  await browser.until("location.hash.includes('zoom=2.000')");
  const address = await browser.ask("location.hash");
  const wish = new URLSearchParams(address.slice(1));
  const step = Number(wish.get("step"));
  check("a link opens the recorded moment next to its step", Math.abs(step - 7) <= 2, address);
  check("and what was chosen", wish.get("theme") === "dark" && wish.get("trails") === "on" && wish.get("zoom") === "2.000" && wish.get("at") === "0.5,0.25", address);
  await browser.ask("document.getElementById('forth').click()");
  await wait(600);
  const next = Number(new URLSearchParams((await browser.ask("location.hash")).slice(1)).get("step"));
  check("the address follows a pause", next > step, `${step}, then ${next}`);
  await browser.ask("document.getElementById('link').click()");
  await wait(300);
  const said = await browser.ask("document.getElementById('hint').textContent");
  check("the link is copied, or shown", said.includes("copied") || said.includes(`step=${next}`), said);
  await browser.ask("document.getElementById('play').click()");
  await wait(400);
  const moving = await browser.ask("location.hash");
  check("while it plays the address stands", moving.includes(`step=${next}`), moving);
  await browser.ask("document.getElementById('play').click()");

  // A step in its phases: points, fit, move, and the generator where there is one.
  const lit = () => browser.ask("[...document.querySelectorAll('#phases li')].findIndex((box) => box.classList.contains('lit'))");
  const picture = () => browser.ask("document.querySelector('.panel canvas').toDataURL()");
  await browser.ask("document.getElementById('back').click()");
  await wait(150);
  const plain = await picture();
  const phases = [];
  const seen = new Set();
  for (let k = 0; k < 4; k += 1) {
    await browser.ask("document.getElementById('phase').click()");
    await wait(150);
    phases.push(await lit());
    seen.add(await picture());
  }
  check("the phases follow each other, and the next moment behind the last", phases.join() === "0,1,2,0" && seen.size === 4, `${phases}, ${seen.size} pictures`);
  const formula = await browser.ask("document.querySelectorAll('#phases li')[2].textContent");
  check("the formula has the present number", /ε = [0-9.]+/.test(formula), formula);
  await browser.ask("document.getElementById('back').click()");
  await wait(150);
  check("who seeks leaves the phases", (await lit()) === -1 && (await picture()) === plain, await lit());

  await browser.send("Runtime.evaluate", { expression: fill, userGesture: true, awaitPromise: true });
  await wait(800);
  const small = await browser.ask(`[...document.querySelectorAll("#player *")].filter((one) => one.offsetParent && [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()) && parseFloat(getComputedStyle(one).fontSize) < 24).map((one) => one.outerHTML).join("; ")`);
  check("no type is below 24 px on 1080 lines", small === "", small);
  const title = await browser.ask("document.querySelector('.lecture .title').offsetParent !== null");
  check("the title is there", title, title);
  const [top, bottom, bar, wide] = await browser.ask("(() => { const { top, bottom, width } = document.querySelector('.panel canvas').getBoundingClientRect(); return [top, bottom, document.querySelector('.transport').getBoundingClientRect().top, width / document.querySelector('.panels').clientWidth]; })()");
  check("the picture fills the screen", bottom - top > 0.8 * 1080 || wide > 0.98, `${top} to ${bottom}, ${wide} of the width`);
  check("and lies above the player's bar", bottom <= bar + 1, `${bottom}, ${bar}`);
  const scrolls = await browser.ask("(() => { const { scrollHeight, scrollWidth, clientHeight, clientWidth } = document.getElementById('player'); return scrollHeight > clientHeight + 1 || scrollWidth > clientWidth + 1; })()");
  check("nothing is beyond the edge", !scrolls, scrolls);
  await browser.ask("document.dispatchEvent(new KeyboardEvent('keydown', { key: 'o' }))");
  check("the buttons come when asked for", await browser.ask("document.querySelector('.options').offsetParent !== null"), "they do not");
  check("nothing goes wrong", browser.trouble().length === 0, browser.trouble().join("; "));
} finally {
  await browser.close();
}
console.log(JSON.stringify(checks));
