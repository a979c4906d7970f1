"use strict";
/* global engine, postMessage */
/**
 * What test_engine.py asks of an engine.  It runs in a worker, after the text of engine.js.
 *
 * Arrays come and go as {type, data}, data in base64: the browser sends all that it has found at once.
 */
const KINDS = { Float32Array, Float64Array, Uint8Array, Int32Array };

function unpacked({ type, data }) {
  return new KINDS[type](Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0)).buffer);
}

function packed(array) {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  let text = "";
  for (let i = 0; i < bytes.length; i += 8190) text += String.fromCharCode(...bytes.subarray(i, i + 8190));
  return { type: array.constructor.name, data: btoa(text) };
}

/** The images of an array, one by one. */
function each({ images }, found) {
  const all = unpacked(images);
  return Array.from({ length: all.length / 784 }, (_, i) => found(all.slice(784 * i, 784 * i + 784), i));
}

function joined(Kind, parts) {
  const all = new Kind(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return packed(all);
}

const TASKS = {
  gradients(E, net, task) {
    const last = { ...net.last, weights: net.last.weights.map((w) => w * task.scale), bias: net.last.bias.map((b) => b * task.scale) };
    const found = each(task, (x, i) => E.gradient({ ...net, last }, x, task.y[i]));
    const alone = each({ images: task.images }, (x, i) => (i < 5 ? E.logits({ ...net, last }, x) : []));
    return {
      z: joined(Float64Array, found.map(({ z }) => z)),
      g: joined(Float64Array, found.map(({ g }) => g)),
      alone: joined(Float64Array, alone),
    };
  },

  /** Each image's attack: its first ten images (the last stays), and how it ended. */
  attacks(E, net, task) {
    const found = each(task, (x, i) => {
      const target = task.target ? task.target[i] : null;
      const seen = [...E.attack(net, x, { ...task.how, y: task.y[i], target })].filter(Boolean);
      const end = seen.at(-1), first = seen.slice(0, -1).concat(end).slice(0, task.keep + 1);
      while (first.length < task.keep + 1) first.push(end);
      return { end, first: joined32(first.map(({ x_adv }) => x_adv)) };
    });
    return {
      images: joined(Float32Array, found.map(({ first }) => first)),
      last: joined(Float32Array, found.map(({ end }) => end.x_adv)),
      bytes: joined(Uint8Array, found.map(({ end }) => E.toBytes(end.x_adv))),
      z: joined(Float64Array, found.map(({ end }) => end.z)),
      steps: found.map(({ end }) => end.step),
      fooled: found.map(({ end }) => end.fooled),
      stalled: found.map(({ end }) => end.stalled),
    };
  },

  smallest(E, net, task) {
    const found = each(task, (x, i) => [...E.smallest(net, x, { ...task.how, y: task.y[i] })].filter(Boolean));
    return {
      levels: found.map((seen) => seen.at(-1).level),
      tried: found.map((seen) => [...new Set(seen.slice(0, -1).map(({ level }) => level))]),
      last: joined(Float32Array, found.map((seen) => seen.at(-1).x_adv)),
    };
  },

  bytes(E, net, task) {
    return { bytes: packed(E.toBytes(unpacked(task.values))) };
  },
};

function joined32(parts) {
  const all = new Float32Array(784 * parts.length);
  parts.forEach((part, i) => all.set(part, 784 * i));
  return all;
}

const E = engine();
let net;
onmessage = ({ data: { weights, task } }) => {
  if (weights) net = E.network(unpacked(weights));
  postMessage(task ? TASKS[task.kind](E, net, task) : null);
};
