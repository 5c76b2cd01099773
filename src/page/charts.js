// The curves: one small chart a measure, all runs overlaid, with the sampling floor and a cursor at the player's step.
const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes = {}, parent = null) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent?.append(made);
  return made;
}

const series = (place) => `var(--series-${place % 14})`;

// Ticks of a logarithmic axis at powers of ten, and between them where these are few.
function decades([low, high], most) {
  const span = high - low;
  const factors = span < 1.1 ? [1, 2, 3, 5] : span < 2.2 ? [1, 3] : [1];
  const stride = Math.max(1, Math.ceil(span / Math.max(most, 1)));
  const found = [];
  for (let decade = Math.floor(low); decade <= Math.ceil(high); decade += 1) {
    if (decade % stride !== 0) continue;
    for (const factor of factors) {
      const at = decade + Math.log10(factor);
      if (at < low - 1e-9 || at > high + 1e-9) continue;
      const label = Math.abs(decade) <= 3
        ? (factor * 10 ** decade).toFixed(Math.max(0, -decade))
        : `${factor === 1 ? "" : `${factor}·`}10${superscript(decade)}`;
      found.push([at, label]);
    }
  }
  return found;
}

class Chart {
  constructor(parent, place, runs, jump) {
    this.place = place;
    this.runs = runs;
    this.about = film.charts[place];
    this.figure = document.createElement("figure");
    this.figure.className = "chart";
    const caption = document.createElement("figcaption");
    const name = document.createElement("b");
    name.textContent = this.about.words;
    caption.title = [this.about.words, this.about.measures, this.about.gloss].filter(Boolean).join(": ");
    this.value = document.createElement("span");
    this.value.className = "value";
    caption.append(name, this.value);
    this.svg = element("svg", { role: "img" });
    this.figure.append(caption);
    if (this.about.main && this.about.gloss) {
      const gloss = document.createElement("p");
      gloss.className = "small gloss";
      gloss.textContent = this.about.gloss;
      this.figure.append(gloss);
    }
    this.figure.append(this.svg);
    parent.append(this.figure);
    this.logarithmic = this.about.logarithmic;
    this.describe();
    const at = (event) => {
      // Before it is drawn there is nothing to point at.
      if (!this.across) return;
      const box = this.svg.getBoundingClientRect();
      jump(clamp((event.clientX - box.left - this.left) / this.width, 0, 1) * film.steps);
    };
    this.svg.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.svg.setPointerCapture(event.pointerId);
      at(event);
    });
    this.svg.addEventListener("pointermove", (event) => {
      if (this.svg.hasPointerCapture(event.pointerId)) at(event);
    });
  }

  // The chart in a sentence, for those who do not see it.
  describe() {
    const told = this.runs.map((run) => {
      const { values, floor, since } = run.series[this.place];
      if (values.length === 0) return "";
      const name = run.name ? `${run.name}: ` : "";
      const ends = `from ${number(values[0])} at step ${run.measured[0]} to ${number(values.at(-1))} at step ${run.measured.at(-1)}`;
      const begun = since === run.measured[0] ? ", at its floor from the start" : `, reached the floor at step ${since}`;
      const arrival = since === null ? "" : begun;
      return `${name}${ends}${floor ? `, median of the sampling floor ${number(floor.median)}` : ""}${arrival}`;
    });
    this.svg.setAttribute("aria-label", `${this.about.words}: ${told.filter(Boolean).join("; ")}`);
  }

  height(value) {
    if (value === null || !Number.isFinite(value)) return null;
    if (!this.logarithmic) return value;
    return value > 0 ? Math.log10(value) : null;
  }

  get sampled() {
    // Runs with other numbers of points, or towards other targets, have no floor in common.
    const floors = this.runs.map((run) => run.series[this.place].floor).filter(Boolean);
    const same = ({ median, low, high }) => median === floors[0].median && low === floors[0].low && high === floors[0].high;
    return floors.every(same) ? (floors[0] ?? null) : null;
  }

  // The vertical axis for a chart so tall: its range and its ticks.
  axis(tall) {
    const range = this.about.span;
    const [, linear, logarithmic] = film.look.apart;
    if (this.logarithmic) return { range, marks: decades(range, tall / logarithmic) };
    const counts = this.runs.every((run) => run.series[this.place].values.every((value) => Number.isInteger(value) && value >= 0));
    return { range, marks: ticks(range, tall / linear).filter(([value]) => !counts || Number.isInteger(value)) };
  }

  // The room that its labels take.
  room(tall) {
    return 10 + 6.8 * Math.max(2, ...this.axis(tall).marks.map(([, label]) => label.length));
  }

  draw(tall, left) {
    const outer = Math.max(160, this.figure.clientWidth);
    const { svg, sampled: floor } = this;
    svg.replaceChildren();
    const { range, marks } = this.axis(tall);
    this.left = left;
    this.width = outer - this.left - 10;
    this.tall = tall;
    svg.setAttribute("viewBox", `0 0 ${outer} ${tall + 22}`);
    svg.setAttribute("height", tall + 22);
    this.across = (step) => this.left + (step / Math.max(film.steps, 1)) * this.width;
    this.up = (v) => 4 + (tall - 4) * (1 - (v - range[0]) / (range[1] - range[0]));
    if (floor) this.floor(floor, range);
    for (const [value, label] of marks) {
      const y = this.up(value);
      element("line", { class: "grid", x1: this.left, x2: this.left + this.width, y1: y, y2: y }, svg);
      element("text", { x: this.left - 6, y: y + 4, "text-anchor": "end" }, svg).textContent = label;
    }
    const steps = ticks([0, Math.max(film.steps, 1)], this.width / 70).filter(([step]) => Number.isInteger(step));
    for (const [step] of steps) {
      const x = this.across(step);
      element("line", { class: "grid", x1: x, x2: x, y1: 4, y2: tall }, svg);
      const anchor = x > this.left + this.width - 8 ? "end" : "middle";
      element("text", { x: anchor === "end" ? x + 8 : x, y: tall + 15, "text-anchor": anchor }, svg).textContent = step;
    }
    element("rect", { class: "frame", x: this.left, y: 4, width: this.width, height: tall - 4 }, svg);
    this.runs.forEach((run, k) => this.line(run, k));
    this.cursor = element("line", { class: "cursor", y1: 4, y2: tall }, svg);
    this.dots = this.runs.map((_, k) => {
      const dot = element("circle", { class: "dot", r: 4 }, svg);
      dot.style.fill = series(k);
      return dot;
    });
  }

  floor({ median, low, high }, range) {
    const edge = (value, otherwise) => {
      if (value === null) return otherwise;
      const v = this.height(value);
      return v === null ? range[0] : clamp(v, ...range);
    };
    const [bottom, top] = [this.up(edge(low, range[0])), this.up(edge(high, range[1]))];
    const { svg, left, width } = this;
    element("rect", { class: "floor", x: left, y: top, width, height: Math.max(0, bottom - top) }, svg);
    const middle = this.height(median);
    if (middle !== null && middle >= range[0]) {
      const y = this.up(middle);
      element("line", { class: "median", x1: left, x2: left + width, y1: y, y2: y }, svg);
    }
  }

  line(run, k) {
    const { values, since } = run.series[this.place];
    let path = "";
    let pen = false;
    values.forEach((value, row) => {
      const v = this.height(value);
      const x = this.across(run.measured[row]);
      if (v === null) {
        pen = false;
        if (this.logarithmic && value !== null && value <= 0) {
          const y = this.tall - 5;
          const mark = element("path", { class: "below", d: `M${x - 3.6} ${y - 3.2}h7.2l-3.6 6.4z` }, this.svg);
          mark.style.stroke = series(k);
        }
        return;
      }
      // The stroke of no length shows a value that stands alone.
      path += `${pen ? "L" : "M"}${x.toFixed(2)} ${this.up(v).toFixed(2)}${pen ? "" : "h0"}`;
      pen = true;
    });
    element("path", { class: "line", d: path }, this.svg).style.stroke = series(k);
    const theory = run.series[this.place].theory ?? [];
    const told = theory.map((value, row) => [this.across(run.measured[row]), this.height(value)]).filter(([, v]) => v !== null);
    if (told.length > 1) element("path", { class: "theory", d: `M${told.map(([x, v]) => `${x.toFixed(2)} ${this.up(v).toFixed(2)}`).join("L")}` }, this.svg);
    // What begins at its floor has not come there.
    const row = since === null || since === run.measured[0] ? -1 : run.measured.findIndex((step) => step >= since);
    const v = row < 0 ? null : this.height(values[row]);
    if (v !== null) {
      const mark = element("circle", { class: "arrival", cx: this.across(run.measured[row]), cy: this.up(v), r: 4.5 }, this.svg);
      mark.style.fill = series(k);
    }
  }

  // Moves the cursor.
  show(step) {
    const x = this.across(Math.min(step, film.steps));
    this.cursor.setAttribute("x1", x);
    this.cursor.setAttribute("x2", x);
    const words = [];
    this.runs.forEach((run, k) => {
      const now = measure(run, this.place, step);
      const dot = this.dots[k];
      const v = now === null ? null : this.height(now.value);
      dot.style.display = v === null ? "none" : "";
      if (v !== null) {
        dot.setAttribute("cx", this.across(now.at));
        dot.setAttribute("cy", this.up(v));
      }
      if (now !== null && this.runs.length === 1) words.push(`${Number.isInteger(now.value) ? now.value : number(now.value)}${now.arrived ? " ✓" : ""}`);
    });
    const text = words.join(" ");
    if (this.value.textContent !== text) this.value.textContent = text;
  }
}

