// A run on the line: the densities, the log ratio, where each particle is from, and the paths of all; the same parts as in the pictures.
class LinePanel extends Panel {
  // The height of a panel in parts of its width.
  get aspect() {
    return film.look.line.aspect;
  }

  draw(state) {
    const context = this.canvas.getContext("2d");
    const at = moment(this.run, state.step);
    const { scale } = this;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.globalAlpha = 1;
    context.fillStyle = palette.paper;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    const [left] = this.place(MARGIN.left, 0);
    const [right] = this.place(MARGIN.left + this.width, 0);
    const parts = film.look.line.parts.map(([from, to]) => ({
      x: MARGIN.left,
      y: MARGIN.top + from * this.height,
      width: this.width,
      height: (to - from) * this.height,
    }));
    this.across = (x) => MARGIN.left + ((x - left) / (right - left)) * this.width;
    [this.shades, this.which] = this.colours(state, at);
    this.positions = this.along(at);
    this.cloud = this.blurred(at);
    const [densities, ratios, origins, paths] = parts;
    this.inside(context, densities, () => this.densities(context, densities, at, state));
    this.inside(context, ratios, () => this.ratios(context, ratios, at, state));
    this.inside(context, origins, () => this.origins(context, origins, at));
    const row = { ...origins, y: ratios.y + ratios.height, height: origins.y - ratios.y - ratios.height };
    const moving = state.show.arrows && this.velocities(context, row, at);
    this.drawn = Number(moving);
    this.inside(context, paths, () => this.paths(context, paths, at));
    const { top } = film.line;
    const { reach } = film.look.line;
    this.frame(context, densities, [0, top], [left, right], "density", false);
    this.frame(context, ratios, [-reach, reach], [left, right], "log r", false);
    // In a small picture there is no room for both.
    const tall = origins.height > 2.7 * this.letter;
    if (moving) this.words(context, "next move", row.x + 6, row.y + row.height / 2 + 0.35 * this.letter);
    this.words(context, tall ? "now" : "start to now", origins.x + 6, origins.y + this.letter);
    if (tall) this.words(context, "at the start", origins.x + 6, origins.y + origins.height - 5);
    this.frame(context, paths, [film.steps, 0], [left, right], "step", true);
    if (state.show.field) this.length(context, at, ratios.y, true);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.setTransform(1, 0, 0, 1, 0, 0);
    this.lost(context, at);
    this.remarks(context, at, state);
    this.tell(state);
  }

  inside(context, { x, y, width, height }, paint) {
    context.save();
    context.beginPath();
    context.rect(x, y, width, height);
    context.clip();
    paint();
    context.restore();
  }

  // Where the particles are, in the target's units; NaN for one that is nowhere.
  along([frame, part]) {
    const { run } = this;
    const count = run.shown;
    const from = 2 * count * frame;
    const next = part > 0 ? from + 2 * count : from;
    return Float64Array.from({ length: count }, (_, i) => {
      const [x0, x1] = [run.cloud[from + i], run.cloud[next + i]];
      if (x0 === NOWHERE) return NaN;
      const keep = part > 0 && moves(run, i, frame) ? part : 0;
      return film.grid.middle[0] + (x0 + (x1 - x0) * keep) * film.grid.step;
    });
  }

  weight(i, frame) {
    const { run } = this;
    return run.widths === null ? 1 : (run.widths[run.shown * frame + i] / 32) ** 2;
  }

  // Density of the cloud at the places of the field: shared between the two places next to a particle, and blurred from there.
  blurred([frame]) {
    const { target, blur } = film.line;
    const count = target.length;
    const pitch = (FIELD.x[1] - FIELD.x[0]) / (count - 1);
    const width = Math.max(blur, pitch);
    // Points beyond the view count within it as far as they are blurred.
    const beyond = Math.min(count, Math.ceil((4 * width) / pitch));
    const mass = new Float64Array(count + 2 * beyond);
    this.positions.forEach((x, i) => {
      const at = (x - FIELD.x[0]) / pitch + beyond;
      if (!(at >= 0 && at < mass.length - 1)) return;
      const place = Math.floor(at);
      const share = this.weight(i, frame);
      mass[place] += share * (1 - (at - place));
      mass[place + 1] += share * (at - place);
    });
    const height = 1 / (this.run.shown * Math.sqrt(2 * Math.PI) * width);
    const waves = Float64Array.from({ length: mass.length }, (_, k) => height * Math.exp(-0.5 * ((k * pitch) / width) ** 2));
    return Float64Array.from({ length: count }, (_, at) => mass.reduce((sum, m, k) => sum + m * waves[Math.abs(k - beyond - at)], 0));
  }

  // D at place k: the inverse of its place among the bands.
  learned(k, [frame, part]) {
    const { run } = this;
    const count = run.lattice[0];
    const from = frame * count;
    const to = part > 0 ? from + count : from;
    const depth = (run.field[from + k] * (1 - part) + run.field[to + k] * part) / film.finer;
    const size = Math.abs(depth);
    const base = Math.min(Math.floor(size), film.bands);
    const edge = (n) => (n === 0 ? 0 : Math.log(film.edges[n - 1]));
    const inner = edge(base);
    const value = base < film.bands ? inner + (size - base) * (edge(base + 1) - inner) : inner + (size - base);
    return depth < 0 ? -value : value;
  }

  // A line through the values at the places of the field; what is no number parts it.
  curve(context, value, up, { ink, width = 1.6, dashes = [], alpha = 1 }) {
    const count = film.line.target.length;
    context.beginPath();
    let pen = false;
    for (let k = 0; k < count; k += 1) {
      const v = value(k);
      if (!Number.isFinite(v)) {
        pen = false;
        continue;
      }
      const [x, y] = [this.across(FIELD.x[0] + (k * (FIELD.x[1] - FIELD.x[0])) / (count - 1)), up(v)];
      if (pen) context.lineTo(x, y);
      else context.moveTo(x, y);
      pen = true;
    }
    context.strokeStyle = ink;
    context.lineWidth = width;
    context.setLineDash(dashes);
    context.globalAlpha = alpha;
    context.stroke();
    context.globalAlpha = 1;
    context.setLineDash([]);
  }

  massive(k) {
    return Math.max(film.line.target[k], this.cloud[k]) > film.look.line.least * film.line.top;
  }

  // D as a curve: strong where there is mass, faint elsewhere.
  told(context, at, up, how) {
    const ink = palette.series[1];
    const d = (k) => (this.run.field[at[0] * this.run.lattice[0] + k] === 0 ? NaN : this.learned(k, at));
    this.curve(context, d, up, { ink, alpha: film.look.line.faint, ...how });
    this.curve(context, (k) => (this.massive(k) ? d(k) : NaN), up, { ink, ...how });
  }

  densities(context, plot, at, state) {
    const { top, target } = film.line;
    const foot = plot.y + plot.height;
    const up = (v) => foot - (v / top) * plot.height;
    const place = (k) => this.across(FIELD.x[0] + (k * (FIELD.x[1] - FIELD.x[0])) / (target.length - 1));
    if (state.show.target) {
      context.beginPath();
      context.moveTo(place(0), foot);
      target.forEach((v, k) => context.lineTo(place(k), up(v)));
      context.lineTo(place(target.length - 1), foot);
      context.globalAlpha = 0.34;
      context.fillStyle = palette.target;
      context.fill();
    }
    const bars = film.look.line.most[0];
    const wide = VIEW.width / bars;
    const mass = new Float64Array(bars);
    this.positions.forEach((x, i) => {
      const bar = Math.floor((x - VIEW.x[0]) / wide);
      if (bar >= 0 && bar < bars) mass[bar] += this.weight(i, at[0]) / (this.run.shown * wide);
    });
    context.globalAlpha = 0.13;
    context.fillStyle = palette.ink;
    mass.forEach((v, k) => {
      const [x0, x1] = [k, k + 1].map((n) => this.across(VIEW.x[0] + n * wide));
      context.fillRect(x0, up(v), x1 - x0, foot - up(v));
    });
    context.globalAlpha = 1;
    this.curve(context, (k) => this.cloud[k], up, { ink: palette.ink, width: 1.8 });
    this.roof(context, plot);
    if (!state.show.field) return;
    const half = foot - plot.height / 2;
    this.rule(context, plot, half, [2, 4]);
    this.told(context, at, (d) => foot - plot.height / (1 + Math.exp(-d)), { dashes: [6, 4], width: 1.5 });
  }

  // How high the cloud's density is where it is higher than the picture, at the roof.
  roof(context, plot) {
    const place = (k) => this.across(FIELD.x[0] + (k * (FIELD.x[1] - FIELD.x[0])) / (this.cloud.length - 1));
    const seen = (k) => place(k) >= plot.x && place(k) <= plot.x + plot.width;
    const highest = this.cloud.reduce((best, v, k) => (seen(k) && !(v < this.cloud[best]) ? k : best), -1);
    if (highest < 0 || !(this.cloud[highest] > film.line.top)) return;
    const words = `↑ ${number(this.cloud[highest])}`;
    context.font = `${0.92 * this.letter}px ${FONT}`;
    const left = place(highest) + 6 + context.measureText(words).width > plot.x + plot.width;
    context.textAlign = left ? "right" : "left";
    context.textBaseline = "alphabetic";
    context.fillStyle = palette.ink;
    context.fillText(words, place(highest) + (left ? -6 : 6), plot.y + 1.05 * this.letter);
  }

  ratios(context, plot, at, state) {
    const middle = plot.y + plot.height / 2;
    const up = (d) => middle - ((0.5 * d) / film.look.line.reach) * plot.height;
    this.rule(context, plot, middle, []);
    const laws = this.run.laws?.[at[0]];
    if (laws || film.line.exact) {
      const count = film.line.target.length;
      const log = (x, [mean, variance]) => (x - mean) ** 2 / variance + Math.log(variance);
      const x = (k) => FIELD.x[0] + (k * (FIELD.x[1] - FIELD.x[0])) / (count - 1);
      const closed = (k) => 0.5 * (log(x(k), laws[1]) - log(x(k), laws[0]));
      const truth = laws ? closed : (k) => Math.log(film.line.target[k] / this.cloud[k]);
      this.curve(context, truth, up, { ink: palette.series[2], dashes: [2, 3], width: 1.5 });
    }
    if (state.show.field) this.told(context, at, up, { width: 1.8 });
  }

  rule(context, plot, y, dashes) {
    context.beginPath();
    context.moveTo(plot.x, y);
    context.lineTo(plot.x + plot.width, y);
    context.strokeStyle = palette.faint;
    context.lineWidth = 1;
    context.setLineDash(dashes);
    context.stroke();
    context.setLineDash([]);
  }

  // So many particles at most, at even steps along the first cloud.
  evenly(most) {
    const { run } = this;
    this.order ??= Array.from({ length: run.shown }, (_, i) => i).sort((a, b) => run.cloud[a] - run.cloud[b] || a - b);
    const count = Math.min(most, this.order.length);
    return Array.from({ length: count }, (_, k) => this.order[Math.floor(((2 * k + 1) * this.order.length) / (2 * count))]);
  }

  ink(i) {
    return this.shades[this.which(i)];
  }

  origins(context, plot, [frame]) {
    const { run } = this;
    const foot = plot.y + plot.height;
    this.rule(context, plot, plot.y, []);
    this.rule(context, plot, foot, []);
    for (const i of this.evenly(film.look.line.most[1])) {
      const [from, to] = [film.grid.middle[0] + run.cloud[i] * film.grid.step, this.positions[i]].map(this.across);
      if (!Number.isFinite(to) || run.cloud[i] === NOWHERE) continue;
      context.strokeStyle = this.ink(i);
      context.lineWidth = 1.3;
      context.beginPath();
      context.moveTo(to, plot.y);
      context.lineTo(to, plot.y + 5);
      context.stroke();
      if (alive(run, i, frame, 0) > 0) continue;
      context.lineWidth = 0.9;
      context.globalAlpha = 0.65;
      context.beginPath();
      context.moveTo(from, foot);
      context.lineTo(to, plot.y + 5);
      context.stroke();
      context.globalAlpha = 1;
    }
  }

  velocities(context, plot, [frame, part]) {
    const { run } = this;
    const count = run.arrow_lattice[0] * run.arrow_lattice[1];
    const look = film.look.arrow;
    const pitch = ((FIELD.x[1] - FIELD.x[0]) * run.arrow_pitch) / (run.lattice[0] - 1);
    const apart = this.across(FIELD.x[0] + pitch) - this.across(FIELD.x[0]);
    const stride = Math.max(1, Math.round(look.spacing / apart));
    const from = 2 * count * frame;
    const to = part > 0 ? from + 2 * count : from;
    const path = new Path2D();
    let drawn = false;
    for (let k = stride >> 1; k < count; k += stride) {
      const v = nextMove(run, from + k) * (1 - part) + nextMove(run, to + k) * part;
      const length = Math.min(stretch(run.longest ?? film.longest, this.unit) * this.unit * Math.abs(v), look.most * look.spacing);
      const x = this.across(FIELD.x[0] + k * pitch);
      if (length < look.least || !(this.cloud[k * run.arrow_pitch] > film.look.line.least * film.line.top) || x < plot.x || x > plot.x + plot.width) continue;
      arrow(path, x, plot.y + plot.height / 2, Math.sign(v), 0, length);
      drawn = true;
    }
    context.globalAlpha = look.alpha;
    context.fillStyle = palette.ink;
    context.fill(path);
    context.globalAlpha = 1;
    return drawn;
  }

  paths(context, plot, [frame, part]) {
    const { run } = this;
    const count = run.shown;
    const down = (step) => plot.y + (step / Math.max(film.steps, 1)) * plot.height;
    context.lineWidth = 0.9;
    context.globalAlpha = 0.6;
    for (const i of this.evenly(film.look.line.most[2])) {
      context.strokeStyle = this.ink(i);
      context.beginPath();
      let pen = false;
      let was = false;
      const go = (x, step) => {
        const at = this.across(x);
        const seen = at >= plot.x && at <= plot.x + plot.width;
        // From beyond one border to beyond the other nobody has gone slowly.
        if (pen && (seen || was)) context.lineTo(at, down(step));
        else context.moveTo(at, down(step));
        pen = true;
        was = seen;
      };
      const first = alive(run, i, frame, 0);
      for (let k = first; k <= frame; k += 1) {
        const x = run.cloud[2 * count * k + i];
        if (x === NOWHERE) pen = false;
        else go(film.grid.middle[0] + x * film.grid.step, run.steps[k]);
      }
      if (part > 0 && moves(run, i, frame) && Number.isFinite(this.positions[i])) {
        go(this.positions[i], run.steps[frame] + part * (run.steps[frame + 1] - run.steps[frame]));
      }
      context.stroke();
      const place = run.cloud[2 * count * first + i];
      if (first > 0 && place !== NOWHERE) {
        context.fillStyle = this.ink(i);
        context.beginPath();
        context.arc(this.across(film.grid.middle[0] + place * film.grid.step), down(run.steps[first]), 1.6, 0, 2 * Math.PI);
        context.fill();
      }
    }
    context.globalAlpha = 1;
  }

  words(context, text, x, y) {
    context.font = `${this.letter}px ${FONT}`;
    // What lies behind them must not make them unreadable.
    context.globalAlpha = 0.8;
    context.fillStyle = palette.paper;
    context.fillRect(x - 4, y - 0.9 * this.letter, context.measureText(text).width + 8, 1.2 * this.letter);
    context.globalAlpha = 1;
    context.fillStyle = palette.muted;
    context.textAlign = "left";
    context.textBaseline = "alphabetic";
    context.fillText(text, x, y);
  }

  // The border of a part, with its ticks; the lowest has those of the line.
  frame(context, { x, y, width, height }, [low, high], [left, right], name, lowest) {
    context.strokeStyle = palette.faint;
    context.lineWidth = 1;
    context.strokeRect(x - 0.5, y - 0.5, width + 1, height + 1);
    this.words(context, name, x + 6, y + 1.5 + this.letter);
    context.fillStyle = palette.muted;
    context.font = `${this.letter}px ${FONT}`;
    context.textAlign = "right";
    context.textBaseline = "middle";
    const { apart } = this;
    // Labels of the next part stand close to the ends of a low one, and where parts are close.
    const few = height < 3.2 * this.letter;
    const close = 0.04 * this.height < 1.3 * this.letter;
    for (const [value, label] of ticks([Math.min(low, high), Math.max(low, high)], height / apart)) {
      if (few && value !== 0) continue;
      if (close && name === "log r" && value === high) continue;
      context.fillText(label, x - 6, y + ((high - value) / (high - low)) * height);
    }
    if (!lowest) return;
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const [value, label] of ticksAcross([left, right], width, apart, (label) => context.measureText(label).width)) {
      context.fillText(label, x + ((value - left) / (right - left)) * width, y + height + 7);
    }
  }
}
