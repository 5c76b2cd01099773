// Lessons: stories of some minutes, each a scenario with captions and two questions. A caption may change something, and run.
const RING = "[target.ring]\n[source.gaussian]\n[cloud]\nparticles = 1000\nsamples = 1000\n";
const LESSONS = [
  {
    title: "What is the ratio?",
    about: "D, its gradient, and why particles follow it.",
    plan: { name: "eight-gaussians", text: `title = "What is the ratio?"\n${RING}` },
    captions: [
      { words: "Grey: samples of the target p. Coloured: particles of the cloud q. D estimates log p/q at every place of the plane: blue where there should be more particles, orange where there are too many, grey where both are alike. There is no band where nobody is near.", act: () => show("field") },
      { words: "Press “2 move the points”. Each particle goes a little way uphill on D: x ← x + ε ∇D(x). D is frozen meanwhile.", act: () => part("move") },
      { words: "Now “1 fit D”: the cloud has moved, so the ratio is another one. D is estimated anew, for the cloud as it is.", act: () => (state.step % 1 > 1e-6 ? part("fit") : step()) },
      { words: "Run it. As p and q become alike, log p/q tends to 0 everywhere: the picture pales, the arrows shrink, and the particles come to rest.", act: () => run() },
    ],
    questions: [
      { ask: "D is 0.7 at some place. What does it say?", options: ["The target is about twice as dense there as the cloud", "70 % of the particles are there", "The particles there move at speed 0.7"], right: 0, why: "D is a natural logarithm of a ratio of densities: e^0.7 ≈ 2." },
      { ask: "Where does the cloud rest?", options: ["Where D is largest", "Where D is constant: then its gradient is zero", "At the samples of the target"], right: 1, why: "The velocity is ∇D. Equal densities give D = 0 everywhere, and nothing moves." },
    ],
  },
  {
    title: "Why fit again?",
    about: "A discriminator that is not refit sends particles past their goal.",
    plan: { name: "eight-gaussians", text: `title = "Why fit again?"\n${RING}`, edits: { "flow.refit_every": "1" } },
    captions: [
      { words: "D is fitted at each step here. Run, and see the cloud settle into eight modes.", act: () => run() },
      { words: "Now the same from the start, but D is fitted at every fifth step only. Between two fits all particles climb the hills of an old D.", sets: () => set("flow.refit_every", "5") },
      { words: "They are thrown past their goal: no step knew that the ones before it had been taken. The next fit turns them back, as wildly. With a fit at every fifteenth step they never return.", act: () => run() },
      { words: "A GAN that trains its generator for many steps against one discriminator does the same. Now from here with a fit at every step: the cloud gathers in the modes again, though not with equal shares.", sets: () => set("flow.refit_every", "1", true), act: () => run() },
    ],
    questions: [
      { ask: "Why do the particles overshoot with an old D?", options: ["D does not know that they have moved", "ε is too small", "There are too few samples of the target"], right: 0, why: "Only a new fit can tell that a place has been filled." },
      { ask: "What does each fit need?", options: ["Only the target", "Only the cloud", "Samples of both, as they are now"], right: 2, why: "It is a ratio of two densities, and one of them moves." },
    ],
  },
  {
    title: "One step is the same, many are not",
    about: "Distilled and adversarial generators from the same cloud.",
    plan: { name: "eight-gaussians", text: `title = "One step, many steps"\n${RING}`, panels: ["flow", "distill", "adversarial"], training: { ...TRAINING, inner_steps: "1" } },
    captions: [
      { words: "The first panel: free particles. The second: a generator g(z) that is fitted to where they would move (distilled). The third: one that climbs D itself, as in a usual GAN. K = 1: one optimiser step each. The gradients of both losses are then the same up to a factor.", act: () => show("field") },
      { words: "Run. With K = 1 the two generators begin alike, and both lag behind the free particles: one optimiser step is not enough to follow the move.", act: () => run() },
      { words: "Now K = 20, from the start. The distilled one follows the moved points and stops there. The adversarial one goes on climbing a D that is frozen: it leaves the moved points behind.", sets: () => { plan.training.inner_steps = "20"; change("nothing"); } },
      { words: "Run, and compare the last two panels.", act: () => run() },
    ],
    questions: [
      { ask: "When are distillation and adversarial training the same?", options: ["Never", "For a single gradient step from the same parameters", "Always"], right: 1, why: "At the present parameters both losses have the same gradient, up to the factor −2ε." },
      { ask: "What stops the distilled generator within a step?", options: ["Its loss has a minimum: the moved points", "The learning rate", "The discriminator is refit"], right: 0, why: "E‖g(z) − x‖² is least at the moved points; −E D(g(z)) of a frozen D has no such end." },
    ],
  },
  {
    title: "Mode collapse",
    about: "Why a cloud forgets a mode, and births that find it again.",
    plan: { name: "one-sided-start", text: "title = \"Mode collapse\"\n[target.mixture]\ncomponents = [\n  { weight = 0.7, mean = [2.5, 0.0], covariance = [[0.25, 0.0], [0.0, 0.25]] },\n  { weight = 0.3, mean = [-2.5, 0.0], covariance = [[0.25, 0.0], [0.0, 0.25]] },\n]\n[source.gaussian]\nmean = [2.5, 0.0]\ncovariance = [[0.25, 0.0], [0.0, 0.25]]\n[cloud]\nparticles = 1000\nsamples = 1000\n[discriminator.kde]\nbandwidth = 0.35\n" },
    captions: [
      { words: "Two modes; the cloud begins on the right one. D is blue over the left mode, but its gradient there moves nobody: no particle is near.", act: () => show("field") },
      { words: "Run. The cloud stays. What a narrow kernel shows of the far mode does not reach the particles.", act: () => run() },
      { words: "Let particles be born and die where D says so. Particles multiply where they are too few; but of no particle there is no child, so nothing is found on the left either.", sets: () => chooseReaction("birth-death"), act: () => run() },
      { words: "Now births at uncovered points of the target. A few particles appear on the left, multiply, and the masses become right.", sets: () => set("flow.reaction.seed_uncovered", "true"), act: () => run() },
    ],
    questions: [
      { ask: "Why did the flow alone not find the mode?", options: ["The kernel is narrow: between the modes ∇D is no guide", "There were too few samples", "ε was too small"], right: 0, why: "Mass travels along ∇D. Where the estimate is flat, or shows noise, nothing leads across the gap." },
      { ask: "What do births change?", options: ["They move particles faster", "They change masses without any travel", "They make the kernel wider"], right: 1, why: "Multiplying and dying changes how much is where; it needs somebody there, or a seed." },
    ],
  },
  {
    title: "Bandwidth and gaps",
    about: "Wide kernels cross gaps, narrow ones see detail; annealing does both.",
    plan: { name: "spirals", text: `title = "Bandwidth and gaps"\n[target.spirals]\n[source.gaussian]\n[cloud]\nparticles = 1000\nsamples = 1500\n` },
    captions: [
      { words: "The bandwidth of the kernels that estimate D shrinks from wide to narrow: the default. Run, and watch the colours: first the coarse shape, then the arms.", act: () => run() },
      { words: "A bandwidth that is wide for ever: the cloud finds the shape as seen through frosted glass, and D, which sees no better, is content. So is the energy distance; a measure of nearest neighbours is not.", sets: () => set("discriminator.kde.bandwidth", "1.0"), act: () => run() },
      { words: "Narrow from the start: D sees single points, the field is rough, and what is far stays far.", sets: () => set("discriminator.kde.bandwidth", "0.12"), act: () => run() },
      { words: "And the annealed one again, for comparison.", sets: () => set("discriminator.kde.bandwidth", '"anneal"'), act: () => run() },
    ],
    questions: [
      { ask: "What is lost with a wide kernel?", options: ["The far parts of the target", "Detail finer than the kernel", "Speed"], right: 1, why: "Both densities are blurred alike, so that D is blind to what is finer than h." },
      { ask: "What does annealing do?", options: ["It carries mass across gaps first, and sharpens afterwards", "It adds noise to the particles", "It makes ε larger"], right: 0, why: "While h is wide the field reaches far; at the end it is narrow." },
    ],
  },
  {
    title: "Floors",
    about: "A distance is never zero: what a perfect sample would have.",
    plan: { name: "eight-gaussians", text: `title = "Floors"\n${RING}` },
    captions: [
      { words: "“Measure” shows how far the cloud is, at any time. The green band there is the sampling floor: the distance that independent samples of the target itself have. A cloud cannot be told from the target once it lies there.", },
      { words: "Run, and look at “Measure” now and then. The energy distance falls by orders of magnitude, and then stops falling: not at zero, but in the band.", act: () => run() },
      { words: "A hundred particles instead of a thousand: the floor is higher, since fewer points say less. A distance without its floor says nothing about whether you have arrived.", sets: () => set("cloud.particles", "100"), act: () => run() },
      { words: "“Judge the clouds by all measures”, under “Measure”, holds a dozen measures against their floors, with one verdict. It also says if the cloud is more regular than independent points, or leans on the samples it learned from." },
    ],
    questions: [
      { ask: "The energy distance is 0.004 and stays there. Has the cloud arrived?", options: ["Yes: it is small", "That depends on the floor of clouds of this size", "No: it is not zero"], right: 1, why: "Even perfect samples have a distance; only the floor says how much." },
      { ask: "Which cloud has the lower floor?", options: ["The one with more points", "The one with fewer points", "Both have the same"], right: 0, why: "The distance of two samples of one distribution falls with their number." },
    ],
  },
];

const lesson = { place: null, caption: 0, answered: [] };

function set(key, text, keep = false) {
  plan.edits[key] = text;
  change(keep ? "flow" : "nothing");
}

function show(name) {
  toggle(name, true);
}

function listLessons() {
  lesson.place = null;
  $("lessons").replaceChildren(made("p", {}, "Six stories of some minutes. Each is a scenario, with captions and two questions."),
    ...LESSONS.map((one, k) => made("button", { type: "button", class: "lesson", "data-lesson": k, onclick: () => beginLesson(k) }, made("b", {}, `${k + 1} ${one.title}`), made("small", {}, one.about))));
}

// From its start, or with all that the captions before another one change.
function beginLesson(place, caption = 0) {
  lesson.place = place;
  lesson.answered = [];
  pause();
  remember();
  restorePlan(LESSONS[place].plan);
  // Until its cloud is there, a lesson shows its title alone: a button of the page before it would speak of another lesson.
  $("lessons").replaceChildren(made("h2", {}, LESSONS[place].title));
  // Whoever went back to the list or into another lesson meanwhile is not called back.
  change("nothing").then(async () => {
    // The first cloud comes a moment later.
    while (caption > 0 && lesson.place === place && !reels[0]?.last?.fitted && !over()) await new Promise((done) => setTimeout(done, 50));
    if (lesson.place === place) tellCaption(caption, caption);
  });
}

// Tells a caption, and does what it says, after what those `before` it change; nothing if that has been done.
function tellCaption(place, before = null) {
  const { title, captions, questions } = LESSONS[lesson.place];
  lesson.caption = place;
  const body = place < captions.length
    ? [made("p", { class: "caption" }, captions[place].words)]
    : [made("p", {}, "Two questions:"), ...questions.map(ask)];
  const last = place >= captions.length;
  const next = last ? (lesson.place + 1 < LESSONS.length ? "Next lesson" : "All lessons") : place + 1 < captions.length ? "Go on" : "Questions";
  $("lessons").replaceChildren(
    made("p", { class: "small" }, `Lesson ${lesson.place + 1} of ${LESSONS.length} · ${Math.min(place + 1, captions.length)} of ${captions.length}`),
    made("h2", {}, title), ...body,
    made("div", { class: "options" },
      made("button", { type: "button", "data-lesson-back": "", onclick: () => (place === 0 ? listLessons() : last ? tellCaption(place - 1, NaN) : beginLesson(lesson.place, place - 1)) }, place === 0 ? "All lessons" : "Back"),
      made("button", { type: "button", "data-lesson-next": "", "aria-pressed": "true", onclick: () => {
        if (!last) tellCaption(place + 1);
        else if (lesson.place + 1 < LESSONS.length) beginLesson(lesson.place + 1);
        else listLessons();
      } }, next)));
  if (!last && !Number.isNaN(before)) {
    for (const { sets } of captions.slice(before === null ? place : 0, place + 1)) sets?.();
    captions[place].act?.();
  }
  $("lessons").querySelector("[data-lesson-next]").focus({ preventScroll: true });
}

function ask({ ask: words, options, right, why }, k) {
  const why2 = made("p", { class: "why", role: "status", hidden: true }, why);
  const buttons = options.map((option, place) => made("button", { type: "button", "data-answer": place === right ? "right" : "wrong", onclick: () => {
    buttons.forEach((button, other) => {
      button.disabled = other !== right && other !== place;
      button.classList.toggle("right", other === right);
      button.classList.toggle("wrong", other !== right);
    });
    why2.hidden = false;
    why2.textContent = `${place === right ? "Yes." : "No."} ${why}`;
    lesson.answered[k] = place === right;
  } }, option));
  return made("div", {}, made("fieldset", { class: "answers" }, made("legend", {}, words), ...buttons), why2);
}
