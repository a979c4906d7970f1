// What a drawing is, without the page around it: its 28×28 cells, the brush, the way MNIST's digits were centred, what a
// link and a file hold, how a count is judged, and the two controls.  Nothing here knows the network or the document.

function drawing() {
  "use strict";
  const SIDE = 28, CELLS = SIDE * SIDE;
  const INK = 15;  // a cell has 16 levels, 0 … 15: four bits, so that a link can hold all 784
  const GREY = 255 / INK;  // levels of ink to grey levels: 17, a whole number
  const BOX = 20;  // MNIST's digits were scaled to fit a box of 20×20

  // ------------------------------------------------------------------ the brush
  const PEN = 1.4, RUBBER = 2.4;  // radii, in cells: along the same line one takes away all that the other drew

  /** Draw, or rub out, along the line from one point to another (in cells; the first one's middle is at 0.5, 0.5). */
  function stroke(grid, x0, y0, x1, y1, {rub = false} = {}) {
    const radius = rub ? RUBBER : PEN, reach = radius + 0.5;
    const from = v => Math.max(0, Math.floor(v - reach)), to = v => Math.min(SIDE - 1, Math.ceil(v + reach));
    for (let row = from(Math.min(y0, y1)); row <= to(Math.max(y0, y1)); row++) {
      for (let column = from(Math.min(x0, x1)); column <= to(Math.max(x0, x1)); column++) {
        const cell = row * SIDE + column, far = distance(column + 0.5, row + 0.5, x0, y0, x1, y1);
        const cover = Math.round(INK * Math.min(1, Math.max(0, reach - far)));  // a soft edge, one cell wide
        grid[cell] = rub ? Math.min(grid[cell], INK - cover) : Math.max(grid[cell], cover);
      }
    }
    return grid;
  }

  function distance(x, y, x0, y0, x1, y1) {
    const dx = x1 - x0, dy = y1 - y0, length = dx * dx + dy * dy;
    const t = length ? Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / length)) : 0;
    return Math.hypot(x - x0 - t * dx, y - y0 - t * dy);
  }

  const empty = () => new Uint8Array(CELLS);
  const blank = some => some.every(value => value == 0);

  /** A grid's grey levels, 0 … 255. */
  const grey = grid => Uint8Array.from(grid, ink => ink * GREY);

  // ------------------------------------------------------------------ as MNIST's digits were centred
  /** The box around the ink, [left, top, right, bottom]; null where there is none. */
  function extent(bytes) {
    const columns = [], rows = [];
    bytes.forEach((ink, i) => ink && (columns.push(i % SIDE), rows.push(Math.floor(i / SIDE))));
    return rows.length ? [Math.min(...columns), rows[0], Math.max(...columns) + 1, rows.at(-1) + 1] : null;
  }

  /**
   * The digit scaled into a box of 20×20, its proportions kept, and moved by whole pixels until its centre of mass lies in
   * the pixel (14, 14), but no further than the picture's edge.  A digit of MNIST's comes back as it is.
   */
  function centre(bytes) {
    const out = new Uint8Array(CELLS), box = extent(bytes);
    if (!box) return out;
    const [left, top, right, bottom] = box, scale = BOX / Math.max(right - left, bottom - top);
    const width = Math.max(1, Math.round(scale * (right - left))), height = Math.max(1, Math.round(scale * (bottom - top)));
    const across = taps(right - left, width), down = taps(bottom - top, height);
    const digit = new Uint8Array(width * height);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        let sum = 0;
        for (const [y, high] of down[row]) {
          for (const [x, wide] of across[column]) sum += high * wide * bytes[(top + y) * SIDE + left + x];
        }
        digit[row * width + column] = Math.round(sum);
      }
    }
    const [x, y] = mass(digit, width);
    const begin = (middle, size) => Math.min(Math.max(0, SIDE / 2 - Math.floor(middle)), SIDE - size);  // nothing leaves
    const first = begin(y, height) * SIDE + begin(x, width);
    digit.forEach((grey, i) => out[first + Math.floor(i / width) * SIDE + i % width] = grey);
    return out;
  }

  /** The centre of mass; the first pixel's middle is at 0.5, 0.5. */
  function mass(digit, width) {
    let sum = 0, x = 0, y = 0;
    digit.forEach((grey, i) => (sum += grey, x += grey * (i % width + 0.5), y += grey * (Math.floor(i / width) + 0.5)));
    return sum ? [x / sum, y / sum] : [width / 2, digit.length / width / 2];
  }

  /** For each of so many new pixels along an axis what it takes of the old: a triangle, as wide as a coarser pixel. */
  function taps(old, size) {
    const pace = old / size, reach = Math.max(1, pace);
    return Array.from({length: size}, (_, to) => {
      const at = (to + 0.5) * pace, weights = [];
      for (let from = 0; from < old; from++) {
        const weight = 1 - Math.abs(from + 0.5 - at) / reach;
        if (weight > 0) weights.push([from, weight]);
      }
      const sum = weights.reduce((sum, [, weight]) => sum + weight, 0);
      return weights.map(([from, weight]) => [from, weight / sum]);
    });
  }

  // ------------------------------------------------------------------ noise, and its two controls
  /** Grey levels with a noise (in shares of the range) laid over them, clipped and rounded: what a file can hold. */
  const add = (bytes, noise) =>
    Uint8Array.from(bytes, (grey, i) => Math.min(255, Math.max(0, Math.round(grey + 255 * noise[i]))));

  /** A small generator of random numbers in [0, 1) that begins alike for the same seed ("mulberry32"). */
  function random(seed) {
    let state = seed >>> 0;
    return () => {
      state = state + 0x6D2B79F5 | 0;
      let t = Math.imul(state ^ state >>> 15, 1 | state);
      t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
      return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
    };
  }

  /** The first control: every pixel brighter or darker by ε, as a coin falls. */
  function coins(levels, seed) {
    const next = random(2 * seed);
    return Float32Array.from({length: CELLS}, () => (next() < 0.5 ? -levels : levels) / 255);
  }

  /** The second: the pixels of a noise, each in another place. */
  function shuffled(noise, seed) {
    const next = random(2 * seed + 1), out = Float32Array.from(noise);
    for (let i = out.length - 1; i > 0; i--) {
      const j = Math.floor(next() * (i + 1));
      [out[i], out[j]] = [out[j], out[i]];
    }
    return out;
  }

  /** How strong what was added is, of pixels in grey levels: equation (4) of the paper. */
  const rms = (clean, noisy) => Math.sqrt(clean.reduce((sum, grey, i) => sum + (noisy[i] - grey) ** 2, 0) / CELLS) / 255;

  // ------------------------------------------------------------------ a count and its interval
  /** Wilson's 95 % interval of k in n (1927), low and high. */
  function wilson(k, n) {
    const z = 1.959963984540054, share = k / n, spread = z * Math.sqrt(share * (1 - share) / n + (z / n / 2) ** 2);
    const middle = share + z * z / n / 2, whole = 1 + z * z / n;
    return [k ? (middle - spread) / whole : 0, k < n ? (middle + spread) / whole : 1];
  }

  // ------------------------------------------------------------------ a link
  const CODE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const PREFIX = "#d=";  // other fragments are places on the page
  const NONE = 15;

  /** All that the page shows as a link's fragment: the drawing, the settings, and a sum by which damage is found. */
  function pack({grid, centred, rule, levels, steps, target, common, size, seed}) {
    const bytes = new Uint8Array(CELLS / 2 + 9);
    for (let i = 0; i < CELLS; i += 2) bytes[i / 2] = grid[i] << 4 | grid[i + 1];
    const settings = [
      (centred ? 1 : 0) | (rule == "sign" ? 2 : 0), levels, steps, (target ?? NONE) << 4 | (common ?? NONE), size,
      seed >> 8, seed & 255,
    ];
    bytes.set(settings, CELLS / 2);
    const sum = check(bytes.subarray(0, -2));
    bytes.set([sum >> 8, sum & 255], bytes.length - 2);
    return PREFIX + encode(bytes);
  }

  /** The reverse; null where the fragment is not whole, or holds what no page has packed. */
  function unpack(fragment) {
    const bytes = fragment.startsWith(PREFIX) ? decode(fragment.slice(PREFIX.length)) : null;
    if (!bytes || bytes.length != CELLS / 2 + 9) return null;
    if (check(bytes.subarray(0, -2)) != (bytes.at(-2) << 8 | bytes.at(-1))) return null;
    const grid = empty();
    for (let i = 0; i < CELLS; i += 2) [grid[i], grid[i + 1]] = [bytes[i / 2] >> 4, bytes[i / 2] & 15];
    const [flags, levels, steps, classes, size, high, low] = bytes.subarray(CELLS / 2);
    const target = classes >> 4 == NONE ? null : classes >> 4, common = (classes & 15) == NONE ? null : classes & 15;
    if (flags > 3 || !levels || levels > 128 || !steps || steps > 60 || target > 9 || common > 9 || size > 15) return null;
    return {
      grid, centred: Boolean(flags & 1), rule: flags & 2 ? "sign" : "gradient", levels, steps, target, common, size,
      seed: high << 8 | low,
    };
  }

  function encode(bytes) {
    let text = "", held = 0, bits = 0;
    for (const byte of bytes) {
      held = held << 8 | byte, bits += 8;
      for (; bits >= 6; bits -= 6) text += CODE[held >> bits - 6 & 63];
      held &= (1 << bits) - 1;
    }
    return bits ? text + CODE[held << 6 - bits & 63] : text;
  }

  function decode(text) {
    const bytes = [];
    let held = 0, bits = 0;
    for (const letter of text) {
      const value = CODE.indexOf(letter);
      if (value < 0) return null;
      held = held << 6 | value, bits += 6;
      if (bits >= 8) bytes.push(held >> (bits -= 8) & 255);
      held &= (1 << bits) - 1;
    }
    return Uint8Array.from(bytes);
  }

  /** Fletcher's sum: two letters that change places change it too. */
  function check(bytes) {
    let one = 1, two = 0;
    for (const byte of bytes) one = (one + byte) % 251, two = (two + one) % 251;
    return two << 8 | one;
  }

  // ------------------------------------------------------------------ a file
  /** A PNG of one grey channel, 8 bits, written here: a canvas would write four channels, and may change them. */
  function png(bytes, width = SIDE, height = SIDE) {
    const rows = [];
    for (let row = 0; row < height; row++) rows.push(0, ...bytes.subarray(row * width, (row + 1) * width));
    const size = [rows.length & 255, rows.length >> 8];
    let one = 1, two = 0;
    for (const byte of rows) one = (one + byte) % 65521, two = (two + one) % 65521;
    const stored = [0x78, 1, 1, ...size, ...size.map(byte => byte ^ 255), ...rows, ...word(two * 65536 + one)];
    return Uint8Array.from([
      137, 80, 78, 71, 13, 10, 26, 10,
      ...chunk("IHDR", [...word(width), ...word(height), 8, 0, 0, 0, 0]), ...chunk("IDAT", stored), ...chunk("IEND", []),
    ]);
  }

  const word = n => [n >>> 24 & 255, n >>> 16 & 255, n >>> 8 & 255, n & 255];

  function chunk(name, data) {
    const body = [...[...name].map(letter => letter.charCodeAt(0)), ...data];
    let crc = -1;
    for (const byte of body) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    return [...word(data.length), ...body, ...word(~crc)];
  }

  /** A table as a file: the keys of the first row are its head. */
  const csv = rows => [Object.keys(rows[0] ?? {}), ...rows.map(row => Object.values(row))].map(row => row.join(",") + "\r\n").join("");

  // ------------------------------------------------------------------ digits drawn by us
  // Each stroke is a smooth curve through its points (in a field of 100×100); "/" lifts the pen, "|" makes a corner.
  const DRAWN = [
    [0, "52 12 30 22 22 50 32 80 52 88 72 76 78 48 68 20 48 13"],
    [0, "66 16 46 16 30 40 26 68 38 86 56 78 72 52 74 28 62 14 50 16"],
    [1, "52 10 51 50 50 90"],
    [1, "32 30 52 10 | 52 10 51 50 50 88 / 30 89 50 88 72 89"],
    [2, "26 30 38 14 58 13 70 28 62 50 42 70 24 86 | 24 86 50 85 78 86"],
    [2, "24 26 40 12 62 16 68 34 54 58 32 80 22 76 34 68 52 80 78 84"],
    [3, "26 18 48 11 66 20 62 38 44 47 | 44 47 66 54 72 72 56 88 24 84"],
    [3, "28 14 50 13 72 14 | 72 14 60 28 46 42 | 46 42 66 48 74 66 62 84 42 89 26 80"],
    [4, "32 12 26 34 24 54 | 24 54 50 56 78 53 / 66 12 64 50 62 90"],
    [4, "60 10 42 36 20 62 | 20 62 48 62 80 62 / 60 10 59 50 58 90"],
    [5, "70 13 34 14 | 34 14 30 44 | 30 44 54 40 72 56 68 78 48 89 24 82"],
    [5, "76 14 56 16 44 18 | 44 18 36 44 | 36 44 54 44 64 58 58 76 40 88 20 86"],
    [6, "64 10 42 28 28 56 34 80 54 88 70 74 64 56 46 54 31 66"],
    [6, "48 10 36 36 32 64 38 84 54 88 68 76 66 62 52 56 38 64 33 76"],
    [7, "22 18 48 17 76 16 | 76 16 62 42 50 66 42 90"],
    [7, "24 16 50 15 74 15 | 74 15 60 46 46 90 / 36 52 52 50 68 50"],
    [8, "66 22 48 11 32 22 38 38 56 50 70 68 62 84 46 88 30 78 34 62 52 48 66 34 66 20"],
    [8, "50 12 36 20 36 36 50 44 64 36 64 20 50 12 / 50 44 32 56 30 76 50 89 70 76 68 56 50 44"],
    [9, "68 24 48 12 30 26 32 46 50 52 66 40 68 24 | 68 24 66 56 60 90"],
    [9, "66 26 50 13 34 24 34 42 50 50 64 40 67 22 | 67 22 72 50 64 78 46 90 30 82"],
  ];

  /** Points along the smooth curve through the given ones (Catmull and Rom's). */
  function curve(points) {
    const out = [points[0]];
    for (let i = 0; i + 1 < points.length; i++) {
      const [a, b, c, d] = [points[i - 1] ?? points[i], points[i], points[i + 1], points[i + 2] ?? points[i + 1]];
      for (let t = 0.1; t < 1.05; t += 0.1) {
        out.push([0, 1].map(k => b[k] + t * (c[k] - a[k]) / 2 + t * t * (2 * a[k] - 5 * b[k] + 4 * c[k] - d[k]) / 2
          + t * t * t * (3 * b[k] - a[k] - 3 * c[k] + d[k]) / 2));
      }
    }
    return out;
  }

  /** A digit of ours as a grid, drawn by the same brush as the reader's. */
  function written(strokes) {
    const grid = empty();
    for (const part of strokes.split(/[/|]/)) {
      const numbers = part.trim().split(" ").map(Number), points = [];
      for (let i = 0; i < numbers.length; i += 2) points.push([numbers[i] * SIDE / 100, numbers[i + 1] * SIDE / 100]);
      const along = curve(points);
      for (let i = 1; i < along.length; i++) stroke(grid, ...along[i - 1], ...along[i]);
    }
    return grid;
  }

  /** Each is drawn when it is first asked for. */
  const gallery = DRAWN.map(([meant, strokes]) => {
    let grid;
    return {meant, get grid() { return grid ??= written(strokes); }};
  });

  return {
    SIDE, CELLS, PREFIX, stroke, empty, blank, grey, centre, add, coins, shuffled, rms, wilson, pack, unpack,
    png, csv, gallery,
  };
}

if (typeof module != "undefined") module.exports = drawing;
