"use strict";
/**
 * The network of Table I and the attacks on it, in one function, so that its text can be handed to a worker.
 *
 * An image has 784 pixels in [0, 1], row by row.  Sums have double precision, so that ties stay ties.  What takes long
 * is a generator that yields nothing between its parts, so that a page without a worker can answer its reader.
 */
function engine() {
  const TAPS = 5, REACH = 2;

  /** The network that these bytes hold: each layer's kernel and bias as float16, in the shipped file's order. */
  function network(bytes) {
    const values = halves(new Uint8Array(bytes));
    let at = 0;
    const take = (size) => values.subarray(at, (at += size));
    const dense = (inputs, outputs) => ({ inputs, outputs, weights: take(inputs * outputs), bias: take(outputs) });
    function convolution(side, channels, filters) {
      const weights = take(TAPS * TAPS * channels * filters);
      return { side, channels, filters, weights, turned: turned(weights, channels, filters), bias: take(filters) };
    }
    const first = convolution(28, 1, 32), second = convolution(14, 32, 64);
    const net = { first, second, third: dense(7 * 7 * 64, 1024), last: dense(1024, 10) };
    if (at !== values.length) throw new RangeError("weights of another network");
    return net;
  }

  function halves(bytes) {
    const table = new Float32Array(65536); // what any two bytes stand for
    for (let bits = 0; bits < 65536; bits++) {
      const exponent = (bits >> 10) & 31, fraction = (bits & 1023) / 1024;
      const size = exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14;
      table[bits] = bits >> 15 ? -size : size;
    }
    const values = new Float32Array(bytes.length / 2);
    for (let i = 0; i < values.length; i++) values[i] = table[bytes[2 * i] | (bytes[2 * i + 1] << 8)];
    return values;
  }

  /** A kernel (tap, channel, filter) as (tap, filter, channel), for the way back. */
  function turned(weights, channels, filters) {
    const other = new Float32Array(weights.length);
    for (let tap = 0; tap < TAPS * TAPS; tap++)
      for (let c = 0; c < channels; c++)
        for (let f = 0; f < filters; f++)
          other[(tap * filters + f) * channels + c] = weights[(tap * channels + c) * filters + f];
    return other;
  }

  /** Calls visit(cell, row, column) for the top left place of each 2×2; pauses after a row of them. */
  function* cells(side, visit) {
    for (let row = 0; row < side; row += 2) {
      for (let column = 0; column < side; column += 2) visit((row * side) / 4 + column / 2, row, column);
      yield;
    }
  }

  /** A kernel's line for a place and its right neighbour. Most time goes here; five rows of weights serve both. */
  function addTwo(left, right, weights, row, inputs, from, channels) {
    const width = left.length;
    for (let i = from, p = row; i < from + TAPS * channels; i += 5, p += 5 * width) {
      const q = p + width, r = q + width, s = r + width, t = s + width, n = i + channels;
      const a = inputs[i], b = inputs[i + 1], c = inputs[i + 2], d = inputs[i + 3], e = inputs[i + 4];
      const A = inputs[n], B = inputs[n + 1], C = inputs[n + 2], D = inputs[n + 3], E = inputs[n + 4];
      for (let j = 0; j < width; j++) {
        const v = weights[p + j], w = weights[q + j], x = weights[r + j], y = weights[s + j], z = weights[t + j];
        left[j] += a * v + b * w + c * x + d * y + e * z;
        right[j] += A * v + B * w + C * x + D * y + E * z;
      }
    }
  }

  /** A convolution, ReLU, and the largest of each 2×2, with the place that it came from (−1: none). */
  function* convolved({ side, channels, filters, weights, bias }, input) {
    const out = new Float64Array((side * side * filters) / 4), from = new Int16Array(out.length).fill(-1);
    const line = side * channels, wide = (side + 4) * channels, framed = new Float64Array(wide * (side + 4));
    for (let row = 0; row < side; row++)
      framed.set(input.subarray(row * line, (row + 1) * line), (row + REACH) * wide + REACH * channels);
    const left = new Float64Array(filters), right = new Float64Array(filters);

    function keep(sums, at, place) {
      for (let f = 0; f < filters; f++)
        if (sums[f] > out[at + f]) { // of equal sums the first stays, as TensorFlow has it
          out[at + f] = sums[f];
          from[at + f] = place;
        }
    }

    yield* cells(side, (cell, top, column) => {
      for (const row of [top, top + 1]) {
        left.set(bias);
        right.set(bias);
        for (let dy = 0; dy < TAPS; dy++)
          addTwo(left, right, weights, dy * TAPS * channels * filters, framed, (row + dy) * wide + column * channels, channels);
        keep(left, cell * filters, row * side + column);
        keep(right, cell * filters, row * side + column + 1);
      }
    });
    return { out, from };
  }

  /** sums[at + j] += Σ values[k] · weights[rows[k] + j], over n rows and j < width: four at once. */
  function add(sums, at, width, weights, rows, values, n) {
    values.fill(0, n, n + 3);
    for (let k = 0; k < n; k += 4) {
      const a = values[k], b = values[k + 1], c = values[k + 2], d = values[k + 3];
      const p = rows[k], q = rows[k + 1], r = rows[k + 2], s = rows[k + 3];
      for (let j = 0; j < width; j++)
        sums[at + j] += a * weights[p + j] + b * weights[q + j] + c * weights[r + j] + d * weights[s + j];
    }
  }

  /** A dense layer of what is above 0 in the input. */
  function weighed({ inputs, outputs, weights, bias }, input) {
    const sums = Float64Array.from(bias), rows = new Int32Array(inputs), values = new Float64Array(inputs);
    let n = 0;
    for (let i = 0; i < inputs; i++)
      if (input[i] > 0) {
        rows[n] = i * outputs;
        values[n++] = input[i];
      }
    add(sums, 0, outputs, weights, rows, values, n);
    return sums;
  }

  function* forward(net, x) {
    const first = yield* convolved(net.first, x);
    const second = yield* convolved(net.second, first.out);
    const hidden = weighed(net.third, second.out);
    yield;
    return { first, second, hidden, z: weighed(net.last, hidden) };
  }

  /** The slope at a dense layer's input: 0 where a ReLU gave 0. */
  function weighedBack({ inputs, outputs, weights }, slope, input) {
    const back = new Float64Array(inputs), on = Int32Array.from(slope.keys()).filter((j) => slope[j] !== 0);
    for (let i = 0; i < inputs; i++)
      if (input[i] > 0) {
        let sum = 0;
        for (let k = 0, row = i * outputs; k < on.length; k++) sum += slope[on[k]] * weights[row + on[k]];
        back[i] = sum;
      }
    return back;
  }

  /** The slope at a convolution's input: from the place that each value came from, through the kernel. */
  function* convolvedBack({ side, channels, filters, turned }, slope, from) {
    const back = new Float64Array(side * side * channels);
    const on = new Int32Array(filters), rows = new Int32Array(filters), values = new Float64Array(filters);

    function spread(cell, row, column) {
      let n = 0;
      for (let f = 0, i = cell * filters; f < filters; f++, i++)
        if (from[i] === row * side + column) {
          on[n] = f;
          values[n++] = slope[i];
        }
      for (let tap = 0; n && tap < TAPS * TAPS; tap++) {
        const y = row + Math.floor(tap / TAPS) - REACH, x = column + (tap % TAPS) - REACH;
        if (y < 0 || y >= side || x < 0 || x >= side) continue;
        for (let k = 0; k < n; k++) rows[k] = (tap * filters + on[k]) * channels;
        add(back, (y * side + x) * channels, channels, turned, rows, values, n);
      }
    }

    yield* cells(side, (cell, row, column) => {
      for (let corner = 0; corner < 4; corner++) spread(cell, row + (corner >> 1), column + (corner & 1));
    });
    return back;
  }

  /** Logits z, and the gradient g of L = log Σ exp z_k − z_y, the sum over the classes k other than y. */
  function* sloped(net, x, y) {
    const { first, second, hidden, z } = yield* forward(net, x);
    const seed = softmax(z.map((value, k) => (k === y ? -Infinity : value))); // nothing cancels, however sure it is
    seed[y] = -1;
    const atSecond = weighedBack(net.third, weighedBack(net.last, seed, hidden), second.out);
    yield;
    const atFirst = yield* convolvedBack(net.second, atSecond, second.from);
    return { z, g: yield* convolvedBack(net.first, atFirst, first.from) };
  }

  function softmax(z) {
    const top = Math.max(...z), parts = z.map((value) => Math.exp(value - top));
    const sum = parts.reduce((a, b) => a + b);
    return parts.map((value) => value / sum);
  }

  /** The class that logits name; −1 where they are not finite. */
  function label(z) {
    return z.every(Number.isFinite) ? z.indexOf(Math.max(...z)) : -1;
  }

  /** Whole grey levels, as a file keeps them: clamped arrays round as NumPy does. */
  function toBytes(x) {
    return new Uint8Array(Uint8ClampedArray.from(x, (value) => Math.fround(value * 255)));
  }

  const rounded = (x) => Float32Array.from(toBytes(x), (level) => level / 255);

  /** One step, in single precision as in Python; whether it moved anything. */
  function step(x, x_adv, g, { eps, alpha, rule, target }) {
    const { fround } = Math, size = fround(target === null ? alpha : -alpha), far = fround(eps);
    const largest = fround(g.reduce((most, value) => Math.max(most, Math.abs(value)), 0));
    let moved = false;
    for (let i = 0; i < x.length; i++) {
      const direction = rule === "sign" ? Math.sign(g[i]) : fround(fround(g[i]) / largest);
      const there = fround(x_adv[i] + fround(size * direction));
      const near = Math.min(fround(x[i] + far), Math.max(fround(x[i] - far), there));
      const after = Math.min(1, Math.max(0, near));
      moved ||= x_adv[i] !== after;
      x_adv[i] = after;
    }
    return moved;
  }

  /** The step where none is asked for: in twenty, drawn digits fall at about the same ε by either rule. */
  const longest = (eps, rule) => (rule === "sign" ? eps / 4 : eps);

  /**
   * advlib's iterative_attack: uphill on the loss of y, or downhill on that of a target, until the network is fooled.
   * Yields {step, x_adv, z, fooled, stalled, done} after each gradient.  With eightBits the rounded image has to fool,
   * and the last that it yields is rounded.
   */
  function* attack(net, x, { y, target = null, eps, steps, rule = "gradient", alpha = longest(eps, rule), eightBits = true }) {
    const x_adv = Float32Array.from(x), goal = target ?? y;
    const reached = (z) => (target === null ? label(z) !== y && label(z) >= 0 : label(z) === target);

    function* ended(count, stalled) {
      const last = eightBits ? rounded(x_adv) : x_adv, { z } = yield* forward(net, last);
      return { step: count, x_adv: last, z, fooled: reached(z), stalled, done: true };
    }

    /** Whether rounding, half a level a pixel at most, could fool where x_adv does not: by the slope. */
    function mayFall(z, g) {
      const loss = Math.log(z.reduce((sum, value, k) => (k === goal ? sum : sum + Math.exp(value - z[goal])), 0));
      const most = g.reduce((sum, value) => sum + Math.abs(value), 0) / 510;
      return target === null ? loss + most > 0 : loss - most < Math.log(9);
    }

    if (eps === 0) steps = 0;
    for (let count = 0; count < steps; count++) {
      const { z, g } = yield* sloped(net, x_adv, goal);
      if (reached(z) || (eightBits && mayFall(z, g))) {
        const end = yield* ended(count, false);
        if (end.fooled) return yield end;
      }
      if (!g.some(Boolean) || ![...z, ...g].every(Number.isFinite)) return yield yield* ended(count, true); // stalled
      yield { step: count, x_adv: x_adv.slice(), z, fooled: false, stalled: false, done: false };
      if (!step(x, x_adv, g, { eps, alpha, rule, target })) break; // nor would the steps that are left
    }
    yield yield* ended(steps, false);
  }

  /** Tries every whole level: yields {level, step}, and in the end the first level that fools, or null. */
  function* smallest(net, x, { most = 255, ...how }) {
    let found = null;
    for (let level = 0; level <= most; level++) {
      for (const now of attack(net, x, { ...how, eps: level / 255, eightBits: true })) {
        if (now) found = now;
        yield now && { level, step: now.step, done: false };
      }
      if (found.fooled) return yield { ...found, level };
    }
    yield { ...found, level: null };
  }

  function finish(work) {
    for (let now; ; ) if ((now = work.next()).done) return now.value;
  }
  return {
    network, softmax, label, toBytes, forward, attack, smallest,
    logits: (net, x) => finish(forward(net, x)).z,
    gradient: (net, x, y) => finish(sloped(net, x, y)),
  };
}
if (typeof module === "object") module.exports = engine;
