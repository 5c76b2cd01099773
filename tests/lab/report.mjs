// The button of a report that opens its scenario in the lab: `node report.mjs BROWSER REPORT` says what it finds as one line of JSON.
import { Browser } from "../page/browser.mjs";

const [program, report] = process.argv.slice(2);
const browser = await Browser.open(program);
try {
  await browser.go(`file://${report}`);
  await browser.until("document.getElementById('change')", "the button");
  await browser.ask("document.getElementById('change').click()");
  await browser.until("globalThis.lab?.ready", "the lab", 60000);
  const found = await browser.ask(`({
    failure: document.getElementById("failure").hidden ? "" : document.getElementById("failure-words").textContent,
    panels: lab.reels.map((reel) => reel.name),
    points: Object.keys(lab.plan.points),
    target: lab.opened.target.length / 2,
    cloud: Array.from(lab.reels[0].frames[0].cloud),
  })`);
  console.log(JSON.stringify({ ...found, trouble: browser.trouble() }));
} finally {
  await browser.close();
}
