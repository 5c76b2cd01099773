// The film: what Rust packed (see pack.rs) as arrays of numbers.
const film = JSON.parse($("film").textContent);

async function inflate(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// The arrays wrap around, as the differences did.
function unfold(bytes, values, stride, folded) {
  for (let k = 0; k < values.length; k += 1) {
    const change = (folded(bytes, k) >>> 1) ^ -(folded(bytes, k) & 1);
    values[k] = change + (k < stride ? 0 : values[k - stride]);
  }
  return values;
}

const wide = async (blob, stride) => {
  const bytes = await inflate(film.blobs[blob]);
  const count = bytes.length / 2;
  return unfold(bytes, new Int16Array(count), stride, (b, k) => b[k] | (b[count + k] << 8));
};

const narrow = async (blob, stride) => {
  const bytes = await inflate(film.blobs[blob]);
  return unfold(bytes, new Int8Array(bytes.length), stride, (b, k) => b[k]);
};

const NOWHERE = -32768;

async function unpack(run) {
  const places = (shape) => shape[0] * shape[1];
  const [cloud, ratio, field, arrows, veils, target, light, dark, births, origins, widths, moves, misses] = await Promise.all([
    wide(run.cloud, 2 * run.shown),
    narrow(run.ratio, run.shown),
    wide(run.field, places(run.lattice)),
    narrow(run.arrows, 2 * places(run.arrow_lattice)),
    run.veils === undefined ? null : narrow(run.veils, places(run.lattice)),
    // One frame only: nothing to subtract.
    wide(run.target, Infinity),
    inflate(film.blobs[run.light]),
    inflate(film.blobs[run.dark]),
    run.births === undefined ? null : inflate(film.blobs[run.births]),
    run.origins === undefined ? null : wide(run.origins, run.shown),
    run.widths === undefined ? null : inflate(film.blobs[run.widths]),
    // These two are not alike from frame to frame.
    ...["moves", "misses"].map((name) => (run[name] === undefined ? null : wide(run[name], Infinity))),
  ]);
  const after = (places, steps) => steps && places.map((v, k) => (v === NOWHERE ? NOWHERE : clamp(v + film.coarse * steps[k], -32767, 32767)));
  const moved = after(cloud, moves);
  const drawn = after(moved, misses);
  return { ...run, cloud, ratio, field, arrows, veils, target, light, dark, births, origins, widths, moved, drawn };
}

// How far particle i goes from a frame to the next, in the target's units; Infinity where it is nowhere at one of them.
function leap(run, i, frame) {
  const a = 2 * run.shown * frame + i;
  const b = a + 2 * run.shown;
  const [x, y, u, v] = [run.cloud[a], run.cloud[a + run.shown], run.cloud[b], run.cloud[b + run.shown]];
  return [x, y, u, v].includes(NOWHERE) ? Infinity : Math.hypot(u - x, v - y) * film.grid.step;
}

// Further than the field is smooth nobody knows which way a particle went.
const reach = (run, frame) => (run.scales.length > 0 ? run.scales[frame] : Infinity);

// Whether particle i can be shown between a frame and the next: it is the same one, and has gone no further than the field is smooth.
function moves(run, i, frame) {
  const far = leap(run, i, frame);
  return far < Infinity && far <= reach(run, frame) && !born(run, i, frame + 1);
}

// Whether so many particles leap after a frame that nothing is known of the way to the next; then the frame itself is shown.
function leaps(run, frame) {
  if (!run.leaping) run.leaping = new Map();
  if (!run.leaping.has(frame)) {
    let far = 0;
    const limit = reach(run, frame);
    for (let i = 0; i < run.shown; i += 1) if (!born(run, i, frame + 1) && leap(run, i, frame) > limit) far += 1;
    run.leaping.set(frame, far * film.look.news > run.shown);
  }
  return run.leaping.get(frame);
}

// Where a step lies among the frames of a run: a frame, and the part of the way to the next; 0 where that is not known.
function moment(run, step) {
  const { steps } = run;
  const last = steps.length - 1;
  if (step >= steps[last]) return [last, 0];
  if (step <= steps[0]) return [0, 0];
  let frame = 0;
  for (let high = last; high - frame > 1;) {
    const middle = (frame + high) >> 1;
    if (steps[middle] <= step) frame = middle;
    else high = middle;
  }
  if (leaps(run, frame)) return [frame, 0];
  return [frame, clamp((step - steps[frame]) / (steps[frame + 1] - steps[frame]), 0, 1)];
}

// Whether particle i was born between the frame before and this one: then it has not moved here from where its row was.
const born = (run, i, frame) => run.births !== null && frame > 0 && run.births[frame * run.shown + i] === 1;

// The first frame, from `oldest` on, since which particle i of a frame has lived.
function alive(run, i, frame, oldest) {
  let from = frame;
  while (from > oldest && !born(run, i, from)) from -= 1;
  return from;
}

// The first frame at which the row of particle i was given to one that was born; Infinity if it never was.
function firstBirth(run, i) {
  for (let frame = 1; frame < run.steps.length; frame += 1) if (born(run, i, frame)) return frame;
  return Infinity;
}

// Mean speed of particle i between a frame and the next, in the target's units; of the last frame, before it.
function speed(run, i, frame) {
  const from = Math.max(0, Math.min(frame, run.steps.length - 2));
  const time = run.times[from + 1] - run.times[from];
  if (!(time > 0) || born(run, i, from + 1)) return 0;
  const a = 2 * run.shown * from + i;
  const b = a + 2 * run.shown;
  const far = Math.hypot(run.cloud[b] - run.cloud[a], run.cloud[b + run.shown] - run.cloud[a + run.shown]);
  return (far * film.grid.step) / time;
}

// Half of all particles at all times are slower.
function typicalSpeed(runs) {
  const seen = [];
  for (const run of runs) {
    const stride = Math.max(1, Math.ceil((run.shown * run.steps.length) / 20000));
    for (let k = 0; k < run.shown * (run.steps.length - 1); k += stride) {
      seen.push(speed(run, k % run.shown, Math.floor(k / run.shown)));
    }
  }
  seen.sort((a, b) => a - b);
  return seen[seen.length >> 1] || 1;
}

// A number to three significant digits, as in the pictures.
const superscript = (n) => String(n).replace(/./g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);

// With so many digits behind the point; halfway between two, to the even one, as Rust does.
function fixed(size, places) {
  const whole = size * 10 ** places;
  const even = whole % 1 === 0.5 && Math.floor(whole) % 2 === 0;
  return (even ? Math.floor(whole) / 10 ** places : size).toFixed(places);
}

function number(value) {
  if (value === null || Number.isNaN(value)) return "not a number";
  const sign = value < 0 ? "−" : "";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size === Infinity) return `${sign}∞`;
  const [digits, exponent] = size.toExponential(2).split("e");
  return exponent >= -3 && exponent < 5
    ? sign + fixed(size, Math.max(0, 2 - exponent))
    : `${sign}${digits} × 10${superscript(Number(exponent))}`;
}

// Where a measure of a run stood when it was last taken, at a step or before.
function measure(run, chart, step) {
  const { values, floor } = run.series[chart];
  if (values.length === 0 || step < run.measured[0]) return null;
  let row = 0;
  while (row + 1 < run.measured.length && run.measured[row + 1] <= step) row += 1;
  const value = values[row];
  const arrived = floor !== null && value !== null
    && (floor.low === null || value >= floor.low) && (floor.high === null || value <= floor.high);
  return { value, arrived, floor, at: run.measured[row] };
}

