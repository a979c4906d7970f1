"use strict";
/**
 * The network as the page has it: in a worker, or in pieces on the page's thread.
 *
 *     const net = await Net.open(parts), { p, label } = await net.read(x);
 *     const { fooled, bytes } = await net.attack(x, { y, eps: 61 / 255, steps: 50, rule: "sign" }, onStep);
 *
 * A newer attack makes the older one reject with Net.STALE, and so does net.cancel("attack"); smallest likewise.
 */
class Net {
  static STALE = Object.assign(new Error("a newer call has taken this one's place"), { name: "Stale" });

  /** Rejects with an error named "Damaged" where the weights are not the built ones. */
  static async open(parts, { worker = true, sha256 = globalThis.LIVE?.sha256 } = {}) {
    if (worker) {
      try {
        return await new Net(Net._inWorker)._load(parts, sha256);
      } catch (why) {
        if (why.name === "Damaged") throw why; // else there is no worker
      }
    }
    return new Net(Net._onThisThread)._load(parts, sha256);
  }

  /** One of the noises that the build packed, a signed byte a pixel, 127 for ε. */
  static noise(cls, index, { eps, classes } = globalThis.LIVE.noises) {
    return Float32Array.from(atob(classes[cls][index]), (sign) => (((sign.charCodeAt(0) << 24) >> 24) / 127) * eps[index]);
  }

  constructor(connect) {
    this._calls = new Map(); // unanswered
    this._count = 0;
    Object.assign(this, connect((message) => this._hear(message), (why) => this._fail(why)));
  }

  static _inWorker(hear, fail) {
    const text = `${engine};${serve};const hear = serve(engine(), (answer) => postMessage(answer), false);
      onmessage = ({ data }) => hear(data);`;
    const worker = new Worker(URL.createObjectURL(new Blob([text])));
    worker.onmessage = ({ data }) => hear(data);
    worker.onerror = ({ message }) => fail(new Error(`the worker stopped: ${message}`));
    return { where: "worker", _send: (message) => worker.postMessage(message), close: () => worker.terminate() };
  }

  static _onThisThread(hear) {
    return { where: "main", _send: serve(engine(), hear, true), close() {} };
  }

  async _load(parts, sha256) {
    for (const part of parts) await this._call("part", { part }); // one at a time
    return Object.assign(this, await this._call("open", { sha256 }));
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

  cancel(kind) {
    for (const [id, call] of this._calls) {
      if (call.kind !== kind) continue;
      this._calls.delete(id);
      this._send({ stale: id });
      call.reject(Net.STALE);
    }
  }

  _call(kind, message, onStep) {
    if (message.how) this.cancel(kind); // the latest wins
    const id = ++this._count;
    return new Promise((resolve, reject) => {
      this._calls.set(id, { kind, resolve, reject, onStep });
      this._send({ ...message, kind, id });
    });
  }

  _hear({ id, error, step, result }) {
    const call = this._calls.get(id);
    if (!call) return; // it went stale
    if (step) return void call.onStep?.(step);
    this._calls.delete(id);
    error ? call.reject(Object.assign(new Error(error.message), error)) : call.resolve(result);
  }

  _fail(why) {
    this._calls.forEach(({ reject }) => reject(why));
    this._calls.clear();
    this._send = () => { throw why; };
  }
}

/** Answers the calls of a Net. */
function serve({ network, softmax, label, toBytes, forward, attack, smallest }, reply, inPieces) {
  const parts = [], stale = new Set(), waiting = [], { port1, port2 } = new MessageChannel();
  let net;
  port1.onmessage = () => waiting.shift()();

  /** Lets messages and the page come first. */
  function pause() {
    return new Promise((resolve) => {
      waiting.push(resolve);
      port2.postMessage(0);
    });
  }

  /** What a generator yields, with pauses; in pieces, also after 16 ms without. */
  async function* paced(work) {
    let begin = performance.now();
    for (const now of work) {
      if (now) yield now;
      if (!now && !(inPieces && performance.now() > begin + 16)) continue;
      await pause();
      begin = performance.now();
    }
  }

  const seen = (z) => ({ z, p: softmax(z), label: label(z) });

  function* reading(x) {
    yield seen((yield* forward(net, x)).z);
  }

  function ended(x, { x_adv, z, ...rest }) {
    const noise = x_adv.map((value, i) => value - x[i]), rms = Math.hypot(...noise) / 28;
    return { ...rest, ...seen(z), x_adv, bytes: toBytes(x_adv), noise, rms };
  }

  function decoded(text) {
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
    return bytes;
  }

  async function opened(wanted) {
    const bytes = new Uint8Array(await new Blob(parts.splice(0)).arrayBuffer());
    let sha256;
    for await (const hex of paced(hashed(bytes))) sha256 = hex;
    if (wanted && sha256 !== wanted) throw new Error(`the weights' SHA-256 is ${sha256}, not ${wanted}`);
    net = network(bytes);
    return { sha256 };
  }

  /** SHA-256, which browsers keep from a page on a disk. */
  function* hashed(bytes) {
    const primes = [];
    for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
    const state = Int32Array.from(primes.slice(0, 8), (p) => (Math.sqrt(p) % 1) * 2 ** 32);
    const constants = Int32Array.from(primes, (p) => (Math.cbrt(p) % 1) * 2 ** 32);
    const padded = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64), view = new DataView(padded.buffer);
    padded.set(bytes);
    padded[bytes.length] = 128;
    view.setUint32(padded.length - 4, bytes.length * 8);
    for (let at = 0; at < padded.length; at += 64) {
      mix(state, constants, view, at);
      if (at % 2 ** 17 === 0) yield;
    }
    yield Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  const words = new Int32Array(64), rolled = (x, n) => (x >>> n) | (x << (32 - n));

  function mix(state, constants, view, at) {
    for (let i = 0; i < 16; i++) words[i] = view.getInt32(at + 4 * i);
    for (let i = 16; i < 64; i++) {
      const v = words[i - 15], w = words[i - 2];
      const s = rolled(v, 7) ^ rolled(v, 18) ^ (v >>> 3), t = rolled(w, 17) ^ rolled(w, 19) ^ (w >>> 10);
      words[i] = words[i - 16] + s + words[i - 7] + t;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const s = rolled(e, 6) ^ rolled(e, 11) ^ rolled(e, 25), t = rolled(a, 2) ^ rolled(a, 13) ^ rolled(a, 22);
      const one = (h + s + ((e & f) ^ (~e & g)) + constants[i] + words[i]) | 0;
      h = g, g = f, f = e, e = (d + one) | 0, d = c, c = b, b = a;
      a = (one + t + ((b & c) ^ (b & d) ^ (c & d))) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] += word));
  }

  async function answer({ kind, id, part, sha256, x, how }) {
    if (kind === "part") return void parts.push(decoded(atob(part)));
    if (kind === "open") return opened(sha256);
    const work = kind === "read" ? reading(x) : { attack, smallest }[kind](net, x, how);
    for await (const now of paced(work)) {
      if (kind === "read") return now;
      if (stale.delete(id)) return;
      if (now.done) return ended(x, now);
      reply({ id, step: now.z ? { ...now, ...seen(now.z) } : now });
    }
  }

  return async (message) => {
    const { id, x } = message;
    if (message.stale) return void stale.add(message.stale);
    try {
      if (inPieces) await pause();
      reply({ id, result: await answer(message) });
    } catch (why) {
      reply({ id, error: { name: x ? why.name : "Damaged", message: why.message } });
    }
  };
}
