// Full screen with panels abreast, in the plane and on the line: each as large as there is room for, nothing on top of another.
import { Browser, wait } from "./browser.mjs";

const [program, ...pages] = process.argv.slice(2);
const checks = {};
const fill = "document.getElementById('player').requestFullscreen()";
const browser = await Browser.open(program, [1920, 1080]);

try {
  for (const [name, page] of pages.map((both) => both.split("="))) {
    const check = (what, good, said) => {
      checks[`${name}: ${what}`] = good ? "ok" : JSON.stringify(said);
    };
    for (const [width, height] of [[1920, 1080], [1366, 768]]) {
      await browser.size(width, height);
      await browser.go(`file://${page}#step=3`);
      await browser.until("document.querySelectorAll('.panel canvas').length > 0 && document.querySelector('.panel canvas').clientWidth > 50");
      await browser.send("Runtime.evaluate", { expression: fill, userGesture: true, awaitPromise: true });
      await wait(700);
      const look = () => browser.ask(`(() => {
        const box = (one) => { const { left, right, top, bottom } = one.getBoundingClientRect(); return { left, right, top, bottom }; };
        const plots = [...document.querySelectorAll(".panel canvas")].map(box);
        const player = document.getElementById("player");
        const bar = document.querySelector(".key > .bar");
        return {
          plots, transport: box(document.querySelector(".transport")), key: box(document.querySelector(".key")),
          bar: bar.offsetParent !== null, line: document.body.classList.contains("on-line"),
          scrolls: player.scrollHeight > player.clientHeight + 1 || player.scrollWidth > player.clientWidth + 1,
        };
      })()`);
      let seen = await look();
      // A machine that does much else may take longer to lay the page out anew.
      for (let more = 0; seen.scrolls && more < 20; more += 1) {
        await wait(250);
        seen = await look();
      }
      const { plots, transport, key, bar, line, scrolls } = seen;
      const at = `${width} × ${height}`;
      check(`nothing is beyond the edge at ${at}`, !scrolls, seen);
      check(`no key of bands on the line, and one in the plane, at ${at}`, bar === !line, bar);
      const apart = (a, b) => a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 1 || b.bottom <= a.top + 1;
      check(`no panel lies on another at ${at}`, plots.every((a, i) => plots.every((b, j) => i === j || apart(a, b))), plots);
      check(`and none on bar or key at ${at}`, plots.every((one) => apart(one, transport) && apart(one, key)), seen);
      // As wide as the screen allows, or as tall.
      const rows = new Set(plots.map(({ top }) => Math.round(top / 20))).size;
      const abreast = Math.ceil(plots.length / rows);
      const [wide, tall] = [plots[0].right - plots[0].left, plots[0].bottom - plots[0].top];
      const parts = [(wide * abreast) / width, (tall * rows) / height];
      check(`they fill the screen at ${at}`, parts[0] > 0.75 || parts[1] > 0.5, { parts, plots });
      await browser.ask("document.exitFullscreen()");
      await wait(200);
    }
  }
  checks["nothing goes wrong"] = browser.trouble().length === 0 ? "ok" : browser.trouble().join("; ");
} finally {
  await browser.close();
}
console.log(JSON.stringify(checks));
