// A worker with an engine of its own: the one that moves clouds, or the one that measures them.
let engine = null;
let plan = null;
let view = null;
let lattice = [41, 41];
let running = false;
// Steps a second; 0: as many as there can be.
let pace = 60;
// Whether the page has drawn the last picture.
let seen = true;
let ended = [];
const FRAME = 16;
const now = () => performance.now();

function look(panel) {
  const frame = engine.ask({ ask: "look", panel, view, lattice });
  delete frame.arrays;
  return frame;
}

function picture(extra = {}) {
  const frames = plan.panels.map((_, panel) => look(panel));
  const buffers = frames.flatMap((frame) => Object.values(frame).filter((part) => part instanceof Float64Array).map((part) => part.buffer));
  seen = false;
  postMessage({ frames, ended: ended.map((ending) => ending ?? null), ...extra }, buffers);
}

// One step of every panel that goes on.
function step() {
  let moved = false;
  plan.panels.forEach((_, panel) => {
    if (ended[panel]) return;
    const answer = engine.ask({ ask: "advance", panel });
    if (answer.ending) ended[panel] = answer.ending;
    moved ||= answer.advanced;
  });
  return moved;
}

// Lets messages in between two steps: a timer would wait for milliseconds.
const door = new MessageChannel();
let turn = null;
door.port1.onmessage = () => turn?.();
const breathe = () => new Promise((resolve) => {
  turn = resolve;
  door.port2.postMessage(0);
});
const wait = (time) => new Promise((resolve) => setTimeout(resolve, time));

let round = 0;

async function run() {
  const mine = ++round;
  running = true;
  let last = 0;
  let steps = 0;
  let due = now();
  const since = now();
  try {
    while (running && mine === round) {
      if (pace > 0) {
        due = Math.max(due + 1000 / pace, now() - 50);
        while (running && mine === round && now() < due) await wait(Math.min(due - now(), 50));
        if (!running || mine !== round) break;
      }
      const moved = step();
      steps += moved ? 1 : 0;
      if (!moved) {
        running = false;
        picture({ over: true });
        return;
      }
      if ((pace > 0 && pace <= 30) || (seen && now() - last >= FRAME)) {
        while (!seen && running && mine === round) await breathe();
        last = now();
        picture({ rate: (1000 * steps) / (now() - since) });
      }
      await breathe();
    }
  } catch (error) {
    running = false;
    postMessage({ failure: error.message });
  }
}

function opened(message) {
  const answer = engine.ask({ ask: "open", plan: message.plan, keep: message.keep });
  delete answer.arrays;
  plan = message.plan;
  ended = plan.panels.map(() => null);
  return answer;
}

const WORK = {
  about: () => engine.ask({ ask: "about" }),
  file: ({ name, points }) => engine.ask({ ask: "file", name }, points),
  open(message) {
    postMessage({ begun: true });
    const was = running;
    running = false;
    round += 1;
    const answer = opened(message);
    return { ...answer, was };
  },
  look(message) {
    ({ view } = message);
    lattice = message.lattice ?? lattice;
    picture();
    // A flow that has not begun has no D: the first call fits it to the first cloud, which may take seconds.
    if (!message.begin) return;
    step();
    picture();
  },
  step() {
    running = false;
    round += 1;
    const moved = step();
    picture({ single: moved, over: !moved });
  },
  run(message) {
    pace = message.pace;
    if (!running) run();
  },
  pace(message) {
    pace = message.pace;
  },
  pause() {
    running = false;
    round += 1;
    picture({ paused: true });
  },
  seen() {
    seen = true;
  },
  at: ({ panel, place }) => engine.ask({ ask: "at", panel, place }),
  size: () => ({ bytes: engine.wasm.memory.buffer.byteLength }),
  written: ({ panel }) => engine.ask({ ask: "written", panel }),
  gauge: ({ live }) => engine.ask({ ask: "gauge", panel: 0, live }),
  measure({ cloud, shares, live }) {
    const numbers = new Float64Array(cloud.length + shares.length);
    numbers.set(cloud);
    numbers.set(shares, cloud.length);
    return engine.ask({ ask: "measure", points: cloud.length / 2, live }, numbers);
  },
};

onmessage = async ({ data }) => {
  const { call, number } = data;
  try {
    if (call === "begin") {
      engine = await Engine.of(data.module);
      postMessage({ number, answer: {} });
      return;
    }
    const answer = WORK[call](data) ?? {};
    if (number !== undefined) postMessage({ number, answer });
  } catch (error) {
    if (number === undefined) postMessage({ failure: error.message });
    else postMessage({ number, error: error.message });
  }
};
