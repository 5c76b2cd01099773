// Notes whatever goes wrong from the first line on; the self test reports it.
const problems = [];
addEventListener("error", (event) => problems.push(`error: ${event.message}`));
addEventListener("unhandledrejection", (event) => problems.push(`rejection: ${event.reason}`));
document.addEventListener("securitypolicyviolation", (event) =>
  problems.push(`policy: ${event.violatedDirective} ${event.blockedURI}`));
const { error: tell } = console;
console.error = (...words) => {
  problems.push(`console: ${words.join(" ")}`);
  tell.apply(console, words);
};

const $ = (id) => document.getElementById(id);
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

