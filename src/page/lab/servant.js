// A worker: asked by name, answers in turn.
class Servant {
  static source = null;

  constructor(module, heard) {
    this.module = module;
    this.heard = heard;
    this.begin();
  }

  begin() {
    Servant.source ??= URL.createObjectURL(new Blob([JSON.parse($("worker").textContent)], { type: "text/javascript" }));
    this.worker = new Worker(Servant.source);
    this.waiting = new Map();
    this.number = 0;
    this.worker.onmessage = ({ data }) => {
      const { number: call } = data;
      if (call === undefined) {
        this.heard?.(data);
        return;
      }
      const ask = this.waiting.get(call);
      this.waiting.delete(call);
      if (data.error === undefined) ask?.resolve(data.answer);
      else ask?.reject(new Error(data.error));
    };
    // A panic of the engine ends it; the page goes on with a new one.
    this.worker.onerror = (event) => {
      event.preventDefault();
      for (const { reject } of this.waiting.values()) reject(new Error(`the engine has stopped (${event.message})`));
      this.waiting.clear();
    };
    this.ready = this.call("begin", { module: this.module });
    // Whoever needs it hears of its end there.
    this.ready.catch(() => {});
  }

  call(call, data = {}, transfer = []) {
    const number = ++this.number;
    return new Promise((resolve, reject) => {
      this.waiting.set(number, { resolve, reject });
      this.worker.postMessage({ call, number, ...data }, transfer);
    });
  }

  send(call, data = {}) {
    this.worker.postMessage({ call, ...data });
  }

  get busy() {
    return this.waiting.size > 0;
  }

  // Ends whatever it does, and begins anew with nothing.
  renew() {
    this.worker.terminate();
    for (const { reject } of this.waiting.values()) reject(new Error("renewed"));
    this.begin();
  }
}
