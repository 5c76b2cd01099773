// Densities as lines of equal height: points binned on a lattice and smoothed by a Gaussian.
const BINS = 61;
// A deviation of a bin and a half, to three of them.
const BLUR = Array.from({ length: 9 }, (_, k) => Math.exp(-((k - 4) ** 2) / 4.5)).map((weight, _, all) => weight / all.reduce((sum, one) => sum + one, 0));
// Heights of the lines, as parts of the greatest density of the target.
const HEIGHTS = [0.1, 0.35, 0.65];

// The density of `count` points on the lattice over the view, in parts of all points a bin.
function density(count, x, y) {
  const bins = new Float32Array(BINS * BINS);
  for (let i = 0; i < count; i += 1) {
    const column = Math.round(((x(i) - VIEW.x[0]) / VIEW.width) * (BINS - 1));
    const row = Math.round(((y(i) - VIEW.y[0]) / VIEW.height) * (BINS - 1));
    if (column >= 0 && row >= 0 && column < BINS && row < BINS) bins[row * BINS + column] += 1 / count;
  }
  return smooth(smooth(bins, 1, BINS), BINS, 1);
}

// Smoothed along lines whose places lie `along` apart, the lines `across`.
function smooth(bins, along, across) {
  const smoothed = new Float32Array(bins.length);
  for (let line = 0; line < BINS; line += 1) {
    for (let at = 0; at < BINS; at += 1) {
      let sum = 0;
      for (let k = Math.max(0, 4 - at); k < Math.min(9, BINS + 4 - at); k += 1) sum += BLUR[k] * bins[line * across + (at + k - 4) * along];
      smoothed[line * across + at * along] = sum;
    }
  }
  return smoothed;
}

// The line at a height, piece by piece: `piece` gets both ends, in bins.
function trace(values, height, piece) {
  for (let row = 0; row + 1 < BINS; row += 1) {
    for (let column = 0; column + 1 < BINS; column += 1) {
      const corners = [[0, 0], [1, 0], [1, 1], [0, 1]].map(([u, v]) => [column + u, row + v, values[(row + v) * BINS + column + u] - height]);
      const ends = [];
      corners.forEach(([x, y, here], k) => {
        const [u, v, there] = corners[(k + 1) % 4];
        if ((here < 0) === (there < 0)) return;
        const part = here / (here - there);
        ends.push([x + (u - x) * part, y + (v - y) * part]);
      });
      for (let k = 0; k + 1 < ends.length; k += 2) piece(ends[k], ends[k + 1]);
    }
  }
}

// Draws the densities of the target, dashed, and of the cloud, at the same heights: where both are alike, the lines are.
function drawLevels(context, panel, frame) {
  const { run } = panel;
  if (panel.ofTarget?.target !== run.target) {
    const count = run.target.length / 2;
    const [a, b] = film.grid.middle;
    panel.ofTarget = { target: run.target, values: density(count, (i) => run.target[i] + a, (i) => run.target[count + i] + b) };
  }
  const { cloud } = run.frames[frame];
  const here = density(cloud.length / 2, (i) => cloud[2 * i], (i) => cloud[2 * i + 1]);
  const most = panel.ofTarget.values.reduce((a, b) => Math.max(a, b));
  const place = ([column, row]) => panel.spot(VIEW.x[0] + (VIEW.width * column) / (BINS - 1), VIEW.y[0] + (VIEW.height * row) / (BINS - 1));
  for (const [values, colour, dash] of [[panel.ofTarget.values, palette.muted, [4, 3]], [here, palette.ink, []]]) {
    context.strokeStyle = colour;
    context.setLineDash(dash);
    context.lineWidth = 1.2;
    context.beginPath();
    for (const height of HEIGHTS) {
      trace(values, height * most, (a, b) => {
        context.moveTo(...place(a));
        context.lineTo(...place(b));
      });
    }
    context.stroke();
  }
  context.setLineDash([]);
}
