// The reel: what was seen of a run, as the stage draws it. When it is full every second moment is forgotten, so that all of the run can be seen again.
const MOMENTS = 240;
// Numbers that the moments of a run hold at most, as far as there are enough of them.
const NUMBERS = 8e6;

// Of more particles an even part is shown.
const SHOWN = 5000;
const EDGES = film.edges.map(Math.log);

// Where a log ratio lies among the bands, as in the pictures: edges at ±1, ±2, …
function depth(value) {
  const size = Math.abs(value);
  let inner = 0;
  for (let passed = 0; passed < EDGES.length; passed += 1) {
    const edge = EDGES[passed];
    if (size < edge) return Math.sign(value) * (passed + (size - inner) / (edge - inner));
    inner = edge;
  }
  return Math.sign(value) * (EDGES.length + Math.min(size - inner, 2));
}

// The colours that particles keep: by where they started, in standard deviations of the first cloud along each axis.
function originColours(start, shades) {
  const count = start.length / 2;
  const side = Math.sqrt(shades.length / 3);
  const moments = [0, 1].map((axis) => {
    let [sum, squares] = [0, 0];
    for (let i = 0; i < count; i += 1) sum += start[2 * i + axis];
    const mean = sum / count;
    for (let i = 0; i < count; i += 1) squares += (start[2 * i + axis] - mean) ** 2;
    return [mean, Math.sqrt(squares / count) || 1];
  });
  const bytes = new Uint8Array(3 * count);
  for (let i = 0; i < count; i += 1) {
    const [u, v] = [0, 1].map((axis) => {
      const place = (start[2 * i + axis] - moments[axis][0]) / moments[axis][1];
      return clamp(Math.round((place / film.reach + 1) / 2 * (side - 1)), 0, side - 1);
    });
    for (let c = 0; c < 3; c += 1) bytes[3 * i + c] = shades[3 * (v * side + u) + c];
  }
  return bytes;
}

const halves = (from, count, stride = 1) => {
  const parts = new Float32Array(2 * count);
  for (let i = 0; i < count; i += 1) {
    parts[i] = from[2 * i * stride] - film.grid.middle[0];
    parts[count + i] = from[2 * i * stride + 1] - film.grid.middle[1];
  }
  return parts;
};

// A run as the stage knows it (see film.js), which grows.
class Reel {
  // The colours of its particles may be those of an earlier reel; else they are given by the first cloud.
  constructor(name, target, particles, lattice, { light = null, dark = null } = {}) {
    const stride = Math.ceil(particles / SHOWN);
    const count = Math.floor(particles / stride);
    const places = lattice[0] * lattice[1];
    const [across, up] = lattice.map((n) => Math.ceil(n / 2));
    const room = 4 * Math.round(clamp(NUMBERS / (8 * count), 24, MOMENTS) / 4);
    Object.assign(this, {
      name, note: "", room, particles, stride, shown: count, steps: [], times: [],
      lattice, arrow_lattice: [across, up], arrow_pitch: 2,
      cloud: new Float32Array(2 * count * room),
      ratio: new Float32Array(count * room),
      field: new Float32Array(places * room),
      arrows: new Float32Array(2 * across * up * room),
      target: halves(target, target.length / 2),
      light, dark,
      veils: new Float32Array(places * room), is_log_ratio: true, scales: [],
      births: null, origins: null, widths: null, longest: 0, most: 1,
      measured: [], series: [], marks: [], outcome: null,
      frames: [],
    });
    if (stride > 1) this.descended();
  }

  // Whose colour a particle has: that of its own row until somebody is born.
  descended() {
    this.origins ??= Int32Array.from({ length: this.shown * this.room }, (_, i) => (i % this.shown) * this.stride);
  }

  get last() {
    return this.frames.at(-1);
  }

  // Adds a moment. `field` and `ratio` may be those of an earlier one, where D has not been fitted yet.
  add(step, frame, drawn = frame) {
    // Who goes back begins again from there.
    while (this.steps.length > 0 && this.steps.at(-1) >= step) this.drop();
    if (this.steps.length === this.room) this.thin();
    this.light ??= originColours(frame.cloud, film.light.origins);
    this.dark ??= originColours(frame.cloud, film.dark.origins);
    const k = this.steps.length;
    const { shown } = this;
    this.steps.push(step);
    this.times.push(frame.time);
    this.frames.push(frame);
    const { stride } = this;
    this.cloud.set(halves(frame.cloud, shown, stride), 2 * shown * k);
    for (let i = 0; i < shown; i += 1) this.ratio[shown * k + i] = frame.is_log_ratio ? depth(drawn.ratio[i * stride]) : 0;
    const places = this.lattice[0] * this.lattice[1];
    if (drawn.field) {
      for (let i = 0; i < places; i += 1) this.field[places * k + i] = frame.is_log_ratio ? depth(drawn.field[i]) : 0;
      this.veil(drawn.scale, k);
      this.draw(drawn.arrows, drawn.epsilon, k);
    } else {
      this.field.fill(0, places * k, places * (k + 1));
      this.veils.fill(0, places * k, places * (k + 1));
      this.draw(new Float64Array(2 * places), 0, k);
    }
    this.is_log_ratio = frame.is_log_ratio;
    this.descend(frame, k);
  }

  // How far the field counts at each place of moment k: in full within its scale of a point, and not at all from twice that on, as in pictures.
  veil(scale, k) {
    const [columns, rows] = this.lattice;
    // Columns and rows have distances of their own, since a view is seldom square.
    const [across, up] = [VIEW.width / (columns - 1), VIEW.height / (rows - 1)];
    const reach = Math.max(scale, across, up);
    const taken = new Uint8Array(columns * rows);
    const mark = (places, from, count) => {
      for (let i = from; i < from + count; i += 1) {
        const column = Math.round((places[i] + film.grid.middle[0] - VIEW.x[0]) / across);
        const row = Math.round((places[i + count] + film.grid.middle[1] - VIEW.y[0]) / up);
        if (column >= 0 && row >= 0 && column < columns && row < rows) taken[row * columns + column] = 1;
      }
    };
    mark(this.cloud, 2 * this.shown * k, this.shown);
    mark(this.target, 0, this.target.length / 2);
    // Along each row first; then the nearest over all rows, by Pythagoras.
    const beside = new Float32Array(columns * rows).fill(Infinity);
    for (let row = 0; row < rows; row += 1) {
      for (let other = 0; other < columns; other += 1) {
        if (!taken[row * columns + other]) continue;
        for (let column = 0; column < columns; column += 1) {
          const place = row * columns + column;
          beside[place] = Math.min(beside[place], (across * (other - column)) ** 2);
        }
      }
    }
    for (let place = 0; place < columns * rows; place += 1) {
      const [column, row] = [place % columns, Math.floor(place / columns)];
      let nearest = Infinity;
      for (let other = 0; other < rows; other += 1) nearest = Math.min(nearest, (up * (other - row)) ** 2 + beside[other * columns + column]);
      this.veils[columns * rows * k + place] = film.veils * clamp(2 - Math.sqrt(nearest) / reach, 0, 1);
    }
  }

  // The next moves at every second place of the lattice, as `Stage::arrows` in film.rs has them.
  draw(arrows, epsilon, k) {
    const [columns, rows] = this.lattice;
    const [across, up] = this.arrow_lattice;
    const sizes = [];
    for (let i = 0; i < columns * rows; i += 3) {
      if (this.veils[columns * rows * k + i] >= film.veils / 2) sizes.push(epsilon * Math.hypot(arrows[2 * i], arrows[2 * i + 1]));
    }
    const longest = sizes.sort((a, b) => a - b)[Math.floor(0.98 * (sizes.length - 1))] || 0;
    this.longest = Math.max(this.longest, longest);
    const count = across * up;
    for (let row = 0; row < up; row += 1) {
      for (let column = 0; column < across; column += 1) {
        const from = 2 * (2 * row * columns + 2 * column);
        const to = 2 * count * k + row * across + column;
        const root = (v) => 127 * Math.sign(v) * Math.sqrt(Math.abs(epsilon * v));
        this.arrows[to] = root(arrows[from]);
        this.arrows[to + count] = root(arrows[from + 1]);
      }
    }
  }

  descend(frame, k) {
    const { shown, stride } = this;
    if (frame.born) {
      this.births ??= new Uint8Array(shown * this.room);
      this.descended();
      for (let i = 0; i < shown; i += 1) {
        this.births[shown * k + i] = frame.born[i * stride];
        this.origins[shown * k + i] = frame.origins[i * stride];
      }
    } else if (this.births) {
      this.births.fill(0, shown * k, shown * (k + 1));
    }
    if (frame.shares?.length > 0) {
      this.widths ??= new Uint8Array(shown * this.room).fill(32);
      for (let i = 0; i < shown; i += 1) this.widths[shown * k + i] = Math.min(255, Math.round(32 * Math.sqrt(frame.shares[i * stride])));
    } else if (this.widths) {
      this.widths.fill(32, shown * k, shown * (k + 1));
    }
  }

  drop() {
    this.steps.pop();
    this.times.pop();
    this.frames.pop();
  }

  thin() {
    const strides = [[this.cloud, 2 * this.shown], [this.ratio, this.shown], [this.field, this.lattice[0] * this.lattice[1]], [this.veils, this.lattice[0] * this.lattice[1]],
      [this.arrows, 2 * this.arrow_lattice[0] * this.arrow_lattice[1]], [this.origins, this.shown], [this.widths, this.shown]];
    const half = this.room / 2;
    if (this.births) {
      for (let k = 1; k < half; k += 1) {
        for (let i = 0; i < this.shown; i += 1) {
          this.births[k * this.shown + i] = this.births[2 * k * this.shown + i] | this.births[(2 * k - 1) * this.shown + i];
        }
      }
    }
    for (const [values, stride] of strides) {
      if (!values) continue;
      for (let k = 1; k < half; k += 1) values.copyWithin(k * stride, 2 * k * stride, (2 * k + 1) * stride);
    }
    const even = (_, k) => k % 2 === 0;
    for (const list of ["steps", "times", "frames"]) this[list] = this[list].filter(even);
    // Of what is long gone the pictures are enough.
    this.frames.forEach((frame, k) => {
      if (k < half - 2) this.frames[k] = { ...frame, field: null, arrows: null, velocity: null };
    });
  }
}
