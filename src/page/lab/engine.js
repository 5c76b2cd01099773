// The engine: questions as JSON in, answers as JSON out, and numbers beside either.
class Engine {
  static async of(module) {
    const { exports } = await WebAssembly.instantiate(module, {});
    return new Engine(exports);
  }

  constructor(exports) {
    this.wasm = exports;
    this.text = new TextEncoder();
    this.words = new TextDecoder();
  }

  // What went wrong is thrown as an error whose message the page shows.
  ask(question, numbers = new Float64Array(0)) {
    const json = this.text.encode(JSON.stringify(question));
    const at = this.wasm.room(json.length + numbers.byteLength);
    const room = new Uint8Array(this.wasm.memory.buffer, at, json.length + numbers.byteLength);
    room.set(json);
    room.set(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength), json.length);
    const length = this.wasm.ask(json.length);
    const { buffer } = this.wasm.memory;
    const answer = JSON.parse(this.words.decode(new Uint8Array(buffer, this.wasm.answer_at(), length)));
    if (answer.error !== undefined) throw new Error(answer.error);
    for (const [name, [from, count]] of Object.entries(answer.arrays)) {
      answer[name] = new Float64Array(buffer, answer.at + 8 * from, count).slice();
    }
    return answer;
  }
}
