"use strict";
/* global engine */
/**
 * The network as the page sees it: in a worker, so that the page stays quick, or in pieces on the page's own thread.
 *
 *     const net = await Net.open(parts);              // base64, as the build cut it
 *     const { p, label } = await net.read(x);
 *     const { fooled, bytes } = await net.attack(x, { y, eps: 61 / 255, alpha: 10 / 255, steps: 50, rule: "sign" }, onStep);
 *     const { level } = await net.smallest(x, { y, alpha: 10 / 255, steps: 50, rule: "sign" }, onProgress);
 *
 * A newer attack makes the older one reject with Net.STALE; the same for smallest.  net.cancel("attack") does it too.
 */
class Net {
  static STALE = Object.assign(new Error("a newer call has taken this one's place"), { name: "Stale" });

  /**
   * @param {string[]} parts the weights, each part base64
   * @param {object} how worker: false keeps to the page's thread; sha256: what the weights must have
   * @returns {Promise<Net>} rejects with an error named "Damaged" where the weights are not those that were built
   */
  static async open(parts, { worker = true, sha256 = globalThis.LIVE?.sha256 } = {}) {
    if (worker) {
      try {
        return await new Net(Net.inWorker)._load(parts, sha256);
      } catch (why) {
        if (why.name !== "NoWorker") throw why;
      }
    }
    return new Net(Net.onThisThread)._load(parts, sha256);
  }

  /** One of the noises that the build packed, for a class and one of its sizes: 784 numbers. */
  static noise(cls, index, { eps, classes } = globalThis.LIVE.noises) {
    const packed = atob(classes[cls][index]); // a signed byte a pixel, 127 for ε
    return Float32Array.from(packed, (sign) => (((sign.charCodeAt(0) << 24) >> 24) / 127) * eps[index]);
  }

  constructor(connect) {
    this._calls = new Map(); // by number: the promise's functions, and who is told of each step
    this._count = 0;
    this._newest = {}; // the number of the latest attack, and of the latest smallest
    Object.assign(this, connect((message) => this._hear(message), (why) => this._fail(why)));
  }

  static inWorker(hear, fail) {
    let worker;
    try {
      const text = `"use strict";${engine};${serve};const hear = serve(engine(), postMessage.bind(self), false);
        onmessage = ({ data }) => hear(data);`;
      const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
      worker = new Worker(address);
      URL.revokeObjectURL(address);
    } catch (why) {
      throw Object.assign(new Error(`there is no worker: ${why.message}`), { name: "NoWorker" });
    }
    worker.onmessage = ({ data }) => hear(data);
    worker.onerror = (event) => {
      event.preventDefault();
      fail(Object.assign(new Error(`the worker stopped: ${event.message}`), { name: "NoWorker" }));
    };
    return { where: "worker", _send: (message) => worker.postMessage(message), close: () => worker.terminate() };
  }

  static onThisThread(hear) {
    return { where: "main", _send: serve(engine(), hear, true), close() {} };
  }

  async _load(parts, sha256) {
    for (const part of parts) await this._call("part", { part }); // one at a time: none holds the page up
    this.sha256 = (await this._call("open", { sha256 })).sha256;
    return this;
  }

  read(x) {
    return this._call("read", { x });
  }

  attack(x, how, onStep) {
    return this._call("attack", { x, how }, onStep);
  }

  smallest(x, how, onProgress) {
    return this._call("smallest", { x, how }, onProgress);
  }

  /** Ends the attack, or the search for the smallest, that is going on. */
  cancel(kind) {
    const id = this._newest[kind];
    if (!this._calls.has(id)) return;
    this._send({ kind, cancel: id });
    this._calls.get(id).reject(Net.STALE);
    this._calls.delete(id);
  }

  _call(kind, message, onStep) {
    if (message.how) this.cancel(kind); // the latest wins
    const id = ++this._count;
    this._newest[kind] = id;
    return new Promise((resolve, reject) => {
      this._calls.set(id, { resolve, reject, onStep });
      this._send({ ...message, kind, id });
    });
  }

  _hear({ id, error, step, result }) {
    const call = this._calls.get(id);
    if (!call) return; // it has gone stale
    if (step) return void call.onStep?.(step);
    this._calls.delete(id);
    if (error) call.reject(Object.assign(new Error(error.message), { name: error.name }));
    else call.resolve(result);
  }

  _fail(why) {
    for (const { reject } of this._calls.values()) reject(why);
    this._calls.clear();
  }
}

/**
 * Answers the calls of a Net: the whole of the worker, or called on the page's thread, inPieces.
 *
 * @returns {function} what takes a message
 */
function serve({ network, softmax, label, toBytes, forward, attack, smallest }, reply, inPieces) {
  const parts = [], stale = new Set();
  let net;
  const { port1, port2 } = new MessageChannel(), waiting = [];
  port1.onmessage = () => waiting.shift()();

  /** Lets the page, or newer messages, come first; a timer would wait for 4 ms. */
  function turn() {
    return new Promise((resolve) => {
      waiting.push(resolve);
      port2.postMessage(0);
    });
  }

  /** Everything that a generator yields, with pauses: on the page's thread after any part that took long. */
  async function* taken(work) {
    let begin = performance.now();
    for (const now of work) {
      if (now) yield now;
      if (now || (inPieces && performance.now() > begin + 8)) {
        await turn();
        begin = performance.now();
      }
    }
  }

  function* reading(x) {
    const { z } = yield* forward(net, x);
    yield seen(z);
  }

  function seen(z) {
    return { z, p: softmax(z), label: label(z) };
  }

  /** What an attack ended with; every verdict in it is of whole grey levels. */
  function ended(x, { x_adv, z, ...rest }) {
    const noise = x_adv.map((value, i) => value - x[i]);
    const rms = Math.sqrt(noise.reduce((sum, value) => sum + value * value, 0) / noise.length);
    return { ...rest, ...seen(z), x_adv, bytes: toBytes(x_adv), noise, rms };
  }

  function decoded(part) {
    const text = atob(part), bytes = new Uint8Array(text.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
    return bytes;
  }

  async function opened(wanted) {
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts.splice(0)) {
      bytes.set(part, at);
      at += part.length;
    }
    let found;
    for await (const hex of taken(hashed(bytes))) found = hex;
    if (wanted && found !== wanted) throw damaged(`their SHA-256 is ${found}, not ${wanted}`);
    try {
      net = network(bytes);
    } catch (why) {
      throw damaged(why.message);
    }
    return { sha256: found };
  }

  function damaged(why) {
    return Object.assign(new Error(`the weights are damaged: ${why}`), { name: "Damaged" });
  }

  /** SHA-256 (FIPS 180-4), which browsers do not offer to a page that was opened from a disk. */
  function* hashed(bytes) {
    const primes = [];
    for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
    const fraction = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
    const state = Int32Array.from(primes.slice(0, 8), (p) => fraction(Math.sqrt(p)));
    const constants = Int32Array.from(primes, (p) => fraction(Math.cbrt(p)));
    const size = Math.ceil((bytes.length + 9) / 64) * 64, padded = new Uint8Array(size), words = new Int32Array(64);
    padded.set(bytes);
    padded[bytes.length] = 0x80;
    const view = new DataView(padded.buffer);
    view.setUint32(size - 4, bytes.length * 8);
    for (let at = 0; at < size; at += 64) {
      block(state, constants, words, view, at);
      if (at % 2 ** 18 === 0) yield;
    }
    yield Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  function block(state, constants, words, view, at) {
    const turned = (x, n) => (x >>> n) | (x << (32 - n));
    for (let i = 0; i < 16; i++) words[i] = view.getInt32(at + 4 * i);
    for (let i = 16; i < 64; i++) {
      const a = words[i - 15], b = words[i - 2];
      const s = turned(a, 7) ^ turned(a, 18) ^ (a >>> 3), t = turned(b, 17) ^ turned(b, 19) ^ (b >>> 10);
      words[i] = words[i - 16] + s + words[i - 7] + t;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const s = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25), t = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
      const one = (h + s + ((e & f) ^ (~e & g)) + constants[i] + words[i]) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + t + ((a & b) ^ (a & c) ^ (b & c))) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] += word));
  }

  async function answer({ kind, id, part, sha256, x, how }) {
    if (kind === "part") {
      try {
        parts.push(decoded(part));
      } catch (why) {
        throw damaged(why.message);
      }
      if (inPieces) await turn();
      return {};
    }
    if (kind === "open") return opened(sha256);
    const work = { read: reading, attack: (x) => attack(net, x, how), smallest: (x) => smallest(net, x, how) }[kind](x);
    for await (const now of taken(work)) {
      if (stale.delete(id)) return null;
      if (kind === "read") return now;
      if (now.done) return ended(x, now);
      reply({ id, step: now.z ? { ...now, ...seen(now.z) } : now });
    }
  }

  return async (message) => {
    if (message.cancel) return void stale.add(message.cancel);
    const { id } = message;
    try {
      reply({ id, result: await answer(message) });
    } catch ({ name, message }) {
      reply({ id, error: { name, message } });
    }
  };
}
if (typeof module === "object") module.exports = { Net, serve };
