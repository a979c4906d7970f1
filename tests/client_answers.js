"use strict";
/* global LIVE, Net */
/** What test_engine.py asks of the client, in a page: in a worker, on the page's own thread, and without workers. */

const failing = (promise) => promise.then(() => null, (why) => (why === Net.STALE ? "STALE" : why.name));
const numbers = ({ p, z, label }) => ({ p: [...p], z: [...z], label });

async function facts({ pixels, y }) {
  const x = Float32Array.from(pixels);
  const worker = await asked(x, y, true), main = await asked(x, y, false);
  const noises = LIVE.noises.classes[5].map((_, i) => [...Net.noise(5, i)]);
  return { worker, main, noises, without: await without(x) };
}

async function asked(x, y, worker) {
  const net = await Net.open(LIVE.weights, { worker });
  const how = { y, eps: 61 / 255, alpha: 10 / 255, steps: 60, rule: "sign" }, slow = { ...how, alpha: 1e-5, steps: 1000 };
  const steps = [], tried = [];
  const { x_adv, bytes, noise, ...end } = await net.attack(x, how, ({ step, p }) => steps.push({ step, p: [...p] }));

  const stale = failing(net.attack(x, slow));
  const reads = await Promise.all([net.read(x), net.read(x), net.read(x_adv)]);
  const newer = net.attack(x, { ...how, target: (y + 1) % 10 });
  const cancelled = failing(net.smallest(x, slow));
  net.cancel("smallest");
  const smallest = await net.smallest(x, { ...how, steps: 10 }, ({ level }) => tried.push(level));
  const found = {
    where: net.where, sha256: net.sha256, steps, tried: [...new Set(tried)], reads: reads.map(numbers),
    end: { ...end, ...numbers(end), bytes: [...bytes], x_adv: [...x_adv], noise: [...noise] },
    stale: await stale, cancelled: await cancelled, newer: numbers(await newer),
    smallest: { ...smallest, bytes: [...smallest.bytes] }, damaged: await damaged(worker),
  };
  net.close();
  return found;
}

function damaged(worker) {
  const [first, ...others] = LIVE.weights;
  return Promise.all([
    failing(Net.open([...others, first], { worker })),
    failing(Net.open(others, { worker })),
    failing(Net.open(others, { worker, sha256: null })),
    failing(Net.open(["*", ...LIVE.weights], { worker })),
  ]);
}

/** Browsers that have no worker, that forbid it, and that refuse its text. */
async function without(x) {
  const { Worker } = globalThis, found = [];
  class Forbidden {
    constructor() {
      throw new Error("forbidden");
    }
  }
  class Refused {
    constructor() {
      setTimeout(() => this.onerror({ message: "refused", preventDefault() {} }));
    }
    postMessage() {}
  }
  for (globalThis.Worker of [undefined, Forbidden, Refused]) {
    const net = await Net.open(LIVE.weights);
    found.push([net.where, (await net.read(x)).label]);
  }
  globalThis.Worker = Worker;
  return found;
}
