// The stage: one canvas a run, on which field, target, arrows, trails and particles are drawn through one camera.
const VIEW = { x: film.view[0], y: film.view[1] };
VIEW.width = VIEW.x[1] - VIEW.x[0];
VIEW.height = VIEW.y[1] - VIEW.y[0];
// The part of the plane in which the field is known.
const FIELD = film.field_view ? { x: film.field_view[0], y: film.field_view[1] } : VIEW;
const FONT = getComputedStyle(document.body).fontFamily;
// Size of the letters of axes and notes, in a hall twice as large or more.
const LETTER = 11.5;
const lettering = () => (inFull() && $("player").classList.contains("hall") ? Math.max(14, 0.0225 * innerHeight) : LETTER);
const MARGIN = { left: 40, right: 6, top: 6, bottom: 24 };
// Between the knots of the mesh, in standard deviations of the first cloud, for one particle in all; the more, the closer.
const KNOTS = 9;

const camera = { x: 0, y: 0, zoom: 1 };

function resetCamera() {
  camera.x = (VIEW.x[0] + VIEW.x[1]) / 2;
  camera.y = (VIEW.y[0] + VIEW.y[1]) / 2;
  camera.zoom = 1;
}

// Zooms so that the place (x, y) stays where it is.
function zoomAt(factor, x = camera.x, y = camera.y) {
  const zoom = clamp(camera.zoom * factor, 0.5, 60);
  const part = camera.zoom / zoom;
  camera.zoom = zoom;
  moveTo(x + (camera.x - x) * part, y + (camera.y - y) * part);
}

function moveTo(x, y) {
  camera.x = clamp(x, ...VIEW.x);
  camera.y = clamp(y, ...VIEW.y);
}

// The colours of the present theme.
let palette = {};

function readPalette() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  palette = Object.fromEntries(["paper", "ink", "muted", "faint", "target"].map((name) => [name, colour(name)]));
  palette.dark = style.colorScheme === "dark";
  palette.bands = Array.from({ length: 2 * film.bands + 1 }, (_, k) => colour(`band-${k}`));
  palette.series = [0, 1, 2].map((k) => colour(`series-${k}`));
  palette.ramps = palette.dark ? film.dark : film.light;
}

const rgb = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));

// Round numbers within a range, about `most` of them, with their labels; two at least, since one alone gives no scale.
function ticks(range, most) {
  const finer = [1, 2, 4, 8].map((factor) => ticksAtMost(range, factor * Math.max(most, 1)));
  return finer.find((found) => found.length > 1) ?? finer[0];
}

function ticksAtMost([low, high], most) {
  const rough = (high - low) / most;
  const lead = Math.floor(Math.log10(rough));
  const found = [[1, 0], [2, 0], [5, 0], [1, 1]].map(([factor, more]) => [factor, lead + more])
    .find(([factor, power]) => decimal(BigInt(factor), power) >= 0.999 * rough);
  if (!found || !Number.isFinite(rough)) return [];
  const [factor, power] = found;
  const step = decimal(BigInt(factor), power);
  const first = BigInt(Math.ceil(low / step - 1e-9));
  const marks = [];
  for (let k = 0n; k < 32n; k += 1n) {
    const digits = (first + k) * BigInt(factor);
    if (decimal(digits, power) > high + 1e-9 * step) break;
    marks.push(digits);
  }
  const labels = tickLabels(marks, power);
  return marks.map((digits, k) => [decimal(digits, power), labels[k]]);
}

// So many times ten to a power, as a number.
const decimal = (digits, power) => (power < 0 && power >= -300 ? Number(digits) / 10 ** -power : Number(digits) * 10 ** power);

// The labels of an axis, with all of their digits; see decimal.rs.
function tickLabels(marks, power) {
  const size = (digits) => String(digits < 0n ? -digits : digits);
  const trimmed = (digits) => (digits === 0n ? "0" : size(digits).replace(/0+$/, ""));
  const most = marks.reduce((top, digits) => Math.max(top, Math.abs(decimal(digits, power))), 0);
  const mantissa = Math.max(0, ...marks.map((digits) => trimmed(digits).length));
  const whole = most >= 1 ? Math.trunc(Math.log10(most)) + 1 : 1;
  const plain = (most >= 1e-3 && most < 1e6 && -power <= 6) || (mantissa > 3 && most >= 1 && whole + Math.max(-power, 0) <= 17);
  return marks.map((digits) => {
    if (digits === 0n) return "0";
    const sign = digits < 0n ? "−" : "";
    const text = size(digits);
    if (!plain) {
      const short = trimmed(digits);
      return `${sign}${short[0]}${short.length > 1 ? "." : ""}${short.slice(1)}·10${superscript(power + text.length - 1)}`;
    }
    if (power >= 0) return sign + text + "0".repeat(power);
    const filled = text.padStart(1 - power, "0");
    return `${sign}${filled.slice(0, power)}.${filled.slice(power)}`;
  });
}

// The same along the foot of a plot, where labels stand beside each other: as many as have room.
function ticksAcross(range, length, apart, width) {
  for (let most = length / apart; ; most *= 0.7) {
    const found = ticks(range, most);
    const widest = Math.max(0, ...found.map(([, label]) => width(label))) + 12;
    const stand = found.length > 1 ? (length * (found[1][0] - found[0][0])) / (range[1] - range[0]) : Infinity;
    if (stand >= widest || found.length < 3 || most < 1) return found;
  }
}

// Cubic interpolation between regularly spaced values (Catmull and Rom): the first of four places, and their weights.
function spline(along, count, weights, at) {
  const base = clamp(Math.floor(along), 0, count - 2);
  const t = along - base;
  weights[at] = 0.5 * (2 * t * t - t - t * t * t);
  weights[at + 1] = 0.5 * (3 * t * t * t - 5 * t * t + 2);
  weights[at + 2] = 0.5 * (t + 4 * t * t - 3 * t * t * t);
  weights[at + 3] = 0.5 * (t * t * t - t * t);
  return base;
}

// The contour bands of the log ratio, on a canvas of their own that is stretched over the plot.
class Bands {
  constructor(run) {
    this.run = run;
    this.canvas = document.createElement("canvas");
    this.depths = new Float32Array(run.lattice[0] * run.lattice[1]);
    this.weights = run.veils === null ? null : new Float32Array(this.depths.length);
  }

  // Shades from band to band, as an edge covers a pixel; one such row for each step in which they fade into the paper, the faintest first.
  table() {
    if (this.of === palette.bands) return this.shades;
    const SHADES = 16;
    const bands = palette.bands.map(rgb);
    const paper = rgb(palette.paper);
    this.row = SHADES * (bands.length - 1) + 1;
    this.shades = new Uint32Array(this.row * (film.veils + 1));
    for (let k = 0; k < this.row; k += 1) {
      const base = Math.min(Math.floor(k / SHADES), bands.length - 2);
      const part = k / SHADES - base;
      for (let veil = 0; veil <= film.veils; veil += 1) {
        const [r, g, b] = bands[base].map((c, i) => {
          return Math.round(paper[i] + (veil / film.veils) * (c + part * (bands[base + 1][i] - c) - paper[i]));
        });
        this.shades[veil * this.row + k] = (255 << 24) | (b << 16) | (g << 8) | r;
      }
    }
    this.of = palette.bands;
    return this.shades;
  }

  // Fills `width`×`height` pixels, which show the plane from `left` and `top` at `pitch` units a pixel.
  paint([frame, part], width, height, left, top, pitch) {
    const { run, depths } = this;
    const [columns, rows] = run.lattice;
    const from = frame * depths.length;
    const to = part > 0 ? from + depths.length : from;
    for (let k = 0; k < depths.length; k += 1) {
      depths[k] = (run.field[from + k] * (1 - part) + run.field[to + k] * part) / film.finer;
      if (this.weights) this.weights[k] = run.veils[from + k] * (1 - part) + run.veils[to + k] * part;
    }
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    const shades = this.table();
    const fine = (this.row - 1) / (2 * film.bands);
    // Every row of the lattice, stretched to one value a pixel, and one more pixel for the slope.
    const wide = width + 1;
    const stretched = new Float32Array(rows * wide);
    const veils = this.weights && new Float32Array(rows * wide);
    const weights = new Float32Array(4);
    const along = (side, count, value) => ((value - side[0]) / (side[1] - side[0])) * (count - 1);
    let first = width;
    let beyond = 0;
    for (let x = 0; x < wide; x += 1) {
      const u = along(FIELD.x, columns, left + (x + 0.5) * pitch);
      if (u < 0 || u > columns - 1) continue;
      first = Math.min(first, x);
      beyond = Math.max(beyond, x + 1);
      const base = spline(u, columns, weights, 0);
      const before = Math.max(base - 1, 0);
      const after = Math.min(base + 2, columns - 1);
      for (let row = 0; row < rows; row += 1) {
        const start = row * columns;
        if (veils) {
          const near = this.weights[start + base];
          veils[row * wide + x] = near + (u - base) * (this.weights[start + base + 1] - near);
        }
        stretched[row * wide + x] = weights[0] * depths[start + before] + weights[1] * depths[start + base]
          + weights[2] * depths[start + base + 1] + weights[3] * depths[start + after];
      }
    }
    let line = new Float32Array(wide);
    let below = new Float32Array(wide);
    const fill = (into, y) => {
      const v = clamp(along(FIELD.y, rows, top - (y + 0.5) * pitch), 0, rows - 1);
      const base = spline(v, rows, weights, 0);
      const a = Math.max(base - 1, 0) * wide;
      const b = base * wide;
      const d = Math.min(base + 2, rows - 1) * wide;
      const [wa, wb, wc, wd] = weights;
      for (let x = first; x < beyond; x += 1) {
        into[x] = wa * stretched[a + x] + wb * stretched[b + x] + wc * stretched[b + wide + x] + wd * stretched[d + x];
      }
    };
    fill(line, 0);
    for (let y = 0; y < height; y += 1) {
      fill(below, y + 1);
      const v = along(FIELD.y, rows, top - (y + 0.5) * pitch);
      if (v >= 0 && v <= rows - 1) {
        const base = Math.min(Math.floor(v), rows - 2);
        // Bands end where they count by less than one half, within three pixels: one that fades slowly goes through the colours of the bands beside it.
        const weigh = (x) => {
          const near = veils[base * wide + x];
          return near + (v - base) * (veils[(base + 1) * wide + x] - near);
        };
        const rise = ((rows - 1) * pitch) / (FIELD.y[1] - FIELD.y[0]);
        const veil = (x) => {
          const here = weigh(x);
          const slope = Math.max(Math.abs(weigh(x + 1 < beyond ? x + 1 : x) - here), Math.abs(veils[(base + 1) * wide + x] - veils[base * wide + x]) * rise, 1e-6);
          return Math.round(film.veils * clamp((here - film.look.near * film.veils) / (3 * slope) + 0.5, 0, 1));
        };
        for (let x = first; x < Math.min(beyond, width); x += 1) {
          const value = line[x];
          const right = x + 1 < beyond ? line[x + 1] : value;
          const slope = Math.max(Math.abs(right - value), Math.abs(below[x] - value), 1e-6);
          const size = Math.abs(value);
          const edge = clamp(Math.floor(size + 0.5), 1, film.bands);
          const place = edge - 1 + clamp((size - edge) / slope + 0.5, 0, 1);
          const shade = Math.round((film.bands + (value < 0 ? -place : place)) * fine);
          pixels[y * width + x] = shades[(veils ? veil(x) : film.veils) * this.row + shade];
        }
      }
      [line, below] = [below, line];
    }
    context.putImageData(image, 0, 0);
    return this.canvas;
  }
}

// A sheet of dots, one for each colour, from which particles are stamped.
class Dots {
  constructor(colours, radius, alpha, rim, scale, hollow = false) {
    this.size = Math.ceil(2 * (radius + (rim ? 1 : 0) + 1) * scale);
    this.across = Math.ceil(Math.sqrt(colours.length));
    this.canvas = document.createElement("canvas");
    this.canvas.width = this.across * this.size;
    this.canvas.height = Math.ceil(colours.length / this.across) * this.size;
    const context = this.canvas.getContext("2d");
    colours.forEach((colour, k) => {
      const x = ((k % this.across) + 0.5) * this.size;
      const y = (Math.floor(k / this.across) + 0.5) * this.size;
      const disc = (r, ink, opacity) => {
        context.globalAlpha = opacity;
        context.fillStyle = ink;
        context.beginPath();
        context.arc(x, y, r * scale, 0, 2 * Math.PI);
        context.fill();
      };
      if (rim) disc(radius + film.look.rim.share * Math.min(radius, film.look.rim.most), palette.paper, film.look.rim.alpha);
      if (hollow) {
        context.globalAlpha = 0.8;
        context.strokeStyle = colour;
        context.lineWidth = 1.2 * scale;
        context.beginPath();
        context.arc(x, y, radius * scale, 0, 2 * Math.PI);
        context.stroke();
      } else {
        disc(radius, colour, alpha);
      }
    });
  }

  stamp(context, k, x, y, width = 1) {
    const { size, across } = this;
    const drawn = size * width;
    context.drawImage(this.canvas, (k % across) * size, Math.floor(k / across) * size, size, size,
      x - drawn / 2, y - drawn / 2, drawn, drawn);
  }
}

// One run on its canvas.
class Panel {
  constructor(figure, run) {
    this.run = run;
    this.canvas = figure.querySelector("canvas");
    this.figure = figure;
    this.now = figure.querySelector("[data-now]");
    this.bands = new Bands(run);
    this.layer = document.createElement("canvas");
  }

  // Takes as much room as there is in the figure, but not more than `tall` pixels of height.
  fit(tall) {
    this.letter = lettering();
    const larger = this.letter / LETTER;
    MARGIN.left = Math.max((this.figure.clientWidth < 430 ? 30 : 40) * larger, this.labels() + 12);
    MARGIN.bottom = 8 + 1.4 * this.letter;
    // Remarks and the length h stand above the plot.
    MARGIN.top = 8 + 1.2 * this.letter;
    this.apart = (this.figure.clientWidth < 320 ? 30 : film.look.apart[0]) * larger;
    // Half of the last label stands beyond the plot.
    MARGIN.right = Math.max(6, this.letter);
    const room = this.figure.clientWidth - MARGIN.left - MARGIN.right;
    const { aspect } = this;
    const width = Math.max(120, Math.floor(Math.min(room, (tall - MARGIN.top - MARGIN.bottom) / aspect)));
    const scale = Math.min(devicePixelRatio || 1, 3);
    Object.assign(this, { width, height: Math.round(width * aspect), scale });
    const outer = [width + MARGIN.left + MARGIN.right, this.height + MARGIN.top + MARGIN.bottom];
    [this.canvas.width, this.canvas.height] = outer.map((v) => Math.round(v * scale));
    [this.canvas.style.width, this.canvas.style.height] = outer.map((v) => `${v}px`);
    this.manner = Math.min(this.terseness(), 2);
    this.stale();
  }

  // The width of the widest label of the vertical axis, up to a limit.
  labels() {
    const pen = this.canvas.getContext("2d");
    pen.font = `${this.letter}px ${FONT}`;
    const widths = ticks(VIEW.y, 8).map(([, label]) => pen.measureText(label).width);
    return film.line ? 0 : Math.min(140, Math.max(0, ...widths));
  }

  // How short the words above the picture must be to stand on one line: in full, in fewer words, or the numbers alone; 3 if not even so.
  terseness() {
    const caption = this.now.parentElement;
    const { fontSize, paddingRight } = getComputedStyle(caption);
    const pen = this.canvas.getContext("2d");
    pen.font = `${fontSize} ${FONT}`;
    const named = caption.querySelector(".name");
    const beside = named && getComputedStyle(caption).display === "flex" ? named.offsetWidth + 16 : 0;
    const room = caption.clientWidth - parseFloat(paddingRight) - beside;
    const { marks, outcome } = this.run;
    const known = [...marks, ...(outcome ? [outcome] : [])].map((mark) => `step ${film.steps}: ${mark.words[0]}`);
    // Of marks that are still to come, how long they may be.
    const said = known.length > 0 ? [known, ...[1, 2].map((k) => marks.map((mark) => `step ${film.steps}: ${mark.words[k]}`))] : [["energy distance 0.00000 · 1000 × the sampling floor"], ["energy distance 0.0000 · 100 × floor"], []];
    const fits = (manner) => said[manner].every((words) => pen.measureText(words).width <= room);
    return [0, 1, 2].find(fits) ?? 3;
  }

  // What was drawn for another size or theme is of no use any more.
  stale() {
    this.sheets = {};
    this.drawnTarget = "";
  }

  // The height of the plot in parts of its width.
  get aspect() {
    return VIEW.height / VIEW.width;
  }

  get unit() {
    return (this.width / VIEW.width) * camera.zoom;
  }

  // The place in the plane of a point of the canvas, in CSS pixels.
  place(x, y) {
    return [
      camera.x + (x - MARGIN.left - this.width / 2) / this.unit,
      camera.y - (y - MARGIN.top - this.height / 2) / this.unit,
    ];
  }

  // From steps of the grid to device pixels.
  projection() {
    const scale = film.grid.step * this.unit * this.scale;
    return {
      scale,
      x: (MARGIN.left + this.width / 2 + (film.grid.middle[0] - camera.x) * this.unit) * this.scale,
      y: (MARGIN.top + this.height / 2 - (film.grid.middle[1] - camera.y) * this.unit) * this.scale,
    };
  }

  draw(state) {
    const context = this.canvas.getContext("2d");
    const at = moment(this.run, state.step);
    const { scale } = this;
    const plot = [MARGIN.left, MARGIN.top, this.width, this.height].map((v) => Math.round(v * scale));
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
    context.fillStyle = palette.paper;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    context.save();
    context.beginPath();
    context.rect(...plot);
    context.clip();
    if (state.show.field && this.run.is_log_ratio) this.field(context, plot, at, state.playing);
    if (state.show.target && !this.above) this.target(context);
    if ((state.show.field || state.show.arrows) && film.field_view && this.known() === "part") this.border(context);
    this.drawn = state.show.arrows ? this.arrows(context, at) : 0;
    if (state.show.mesh) this.mesh(context, at);
    this.below?.(context);
    this.particles(context, at, state);
    if (state.show.target && this.above) this.target(context);
    context.restore();
    this.axes(context, plot);
    if (state.show.field) this.length(context, at);
    this.lost(context, at);
    this.remarks(context, at, state);
    this.tell(state);
  }

  // Dashes around the part of the plane in which the field is known, where more of the plane is seen.
  border(context) {
    const { unit, scale } = this;
    const [x, y] = [
      MARGIN.left + this.width / 2 + (FIELD.x[0] - camera.x) * unit,
      MARGIN.top + this.height / 2 - (FIELD.y[1] - camera.y) * unit,
    ];
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.strokeStyle = palette.muted;
    context.lineWidth = 1;
    context.globalAlpha = 0.8;
    context.setLineDash([5, 4]);
    context.strokeRect(x, y, (FIELD.x[1] - FIELD.x[0]) * unit, (FIELD.y[1] - FIELD.y[0]) * unit);
    context.setLineDash([]);
    context.globalAlpha = 1;
    context.setTransform(1, 0, 0, 1, 0, 0);
  }

  // Whether the field is known in all that is seen, in none of it, or in a part.
  known() {
    const [left, top] = this.place(MARGIN.left, MARGIN.top);
    const [right, bottom] = this.place(MARGIN.left + this.width, MARGIN.top + this.height);
    if (left > FIELD.x[1] || right < FIELD.x[0] || bottom > FIELD.y[1] || top < FIELD.y[0]) return "none";
    const part = (low, high, side) => (Math.min(high, side[1]) - Math.max(low, side[0])) / (high - low);
    return part(left, right, FIELD.x) * part(bottom, top, FIELD.y) < 1 - film.look.unknown ? "part" : "all";
  }

  // Coarser while it moves.
  field(context, [x, y, width, height], at, moving) {
    const part = Math.min(1, (moving ? 440 : 1400) / Math.max(width, height));
    const [across, up] = [width, height].map((v) => Math.max(2, Math.round(v * part)));
    const [left, top] = this.place(MARGIN.left, MARGIN.top);
    const pitch = this.width / this.unit / across;
    const image = this.bands.paint(at, across, up, left, top, pitch);
    context.imageSmoothingQuality = "high";
    context.drawImage(image, x, y, width, height);
  }

  target(context) {
    const { run, layer, scale } = this;
    const { above } = this;
    const key = [camera.x, camera.y, camera.zoom, this.canvas.width, palette.target].join();
    if (this.drawnTarget !== key) {
      layer.width = this.canvas.width;
      layer.height = this.canvas.height;
      const into = layer.getContext("2d");
      const count = run.target.length / 2;
      const dot = film.look.target;
      // Rings above many particles, which hide none of them.
      const dots = new Dots([above ? palette.ink : palette.target], this.radius(dot, count), dot.alpha, false, scale, above);
      const to = this.projection();
      for (let i = 0; i < count; i += 1) {
        if (run.target[i] === NOWHERE) continue;
        dots.stamp(into, 0, to.x + run.target[i] * to.scale, to.y - run.target[count + i] * to.scale);
      }
      this.drawnTarget = key;
    }
    context.drawImage(layer, 0, 0);
  }

  // The radius of a dot among so many. It grows with the view, but less.
  radius(dot, count) {
    const apart = Math.sqrt((this.width * this.height) / Math.max(count, 1));
    return clamp(dot.share * apart, dot.least, dot.most) * Math.min(Math.sqrt(camera.zoom), 3);
  }

  // Arrows of the next move, all on one scale; returns how many.
  arrows(context, [frame, part]) {
    const { run, unit, scale } = this;
    const [across, up] = run.arrow_lattice;
    const count = across * up;
    const spacing = (run.arrow_pitch * (FIELD.x[1] - FIELD.x[0]) * unit) / (run.lattice[0] - 1);
    const look = film.look.arrow;
    // Rows may lie closer than columns: the lattice of the lab spans a view that is wider than tall.
    const rise = (run.arrow_pitch * (FIELD.y[1] - FIELD.y[0]) * unit) / (run.lattice[1] - 1);
    const [stride, lift] = [spacing, rise].map((apart) => Math.max(1, Math.round(look.spacing / apart)));
    const stretched = stretch(run.longest ?? film.longest, unit) * unit;
    const first = (n, every) => ((n - 1) % every) >> 1;
    const from = 2 * count * frame;
    const to = part > 0 ? from + 2 * count : from;
    const [left, bottom] = [FIELD.x[0], FIELD.y[0]];
    const paths = Array.from({ length: 3 }, () => new Path2D());
    let drawn = 0;
    let seats = 0;
    const pitch = run.arrow_pitch;
    for (let row = first(up, lift); row < up; row += lift) {
      for (let column = first(across, stride); column < across; column += stride) {
        const k = row * across + column;
        const along = [k, count + k].map((i) => nextMove(run, from + i) * (1 - part) + nextMove(run, to + i) * part);
        const size = Math.hypot(...along);
        const length = Math.min(stretched * size, look.most * look.spacing);
        if (size > 0) seats += 1;
        const place = row * pitch * run.lattice[0] + column * pitch;
        const weight = run.veils === null ? 1 : run.veils[frame * run.lattice[0] * run.lattice[1] + place] / film.veils;
        if (!(length >= look.least && weight > 0)) continue;
        const path = paths[clamp(Math.ceil(weight * paths.length), 1, paths.length) - 1];
        const x = MARGIN.left + this.width / 2 + (left - camera.x) * unit + column * spacing;
        const y = MARGIN.top + this.height / 2 - (bottom - camera.y) * unit - row * rise;
        arrow(path, x, y, along[0] / size, -along[1] / size, length);
        drawn += 1;
      }
    }
    this.still = drawn <= look.rest * seats;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.fillStyle = palette.ink;
    paths.forEach((path, k) => {
      context.globalAlpha = (look.alpha * (k + 1)) / paths.length;
      context.fill(path);
    });
    context.globalAlpha = 1;
    context.setTransform(1, 0, 0, 1, 0, 0);
    return drawn;
  }

  // A few samples lie above many particles, where they would not be seen.
  get above() {
    return film.look.few * this.run.targets <= this.run.particles;
  }

  // What is written about h, above the plot on the right; empty where it is not known.
  h([frame, part]) {
    const { run } = this;
    // What was when a run failed is no length of now.
    if (run.diverged && panels.length > 1 && frame === run.steps.length - 1) return "";
    return run.blurred && run.scales.length > 0 ? `h = ${number(between(run.scales, frame, part))}` : "";
  }

  // The length h below the upper border of the plot, from its right end, as in the pictures; its name above the plot, or within it.
  length(context, [frame, part], top = MARGIN.top, within = false) {
    const { run, scale } = this;
    const words = this.h([frame, part]);
    if (!words) return;
    const DOWN = 9;
    const room = this.width - 2 * DOWN;
    const length = between(run.scales, frame, part) * this.unit;
    const [right, y] = [MARGIN.left + this.width - DOWN, top + DOWN];
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.strokeStyle = palette.ink;
    context.globalAlpha = 0.85;
    context.lineWidth = 1.3;
    const line = (x0, y0, x1, y1) => {
      context.beginPath();
      context.moveTo(x0, y0);
      context.lineTo(x1, y1);
      context.stroke();
    };
    line(right, y - 3.5, right, y + 3.5);
    if (length <= room) {
      line(right - length, y - 3.5, right - length, y + 3.5);
      line(right - length, y, right, y);
    } else {
      line(right - 0.85 * room, y, right, y);
      context.setLineDash([4, 4]);
      line(right - room, y, right - 0.85 * room, y);
      context.setLineDash([]);
    }
    context.globalAlpha = 1;
    context.fillStyle = palette.muted;
    context.font = `${this.letter}px ${FONT}`;
    context.textAlign = "right";
    context.textBaseline = "alphabetic";
    if (within) context.fillText(words, right, y + 6 + this.letter);
    else context.fillText(words, right + DOWN, top - 6);
    context.setTransform(1, 0, 0, 1, 0, 0);
  }

  // What is left of a run that failed while others go on is greyed, and says so.
  lost(context, [frame]) {
    const { run, scale } = this;
    if (!run.diverged || panels.length < 2 || frame < run.steps.length - 1) return;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.fillStyle = palette.paper;
    context.globalAlpha = film.look.lost;
    context.fillRect(MARGIN.left, MARGIN.top, this.width, this.height);
    context.globalAlpha = 1;
    context.fillStyle = palette.ink;
    context.font = `bold ${Math.min(1.3 * this.letter, this.width / 14)}px ${FONT}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(run.note, MARGIN.left + this.width / 2, MARGIN.top + this.height / 2);
    context.setTransform(1, 0, 0, 1, 0, 0);
  }

  // The colours that particles may have, and which of them each has.
  colours(state, [frame, part]) {
    const { run } = this;
    if (state.colour === "origin") {
      const bytes = palette.dark ? run.dark : run.light;
      if (this.originOf !== bytes) {
        // Neighbouring shades are one colour: no eye tells them apart on a dot.
        const known = new Map();
        this.origin = Uint16Array.from({ length: bytes.length / 3 }, (_, i) => {
          const key = [0, 1, 2].map((c) => Math.min(255, (bytes[3 * i + c] & ~3) + 1)).join();
          if (!known.has(key)) known.set(key, known.size);
          return known.get(key);
        });
        this.originColours = [...known.keys()].map((key) => `rgb(${key})`);
        this.originOf = bytes;
      }
      if (run.origins === null) return [this.originColours, (i) => this.origin[i]];
      // Who descends from nobody in the first cloud has no colour of its own.
      const from = frame * run.shown;
      return [[...this.originColours, palette.ink], (i) => {
        const row = run.origins[from + i];
        return row < 0 ? this.originColours.length : this.origin[row];
      }];
    }
    const colours = palette.ramps[state.colour];
    const top = colours.length - 1;
    if (state.colour === "speed") {
      return [colours, (i) => {
        const v = speed(run, i, frame);
        return Math.round((top * v) / (v + state.typical));
      }];
    }
    const from = frame * run.shown;
    const to = part > 0 ? from + run.shown : from;
    const most = film.fine * (film.bands + 0.5);
    return [colours, (i) => {
      const depth = run.ratio[from + i] * (1 - part) + run.ratio[to + i] * part;
      return Math.round((clamp(depth / most, -1, 1) + 1) / 2 * top);
    }];
  }

  particles(context, at, state) {
    const { run, scale } = this;
    const [frame, part] = at;
    const [colours, which] = this.colours(state, at);
    const { particle, rim } = film.look;
    const radius = this.radius(particle, run.shown);
    const key = `${state.colour} ${radius}`;
    this.sheets = this.sheets[key] ? this.sheets : { [key]: new Dots(colours, radius, particle.alpha, radius > rim.from, scale) };
    const dots = this.sheets[key];
    const to = this.projection();
    if (state.show.trails) this.trails(context, at, colours, which, radius, to);
    const count = run.shown;
    const from = 2 * count * frame;
    const next = part > 0 ? from + 2 * count : from;
    for (let i = 0; i < count; i += 1) {
      const [x0, y0] = [run.cloud[from + i], run.cloud[from + count + i]];
      const [x1, y1] = [run.cloud[next + i], run.cloud[next + count + i]];
      if (x0 === NOWHERE || y0 === NOWHERE) continue;
      const keep = part > 0 && moves(run, i, frame) ? part : 0;
      const width = run.widths === null ? 1 : run.widths[count * frame + i] / 32;
      dots.stamp(context, which(i), to.x + (x0 + (x1 - x0) * keep) * to.scale, to.y - (y0 + (y1 - y0) * keep) * to.scale, width);
    }
    if (run.births !== null) this.flashes(context, at, radius, to);
    this.ring(context, frame, to);
  }

  // Where a cloud has shrunk to a dot: its middle and how wide it is, in the target's units; see `View::core`.
  clump(frame) {
    const core = this.run.cores?.[frame];
    const lost = this.run.diverged && panels.length > 1 && frame === this.run.steps.length - 1;
    return core && !lost && core[2] * this.unit < film.look.clump[0] ? core : null;
  }

  // A ring around such a cloud, which would not be seen.
  ring(context, frame, to) {
    const core = this.clump(frame);
    if (!core) return;
    const [x, y] = [0, 1].map((axis) => (core[axis] - film.grid.middle[axis]) / film.grid.step);
    context.beginPath();
    context.arc(to.x + x * to.scale, to.y - y * to.scale, film.look.clump[1] * this.scale, 0, 2 * Math.PI);
    context.globalAlpha = 0.8;
    context.lineWidth = 1.4 * this.scale;
    context.strokeStyle = palette.ink;
    context.stroke();
    context.globalAlpha = 1;
  }

  // Rings around those who have just been born, fading.
  flashes(context, [frame, part], radius, to) {
    const { run } = this;
    const from = 2 * run.shown * frame;
    const [inner, width, strength] = film.look.birth;
    context.beginPath();
    for (let i = 0; i < run.shown; i += 1) {
      if (!born(run, i, frame)) continue;
      const [x, y] = [run.cloud[from + i], run.cloud[from + run.shown + i]];
      if (x === NOWHERE || y === NOWHERE) continue;
      const [px, py] = [to.x + x * to.scale, to.y - y * to.scale];
      const size = (inner + 0.5 * width + part) * radius * this.scale;
      context.moveTo(px + size, py);
      context.arc(px, py, size, 0, 2 * Math.PI);
    }
    context.globalAlpha = strength * (1 - part);
    context.lineWidth = width * radius * this.scale;
    context.strokeStyle = palette.ink;
    context.stroke();
    context.globalAlpha = 1;
  }

  // The last frames of each particle, fading; lines of the same colour are drawn together.
  trails(context, [frame, part], colours, which, radius, to) {
    const { run } = this;
    const count = run.shown;
    const look = film.look.trail;
    const every = Math.ceil(count / look.most);
    const groups = new Map();
    const like = this.coarse(colours);
    for (let i = 0; i < count; i += every) {
      const colour = like[which(i)];
      if (!groups.has(colour)) groups.set(colour, []);
      groups.get(colour).push(i);
    }
    context.lineWidth = this.scale;
    context.lineJoin = "round";
    // Three parts, each as strong as its middle.
    const ages = [[1, 2 / 3], [2 / 3, 1 / 3], [1 / 3, 0]].map((ends) => {
      const middle = 1 - (ends[0] + ends[1]) / 2;
      return [...ends.map((part) => Math.round(part * look.frames)), look.alpha[0] + (look.alpha[1] - look.alpha[0]) * middle];
    });
    for (const [colour, members] of groups) {
      context.strokeStyle = colours[colour];
      for (const [oldest, newest, alpha] of ages) {
        const begin = Math.max(0, frame - oldest);
        const end = Math.max(0, frame - newest);
        context.globalAlpha = alpha;
        context.beginPath();
        for (const i of members) {
          let pen = false;
          const go = (x, y) => {
            if (x === NOWHERE || y === NOWHERE) return;
            const [px, py] = [to.x + x * to.scale, to.y - y * to.scale];
            if (pen) context.lineTo(px, py);
            else context.moveTo(px, py);
            pen = true;
          };
          for (let k = Math.max(begin, alive(run, i, frame, begin)); k <= end; k += 1) {
            const at = 2 * count * k + i;
            go(run.cloud[at], run.cloud[at + count]);
          }
          if (newest === 0 && part > 0 && moves(run, i, frame)) {
            const at = 2 * count * frame + i;
            const [x0, y0] = [run.cloud[at], run.cloud[at + count]];
            const [x1, y1] = [run.cloud[at + 2 * count], run.cloud[at + 3 * count]];
            if (x1 !== NOWHERE && y1 !== NOWHERE) go(x0 + (x1 - x0) * part, y0 + (y1 - y0) * part);
          }
        }
        context.stroke();
      }
    }
    context.globalAlpha = 1;
  }

  // Pairs of particles that began as neighbours: of each cell of a lattice over the first cloud the particle nearest to its
  // middle, joined to those of the cells beside and above. With each pair how far apart they were.
  weave() {
    const { run } = this;
    const count = run.shown;
    const moments = [0, 1].map((axis) => {
      const along = Array.from(run.cloud.subarray(axis * count, (axis + 1) * count)).filter((v) => v !== NOWHERE);
      const mean = along.reduce((sum, v) => sum + v, 0) / Math.max(along.length, 1);
      return [mean, Math.sqrt(along.reduce((sum, v) => sum + (v - mean) ** 2, 0) / Math.max(along.length, 1)) || 1];
    });
    const pitch = clamp(KNOTS / Math.sqrt(count), 0.12, 0.7);
    const knots = new Map();
    const name = (column, row) => `${column} ${row}`;
    for (let i = 0; i < count; i += 1) {
      const place = [0, 1].map((axis) => (run.cloud[axis * count + i] - moments[axis][0]) / (pitch * moments[axis][1]));
      const [column, row] = place.map(Math.round);
      const far = Math.hypot(place[0] - column, place[1] - row);
      const known = knots.get(name(column, row));
      if (run.cloud[i] !== NOWHERE && (!known || far < known.far)) knots.set(name(column, row), { i, far, column, row });
    }
    const threads = [];
    for (const { i, column, row } of knots.values()) {
      for (const other of [knots.get(name(column + 1, row)), knots.get(name(column, row + 1))]) {
        if (!other) continue;
        const j = other.i;
        threads.push([i, j, Math.hypot(run.cloud[j] - run.cloud[i], run.cloud[count + j] - run.cloud[count + i]) || 1]);
      }
    }
    return threads;
  }

  // The threads of the mesh, fainter the more they are stretched: where the map tears, they are many and long.
  mesh(context, [frame, part]) {
    const { run, scale } = this;
    this.threads ??= this.weave();
    const to = this.projection();
    const count = run.shown;
    const from = 2 * count * frame;
    const next = part > 0 ? from + 2 * count : from;
    const at = (k) => {
      const [now, then] = [run.cloud[from + k], run.cloud[next + k]];
      return then === NOWHERE ? now : now + (then - now) * part;
    };
    const [tight, slack, torn] = [new Path2D(), new Path2D(), new Path2D()];
    this.ends ??= this.threads.map(([i, j]) => Math.min(firstBirth(run, i), firstBirth(run, j)));
    const last = frame + (part > 0 ? 1 : 0);
    for (const [k, [i, j, apart]] of this.threads.entries()) {
      // A thread ends with the first of its particles that dies.
      if (this.ends[k] <= last) continue;
      const [x0, y0, x1, y1] = [at(i), at(count + i), at(j), at(count + j)];
      if ([x0, y0, x1, y1].includes(NOWHERE)) continue;
      const stretch = Math.hypot(x1 - x0, y1 - y0) / apart;
      const path = stretch < 3 ? tight : stretch < 8 ? slack : torn;
      path.moveTo(to.x + x0 * to.scale, to.y - y0 * to.scale);
      path.lineTo(to.x + x1 * to.scale, to.y - y1 * to.scale);
    }
    context.strokeStyle = palette.ink;
    context.lineWidth = 1.1 * scale;
    for (const [path, alpha] of [[torn, 0.16], [slack, 0.32], [tight, 0.6]]) {
      context.globalAlpha = alpha;
      context.stroke(path);
    }
    context.globalAlpha = 1;
  }

  // For each colour the first that looks like it: there are few enough of these to draw line by line.
  coarse(colours) {
    if (this.coarseOf !== colours) {
      const known = new Map();
      this.like = colours.map((colour, k) => {
        const channels = colour.startsWith("#") ? rgb(colour) : colour.match(/\d+/g);
        const key = channels.map((c) => c >> 5).join();
        if (!known.has(key)) known.set(key, k);
        return known.get(key);
      });
      this.coarseOf = colours;
    }
    return this.like;
  }

  axes(context, [x, y, width, height]) {
    const { scale } = this;
    context.strokeStyle = palette.faint;
    context.lineWidth = Math.max(1, Math.round(scale));
    const half = context.lineWidth / 2;
    context.strokeRect(x - half, y - half, width + 2 * half, height + 2 * half);
    context.fillStyle = palette.muted;
    context.font = `${this.letter * scale}px ${FONT}`;
    const [left, top] = this.place(MARGIN.left, MARGIN.top);
    const [right, bottom] = this.place(MARGIN.left + this.width, MARGIN.top + this.height);
    const mark = (x0, y0, dx, dy) => {
      context.beginPath();
      context.moveTo(x0, y0);
      context.lineTo(x0 + dx, y0 + dy);
      context.stroke();
    };
    context.textAlign = "center";
    context.textBaseline = "top";
    const { apart } = this;
    const wide = (label) => context.measureText(label).width / scale;
    for (const [value, label] of ticksAcross([left, right], this.width, apart, wide)) {
      const px = x + ((value - left) / (right - left)) * width;
      mark(px, y + height, 0, 4 * scale);
      context.fillText(label, px, y + height + 8 * scale);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const [value, label] of ticks([bottom, top], this.height / apart)) {
      const py = y + ((top - value) / (top - bottom)) * height;
      mark(x, py, -4 * scale, 0);
      context.fillText(label, x - 8 * scale, py);
    }
  }

  // What the picture itself does not show: how the run ended, who is outside the view, who is left out, where the field is not known.
  lines([frame, part], state) {
    const { run } = this;
    const lines = [];
    const over = frame === run.steps.length - 1;
    const failed = over && run.diverged && panels.length > 1;
    if (over && run.note && !failed) lines.push(run.note);
    else if (!run.note && state.step > run.steps.at(-1)) lines.push(`ended at step ${run.steps.at(-1)}`);
    const limit = [VIEW.width, VIEW.height].map((v) => v / 2 / film.grid.step);
    const count = run.shown;
    const next = part > 0 ? 2 * count : 0;
    const cloud = { nowhere: 0, outside: 0, far: 0, all: count };
    for (let i = 2 * count * frame; i < 2 * count * frame + count; i += 1) {
      const keep = part > 0 && moves(run, i - 2 * count * frame, frame) ? part : 0;
      where(cloud, limit, ...[i, i + count].map((k) => run.cloud[k] + (keep > 0 ? keep * (run.cloud[k + next] - run.cloud[k]) : 0)));
    }
    const told = film.field_view ? run.target.length / 2 : 0;
    this.strays ??= Array.from({ length: told }, (_, i) => i)
      .reduce((found, i) => where(found, limit, run.target[i], run.target[told + i]), { nowhere: 0, outside: 0, far: 0, all: told });
    for (const [found, of, shown, all] of [[cloud, "particle", count, run.particles], [this.strays, "target sample", told, run.targets]]) {
      // Of a part of the points, as many as that makes of all.
      const counted = (n) => {
        const whole = Math.round((n * all) / shown);
        return `${shown < all ? "about " : ""}${whole} ${of}${whole === 1 ? "" : "s"}`;
      };
      if (found.nowhere > 0) lines.push(`${counted(found.nowhere)} not finite`);
      if (camera.zoom === 1 && (found.far > 0 || found.outside * film.look.news > found.all)) {
        lines.push(`${counted(found.outside)} ${found.far === found.outside ? "far " : ""}outside`);
      }
    }
    if (run.shown < run.particles) lines.push(`${run.shown} of ${run.particles} shown`);
    const core = film.line ? null : this.clump(frame);
    if (core) lines.push(`95 % within ${number(core[2])}`);
    if (state.show.field && !run.is_log_ratio && panels.some((panel) => panel.run.is_log_ratio)) lines.push("no log p/q");
    const still = state.show.arrows && this.still && !failed && this.known() !== "none" && !film.line;
    if (state.show.field && run.is_log_ratio && this.unresolved(frame)) lines.push("h finer than the field recorded");
    else if (still) lines.push(this.slow(frame));
    else if (run.longest !== undefined && panels.length > 1 && state.show.arrows) lines.push(`arrows ${times(stretch(run.longest, this.unit)).replace("its", "their")}`);
    const layers = ["field", "arrows"].filter((name) => state.show[name]).join(" and ");
    if (layers && film.field_view && !film.line && this.known() !== "all") {
      lines.push(this.known() === "part" ? `${layers} recorded within the dashes alone` : `no ${layers.replace("and", "or")} recorded here`);
    }
    return lines;
  }

  // Whether the field of a frame is finer than the lattice on which it was asked for, so that nothing of it can be drawn.
  unresolved(frame) {
    const pitch = (FIELD.x[1] - FIELD.x[0]) / (this.run.lattice[0] - 1);
    return !film.line && this.run.scales[frame] > 0 && pitch > film.look.finest * this.run.scales[frame];
  }

  // How long the moves are that are too short for arrows, or for more than a few; of one of several runs in fewer words. See `moves` in blur.rs.
  slow(frame) {
    const { run } = this;
    const most = this.drawn > 0;
    const why = panels.length > 1 ? (most ? ", few arrows" : ", no arrows") : `, ${most ? "most " : ""}too short for arrows`;
    const pace = run.paces?.[frame];
    if (pace === undefined) return `${most ? "most " : ""}moves too short for arrows`;
    if (!(run.blurred && run.scales[frame] > 0)) return `moves of ${number(pace)}${why}`;
    const part = pace / run.scales[frame];
    return `moves ${part < 0.001 ? "below 0.001 h" : `of ${number(part)} h`}${why}`;
  }

  // The remarks above the plot; those for which there is no room, on it.
  remarks(context, at, state) {
    const { scale } = this;
    const lines = this.lines(at, state);
    context.font = `${this.letter * scale}px ${FONT}`;
    context.textAlign = "left";
    context.textBaseline = "alphabetic";
    context.fillStyle = palette.ink;
    const taken = state.show.field && !film.line ? context.measureText(this.h(at)).width : 0;
    const fits = (count) => context.measureText(lines.slice(0, count).join(" · ")).width + taken + 14 * scale < this.width * scale;
    let above = lines.length;
    while (above > 0 && !fits(above)) above -= 1;
    context.fillText(lines.splice(0, above).join(" · "), MARGIN.left * scale, (MARGIN.top - 6) * scale);
    // Small enough to hide little of a small picture.
    const letter = Math.min(this.letter, Math.max(inFull() ? 0.8 * this.letter : 9, this.width / 30));
    context.font = `${letter * scale}px ${FONT}`;
    context.textBaseline = "middle";
    const lower = film.line ? 1.2 * this.letter : 0;
    // In a hall, where letters are large, how long moves are is not worth a place on one of several pictures.
    const worth = inFull() && panels.length > 1 ? lines.filter((line) => !line.startsWith("moves ")) : lines;
    worth.forEach((line, k) => {
      const tall = 1.65 * letter;
      const [x, y] = [(MARGIN.left + 10) * scale, (MARGIN.top + lower + 10 + (tall + 3) * k) * scale];
      context.globalAlpha = 0.82;
      context.fillStyle = palette.paper;
      context.fillRect(x, y, context.measureText(line).width + 14 * scale, tall * scale);
      context.globalAlpha = 1;
      context.fillStyle = palette.ink;
      context.fillText(line, x + 7 * scale, y + (tall / 2 + 0.5) * scale);
    });
  }

  // Where the cloud stands, above the picture, as it was last measured; above the last cloud the verdict. Where there is
  // little room, in fewer words.
  tell(state) {
    const { steps, measured, marks, outcome } = this.run;
    const over = outcome !== null && state.step >= steps.at(-1);
    const row = measured.findLastIndex((step) => step <= state.step);
    const now = over ? outcome : marks[row];
    if (now === undefined) return;
    const [frame] = moment(this.run, state.step);
    // What was measured before this moment does not say where the cloud is now.
    const at = over ? steps.at(-1) : measured[row];
    const since = at === (over ? Math.max(at, Math.floor(state.step + 1e-9)) : steps[frame]) ? "" : `step ${at}: `;
    const words = since + now.words[this.manner];
    if (this.now.textContent !== words) this.now.textContent = words;
    this.now.classList.toggle("arrived", now.arrived);
  }
}

// Counts a point, in steps of the grid: nowhere, outside of these limits, or further outside than the picture is wide.
function where(found, limit, x, y) {
  if (x === NOWHERE || y === NOWHERE) found.nowhere += 1;
  else if (Math.abs(x) > limit[0] || Math.abs(y) > limit[1]) {
    found.outside += 1;
    if (Math.abs(x) > 3 * limit[0] || Math.abs(y) > 3 * limit[1]) found.far += 1;
  }
  return found;
}

// A part of the next move at a place of the arrows, in the target's units; see `Stage::arrows` in film.rs.
function nextMove(run, place) {
  const root = run.arrows[place] / 127;
  return Math.sign(root) * root * root * (run.most ?? film.most);
}

// A number for each frame, between two of them.
const between = (values, frame, part) => values[frame] + (part > 0 ? part * (values[frame + 1] - values[frame]) : 0);

// How much longer than moves arrows are, at so many pixels a unit: 1, 2 or 5 times a power of ten, so that the longest has room.
function stretch(longest, unit) {
  const { spacing, longest: share, seen } = film.look.arrow;
  const room = (share * spacing) / (longest * unit);
  if (!(longest * unit > seen && room > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(room));
  return [5, 2, 1].find((factor) => factor * power <= room * (1 + 1e-9)) * power || power;
}

// The same in words.
function times(factor) {
  const whole = (v) => String(Math.round(v));
  if (factor === 1) return "at its length";
  if (factor > 1) return `drawn × ${factor < 1e6 ? whole(factor) : number(factor)}`;
  return factor >= 1e-6 ? `drawn × 1/${whole(1 / factor)}` : `drawn × ${number(factor)}`;
}

// What the bands are and how long arrows are, below the panels.
function tellScales(at) {
  const known = panels.filter(({ run }) => run.is_log_ratio);
  const blurred = known.length > 0 && known.every(({ run }) => run.blurred && run.scales.length > 0);
  const h = blurred && known.length === 1 ? between(known[0].run.scales, ...moment(known[0].run, at)) : null;
  const ratio = known.length === 0 ? "no log p/q: a field of moves alone"
    : !blurred ? (known.some((panel) => panel.run.blurred && panel.run.scales.length > 0) ? "log p/q as estimated; with h, both blurred" : "log p/q as estimated")
      : `log p/q, both blurred by ${h === null ? "h of the panel" : `h = ${number(h)}`}`;
  const blank = document.querySelector(".key .blank");
  if (blank) blank.hidden = known.every((panel) => panel.unresolved(moment(panel.run, at)[0]));
  const key = document.querySelector('[data-key="arrows"]');
  if (key) key.style.visibility = panels.some((panel) => panel.drawn > 0) ? "" : "hidden";
  const arrows = times(stretch(Math.max(...panels.map(({ run }) => run.longest ?? film.longest)), panels[0].unit));
  for (const [id, words] of [["ratio-words", ratio], ["arrow-words", arrows]]) {
    if ($(id) && $(id).textContent !== words) $(id).textContent = words;
  }
}

// The outline of an arrow, its middle at (x, y), along the unit vector (dx, dy).
function arrow(path, x, y, dx, dy, length) {
  const look = film.look.arrow;
  const head = clamp(look.head[0] * length, look.head[1], look.head[2]);
  const shaft = Math.min(look.shaft[1], look.shaft[0] * length);
  const wing = look.wing * head;
  const corners = [[0, shaft], [length - head, shaft], [length - head, wing], [length, 0],
    [length - head, -wing], [length - head, -shaft], [0, -shaft]];
  corners.forEach(([along, aside], k) => {
    const px = x + (along - length / 2) * dx - aside * dy;
    const py = y + (along - length / 2) * dy + aside * dx;
    if (k === 0) path.moveTo(px, py);
    else path.lineTo(px, py);
  });
  path.closePath();
}

