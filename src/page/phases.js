// The phases of a step: their formulas with the present numbers, always; and one after the other, as a reader goes through them.

// The run whose step is told: the first whose generator learns at every step, or the first.
const told = () => panels.find(({ run }) => run.phases.length > 3)?.run ?? panels[0].run;

// How many phases of the step after this frame a run has recorded: at the end the move is not made any more.
function phasesAt(run, frame) {
  if (run.phases.length > 3) return run.moved !== null && run.rounds[frame] ? 4 : 2;
  return frame < run.steps.length - 1 ? 3 : 2;
}

const phasesNow = () => Math.max(...panels.map(({ run }) => phasesAt(run, moment(run, state.step)[0])));

function layPhases() {
  const holder = $("phases");
  for (const [word, formula] of told().phases) {
    const box = document.createElement("li");
    const name = document.createElement("b");
    name.textContent = word;
    const text = document.createElement("span");
    text.textContent = formula;
    box.append(name, text);
    holder.append(box);
  }
}

// Numbers are those of one run; several have their own.
function tellPhases() {
  const run = told();
  const [frame] = moment(run, state.step);
  const numbers = {
    h: () => (run.blurred && run.scales.length > 0 ? `h = ${number(run.scales[frame])}` : ""),
    ε: () => `ε = ${number(run.step_sizes[frame])}`,
  };
  [...$("phases").children].forEach((box, k) => {
    const [, formula, value] = run.phases[k];
    const now = panels.length > 1 ? "" : numbers[value]?.() ?? value;
    const words = now ? `${formula}, ${now}` : formula;
    if (box.lastChild.textContent !== words) box.lastChild.textContent = words;
    box.classList.toggle("lit", state.phase === k);
  });
  press($("phase"), state.phase !== null);
}

// One phase on; behind the last of a step the next recorded moment begins.
function nextPhase() {
  const { phase } = state;
  const goesOn = phase !== null && phase + 1 < phasesNow();
  const next = moments.find((step) => step > state.step + 1e-9) ?? 0;
  // To seek is to leave the phases.
  seek(phase === null || goesOn ? state.step : next);
  state.phase = goesOn ? phase + 1 : 0;
  redraw();
}

// Draws a panel in the present phase: the points where they are then, with threads from where they were.
function drawPhase(panel) {
  const { run } = panel;
  const [frame] = moment(run, state.step);
  const phase = Math.min(state.phase, phasesAt(run, frame) - 1);
  const threads = run.moved !== null && run.rounds[frame] ? [null, null, [run.cloud, run.moved], [run.moved, run.drawn]][phase] : null;
  const show = {
    ...state.show,
    field: state.show.field && (phase === 1 || phase === 2),
    arrows: state.show.arrows && phase === 2 && threads === null,
    trails: phase === 0,
    mesh: false,
  };
  if (threads !== null) {
    panel.run = { ...run, cloud: threads[1] };
    panel.below = (context) => thread(panel, context, frame, threads[0]);
  }
  panel.draw({ ...state, show });
  panel.run = run;
  panel.below = null;
}

// Lines to the points of the panel from where they were, which a small dot marks.
function thread(panel, context, frame, before) {
  const { run, scale } = panel;
  const to = panel.projection();
  const count = run.shown;
  const every = Math.ceil(count / film.look.trail.most);
  const lines = new Path2D();
  const dots = new Path2D();
  for (let i = 0; i < count; i += every) {
    const at = 2 * count * frame + i;
    const ends = [before[at], before[at + count], run.cloud[at], run.cloud[at + count]];
    if (ends.includes(NOWHERE)) continue;
    const [x, y, u, v] = ends.map((value, axis) => (axis % 2 === 0 ? to.x + value * to.scale : to.y - value * to.scale));
    lines.moveTo(x, y);
    lines.lineTo(u, v);
    dots.moveTo(x + 1.1 * scale, y);
    dots.arc(x, y, 1.1 * scale, 0, 2 * Math.PI);
  }
  context.strokeStyle = context.fillStyle = palette.ink;
  context.lineWidth = scale;
  context.globalAlpha = 0.55;
  context.stroke(lines);
  context.globalAlpha = 0.75;
  context.fill(dots);
  context.globalAlpha = 1;
}
