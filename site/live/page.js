// The page that computes: what the reader draws and sets, what the network says to it, and how it is shown.
// The network is a Net (client.js); what a drawing is stands in drawing.js.  Nothing is asked for after the page has loaded.

(() => {
  "use strict";
  const root = document.getElementById("live");
  if (!root) return;
  const art = drawing(), SIDE = art.SIDE;
  const part = name => document.getElementById(`live-${name}`);
  const make = (tag, more = {}, ...inside) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(more)) {
      if (name.startsWith("aria-")) element.setAttribute(name, value);  // Firefox has its properties since 119
      else element[name] = value;
    }
    element.append(...inside);
    return element;
  };
  const shown = levels => `${(levels / 255).toFixed(2)} (${levels}/255)`;  // ε, in both units
  const percent = p => `${(100 * p).toFixed(2)} %`;
  const a = digit => `${digit == 8 ? "an" : "a"} ${digit}`;
  const many = (n, what) => `${n} ${what}${n == 1 ? "" : "s"}`;

  // ------------------------------------------------------------------ what there is
  const sizes = () => LIVE.noises?.levels ?? [];
  const state = {  // a link holds these
    grid: art.empty(), centred: true, rule: "gradient", levels: 8, steps: 20, target: null, common: null, size: 9, seed: 1,
  };
  const page = {
    net: null, picture: null, rubbing: false, undo: [], redo: [], row: 14, column: 14,
    seen: new Uint8Array(art.CELLS), reading: null, attack: null, meant: null, about: "draw",
  };

  const inked = () => page.picture ?? art.grey(state.grid);
  const isBlank = () => art.blank(inked());
  const image = bytes => Float32Array.from(bytes, grey => grey / 255);
  const how = levels => ({y: page.reading.label, eps: levels / 255, steps: state.steps, rule: state.rule});

  // ------------------------------------------------------------------ what is said
  let saying;
  /** One sentence for those who listen, once it has been quiet for a moment, and only of what they have just changed. */
  function say(about, sentence) {
    if (about != page.about) return;
    clearTimeout(saying);
    saying = setTimeout(() => { part("said").textContent = sentence; }, 500);
  }

  const troubles = {};
  function trouble(kind, sentence) {
    troubles[kind] = sentence;
    part("trouble").textContent = Object.values(troubles).filter(Boolean).join(" ");
    part("trouble").hidden = !part("trouble").textContent;
  }

  // ------------------------------------------------------------------ pictures
  // ColorBrewer's RdBu, as in the notebooks: blue is darker, red is brighter, and full at 0.3
  const MAP = [
    [5, 48, 97], [33, 102, 172], [67, 147, 195], [146, 197, 222], [209, 229, 240], [247, 247, 247], [253, 219, 199],
    [244, 165, 130], [214, 96, 77], [178, 24, 43], [103, 0, 31],
  ];
  const SHADES = Array.from({length: 256}, (_, i) => {
    const at = i / 255 * (MAP.length - 1), low = Math.min(Math.floor(at), MAP.length - 2);
    return MAP[low].map((one, k) => one + (at - low) * (MAP[low + 1][k] - one));
  });
  const GREYS = Array.from({length: 256}, (_, i) => [i, i, i]);
  const image_data = new ImageData(SIDE, SIDE);
  image_data.data.fill(255);

  /** Paint a canvas of 28×28, each pixel by its place in a list of 256 colours; the style sheet makes it larger. */
  function paint(canvas, colours, place) {
    for (let i = 0; i < art.CELLS; i++) image_data.data.set(colours[place(i)], 4 * i);
    canvas.getContext("2d").putImageData(image_data, 0, 0);
  }

  const grey = (canvas, bytes) => paint(canvas, GREYS, i => bytes[i]);
  const signed = (canvas, noise) => paint(canvas, SHADES, i => Math.round(Math.min(255, Math.max(0, 127.5 + 425 * noise[i]))));
  const NOTHING = new Float32Array(art.CELLS);

  function canvas(label) {
    const element = make("canvas", {width: SIDE, height: SIDE});
    if (!label) element.setAttribute("aria-hidden", "true");
    else element.setAttribute("role", "img"), element.setAttribute("aria-label", label);
    return element;
  }

  /** Fill a table of ten probabilities; null empties it. */
  function bars(table, p, was, fooled) {
    const top = p ? p.indexOf(Math.max(...p)) : -1;
    [...table.tBodies[0].rows].forEach((row, k) => {
      const [level, words] = row.cells[1].children;
      put(row, "className", k != top ? "" : fooled ? "top fooled" : "top");
      vary(level, "--p", p ? p[k] : 0);
      vary(level, "--was", was ? was[k] : 0);
      level.classList.toggle("much", Boolean(was) && was[k] > 0.01);
      put(words, "textContent", p ? percent(p[k]) : "–");
    });
  }

  /** Changes only what differs: whatever is set, the browser lays out again. */
  function put(node, name, value) {
    if (node[name] !== value) node[name] = value;
  }

  function vary({style}, name, share) {
    const value = share.toFixed(3);
    if (style.getPropertyValue(name) !== value) style.setProperty(name, value);
  }

  /** A digit in large, and how probable it is. */
  function named(element, digit, p, fooled = false) {
    element.classList.toggle("fooled", fooled);
    element.replaceChildren(...(digit === null ? [] : [make("b", {textContent: digit}), ` ${percent(p)}`]));
  }

  function build(table, was) {
    table.append(make("tbody", {}, ...[...Array(10).keys()].map(k => make("tr", {},
      make("th", {scope: "row", textContent: k}),
      make("td", {}, make("span", {className: was ? "level was" : "level", "aria-hidden": "true"}), make("span", {textContent: "–"}))))));
  }

  // ------------------------------------------------------------------ one thing after another
  /**
   * Run the newest of many requests: one that has just begun is let finish, so that there is something to see while a
   * slider moves; one that has taken long makes room.
   */
  function newest(work) {
    let wanted = false, running = 0, begun = 0, run = 0;
    return async function request() {
      if (running && performance.now() - begun < 250) return void (wanted = true);
      const mine = ++run;
      running++, busy(1);
      do {
        wanted = false, begun = performance.now();
        try {
          await work(() => mine == run);
        } catch (why) {
          if (why !== Net.STALE) stopped(why);
        }
      } while (wanted && mine == run);
      running--, busy(-1);
    };
  }

  const already = target => `It is read as ${a(target)} already: choose another digit to lead it to.`;

  let going = 0;
  /** The page says of itself whether what it shows is still to change. */
  function busy(more) {
    going += more;
    root.dataset.busy = going > 0;
  }

  function stopped(why) {
    page.net = null;
    trouble("network", "The network has stopped. Reload the page to go on.");
    console.error(why);
  }

  // ------------------------------------------------------------------ read
  const lack = () => isBlank() ? "Draw something first." : "The network has not read it yet.";

  /** After each change of the drawing; what follows from the reading waits until the pen is lifted. */
  function redraw() {
    const bytes = inked();
    grey(part("board"), bytes);
    part("here").hidden = !isBlank();
    part("clear").disabled = isBlank();
    part("undo").disabled = !page.undo.length || Boolean(page.picture);
    part("redo").disabled = !page.redo.length || Boolean(page.picture);
    part("picture").hidden = !page.picture;
    part("sheet").classList.toggle("shut", Boolean(page.picture));
    part("centre").disabled = Boolean(page.picture);
    page.seen = state.centred && !page.picture ? art.centre(bytes) : bytes;
    grey(part("seen"), page.seen);
    grey(part("clean"), page.seen);
    read();
  }

  const read = newest(async () => {
    if (isBlank()) return forget();
    if (!page.net) return bare(lack());
    const seen = page.seen, {p, label} = await page.net.read(image(seen));
    if (seen !== page.seen) return read();
    page.reading = {p: [...p], label, seen};
    page.attack = null;
    if (!searching) part("search").textContent = "";
    bars(part("bars"), page.reading.p);
    for (const name of ["reading", "before"]) named(part(name), label, p[label]);
    part("chip").textContent = `reads ${label}, ${percent(p[label])}`;
    say("draw", `The network reads ${a(label)}, ${percent(p[label])}.`);
    for (const option of part("target").options) option.disabled = option.value == String(label);
    snippet();
    if (!strokes.size) follow();
  });

  function follow() {
    attack();
    common();
    mayAdd();
  }

  /** A blank canvas has no verdict at all. */
  function forget() {
    page.reading = page.meant = null;
    if (!searching) part("search").textContent = "";
    bars(part("bars"), null);
    for (const name of ["reading", "before"]) named(part(name), null);
    bare(lack());
    part("chip").textContent = "";
    for (const kind of kinds) show(kind, null);
    say("draw", "The canvas is empty.");
    snippet();
    mayAdd();
  }

  // ------------------------------------------------------------------ attack
  /** No noise, and why. */
  function bare(why) {
    page.attack = null;
    bars(part("noisy-bars"), null);
    for (const name of ["strength", "after"]) named(part(name), null);
    part("told").textContent = why;
    signed(part("noise"), NOTHING);
    grey(part("noisy"), page.seen);
  }

  const attack = newest(async current => {
    if (!page.reading || !page.net || counting) return;
    const {reading} = page, {target, levels} = state;
    if (target == reading.label) return bare(already(target));
    if (!page.attack) part("told").textContent = "One moment …";
    const found = await page.net.attack(image(reading.seen), {...how(levels), target}, now => {
      if (current() && page.reading === reading) picture(reading.seen, now);
    });
    if (!current() || page.reading !== reading) return;
    page.attack = {...found, levels, reading};
    picture(reading.seen, found);
    verdict(page.attack);
    snippet();
  });

  function picture(clean, {x_adv, p, label, fooled}) {
    grey(part("noisy"), x_adv.map(share => Math.round(255 * share)));
    signed(part("noise"), x_adv.map((share, i) => share - clean[i] / 255));
    if (!p) return;
    bars(part("noisy-bars"), [...p], page.reading.p, fooled);
    named(part("after"), label, p[label], fooled);
    part("strength").textContent = `RMS ${art.rms(clean, x_adv.map(share => 255 * share)).toFixed(3)}`;
  }

  function verdict({fooled, label, p, step, rms, stalled, levels, reading}) {
    const sentence = fooled ? `At step ${step} it fell: ${a(label)} is read in place of ${a(reading.label)}.`
      : stalled ? "There is no slope to follow here: the gradient is exactly zero, and no step can be taken."
        : label == reading.label ? `Still ${a(label)} after ${many(step, "step")}.`
          : `Read as ${a(label)} after ${many(step, "step")}: no longer ${a(reading.label)}, but not yet ${a(state.target)}.`;
    const astray = !fooled && label != reading.label, mark = badge(fooled, astray ? "misread, not as wanted" : undefined);
    part("told").replaceChildren(mark, ` ${sentence}`);
    say("attack", `ε ${shown(levels)}: ${mark.textContent}. ${sentence} Its probability is ${percent(p[label])}; the noise’s RMS ${rms.toFixed(3)}.`);
  }

  const badge = (fooled, told = fooled ? "fooled" : "not fooled") => make("strong", {className: fooled ? "badge fooled" : "badge", textContent: told});

  let searching = false;
  async function search() {
    if (searching) return page.net.cancel("smallest");
    if (!page.reading) return void (part("search").textContent = lack());
    const {reading} = page, {target} = state, {y, steps, rule} = how(1), most = Number(part("eps").max);
    if (target == y) return void (part("search").textContent = already(target));
    say("attack", "Trying every grey level.");
    searching = true;
    part("smallest").textContent = "Stop";
    try {
      const {level} = await page.net.smallest(image(reading.seen), {y, steps, rule, target, most}, now => {
        part("search").textContent = `Trying every grey level: ${shown(now.level)} …`;
      });
      if (page.reading !== reading) part("search").textContent = "The drawing has changed: search again.";
      else if (target != state.target || steps != state.steps || rule != state.rule) {
        part("search").textContent = "The settings have changed: search again.";
      } else if (level === null) part("search").textContent = `No ε up to ${shown(most)} fools it in ${many(steps, "step")}.`;
      else {
        part("search").textContent = `The smallest that fools it: ε = ${shown(level)}.`;
        set("levels", level);
        await attack();
      }
      say("attack", part("search").textContent);
    } catch (why) {
      if (why !== Net.STALE) throw why;
      part("search").textContent = "Stopped.";
    } finally {
      searching = false;
      part("smallest").textContent = "Find the smallest ε that fools";
    }
  }

  // ------------------------------------------------------------------ common noise, and its controls
  const kinds = ["common", "random", "shuffled"];
  const TITLES = {common: "common noise", random: "random ±ε", shuffled: "its pixels shuffled"};

  function columns() {
    for (const kind of kinds) {
      part("three").append(make("div", {id: `live-${kind}-noise`},
        make("h3", {textContent: TITLES[kind]}), canvas(`${TITLES[kind]}, alone`), canvas(`Your digit with it: ${TITLES[kind]}`),
        make("p", {className: "verdict"})));
    }
  }

  /** The three noises for a class, at the ε that is set. */
  function three(digit) {
    const most = sizes()[state.size] / 255;  // ε = 0.30 is 76.5 levels, and what is shown is a whole one
    const noise = Net.noise(digit, state.size).map(value => Math.min(most, Math.max(-most, value)));
    return {common: noise, random: art.coins(sizes()[state.size], state.seed), shuffled: art.shuffled(noise, state.seed)};
  }

  const common = newest(async current => {
    if (!page.reading || !page.net || !LIVE.noises) return;
    const {reading} = page, digit = state.common ?? reading.label, noises = three(digit), found = {};
    for (const kind of kinds) {
      const bytes = art.add(reading.seen, noises[kind]), {p, label} = await page.net.read(image(bytes));
      if (!current() || page.reading !== reading) return;
      found[kind] = {bytes, noise: noises[kind], label, p: p[label], fooled: label != reading.label};
      show(kind, found[kind]);
    }
    const told = kinds.map(kind => `${TITLES[kind]}: ${found[kind].fooled ? `fooled, ${a(found[kind].label)}` : "not fooled"}`);
    say("common", `Noise learned on other people’s ${digit}s, ε ${shown(sizes()[state.size])}. ${told.join("; ")}.`);
  });

  function show(kind, found) {
    const [noise, sum] = part(`${kind}-noise`).querySelectorAll("canvas"), told = part(`${kind}-noise`).querySelector(".verdict");
    signed(noise, found?.noise ?? NOTHING);
    grey(sum, found?.bytes ?? page.seen);
    named(told, found?.label ?? null, found?.p, found?.fooled);
    if (found) told.append(make("br"), badge(found.fooled));
  }

  // ------------------------------------------------------------------ the count
  const KEPT = "common-noise-tally", DRAWING = "common-noise-drawing";
  let tally = [], before = [], counting = false;  // before: what a new count has put aside

  /** What a use of the browser's store gives; null where it keeps nothing, as in some private windows. */
  function stored(use) {
    try {
      return use();
    } catch {
      return null;
    }
  }

  const remember = () => stored(() => localStorage.setItem(KEPT, JSON.stringify(tally)));

  function recall() {
    const digit = value => Number.isInteger(value) && value >= 0 && value <= 9;
    const whole = row => row.levels > 0 && ["meant", "attack", ...kinds].every(key => digit(row[key]));
    tally = stored(() => JSON.parse(localStorage.getItem(KEPT) ?? "[]").filter(whole)) ?? [];  // a damaged one is none
  }

  /** The drawing alone, as a link has it: 784 cells of four bits, six bits a letter. */
  const packed = () => art.pack(state).slice(art.PREFIX.length, art.PREFIX.length + Math.ceil(art.CELLS * 4 / 6));

  /** Why the drawing may not be counted, or "". */
  function objection() {
    const {meant, reading} = page;
    if (!reading) return "";
    if (page.picture) return "A picture is not a drawing of yours: it is not counted.";
    if (art.gallery.some(({grid}) => grid.every((ink, i) => ink == state.grid[i]))) return "This one is ours: draw your own, and count it.";
    if (meant === null) return "Which digit did you mean? Choose it, then add the drawing.";
    if (reading.label != meant) {
      return `The network reads ${a(reading.label)}, not the ${meant} that you meant: it was wrong before any noise, and is not counted.`;
    }
    const twice = tally.some(row => row.levels == sizes()[state.size] && row.drawing == packed());
    return twice ? "This drawing is counted. Draw another one." : "";
  }

  function mayAdd() {
    const why = objection();
    part("meant").value = page.meant ?? "";
    part("add").disabled = Boolean(why) || !page.reading || !LIVE.noises || counting;
    part("counted").textContent = why;
  }

  async function add() {
    const {reading} = page, levels = sizes()[state.size], digit = reading.label, found = {};
    const asked = how(levels), noises = three(digit), last = packed();  // now: the reader may go on before it is counted
    const row = {
      meant: digit, probability: reading.p[digit].toFixed(6), levels, eps: (levels / 255).toFixed(6),
      rule: state.rule, steps: state.steps, seed: state.seed, centred: state.centred,
    };
    counting = true;
    part("add").disabled = true;
    try {
      const hit = await page.net.attack(image(reading.seen), asked, () => {});
      found.attack = hit.label;
      for (const [kind, noise] of Object.entries(noises)) found[kind] = (await page.net.read(image(art.add(reading.seen, noise)))).label;
      tally.push({number: tally.length + 1, ...row, ...found, drawing: last});
      remember();
    } finally {
      counting = false;
    }
    page.about = "tally";
    count();
    attack();
    const those = tally.filter(one => one.levels == levels), fooled = kind => those.filter(one => one[kind] != one.meant).length;
    say("tally", `Counted: ${many(those.length, "drawing")} at ε ${shown(levels)}. Fooled by the attack ${fooled("attack")}, by the common noise ` +
      `${fooled("common")}, by random noise ${fooled("random")}, by the shuffled one ${fooled("shuffled")}.`);
  }

  function count() {
    const all = [...new Set(tally.map(row => row.levels))].sort((one, other) => one - other);
    for (const body of [...part("counts").tBodies]) body.remove();
    part("counts").append(...all.map(levels => {
      const rows = tally.filter(row => row.levels == levels);
      return make("tbody", {},
        make("tr", {}, make("th", {scope: "rowgroup", colSpan: 3, textContent: `ε = ${shown(levels)}`})),
        ...["attack", ...kinds].map(kind => rate(rows, kind)));
    }));
    part("csv").disabled = part("anew").disabled = part("counts").hidden = !tally.length;
    part("take").disabled = !tally.length && !before.length;
    mayAdd();
  }

  /** A line of the count: how many of them a noise fooled, and the interval, drawn and in numbers. */
  function rate(rows, kind) {
    const k = rows.filter(row => row[kind] != row.meant).length, n = rows.length, [low, high] = art.wilson(k, n);
    const line = make("span", {className: "interval", "aria-hidden": "true"});
    for (const [name, value] of Object.entries({low, high, share: k / n})) line.style.setProperty(`--${name}`, value);
    return make("tr", {}, make("th", {scope: "row", textContent: TITLES[kind] ?? "attack"}), make("td", {textContent: `${k} of ${n}`}),
      make("td", {}, line, make("span", {textContent: `${(100 * k / n).toFixed(0)} % [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`})));
  }

  // ------------------------------------------------------------------ draw
  const strokes = new Map();  // pointer to where it was last
  let drawnOn = false;  // by keys: a line drawn while Shift is held is one step to undo

  function keep() {
    page.undo.push(state.grid.slice());
    if (page.undo.length > 100) page.undo.shift();
    page.redo = [];
  }

  function change(grid) {
    state.grid = grid;
    page.about = "draw";
    trouble("link", "");
    redraw();
  }

  function replace(grid) {
    keep();
    page.picture = page.meant = null;
    change(grid);
  }

  const place = ({clientX, clientY}) => {
    const box = part("board").getBoundingClientRect();
    return [(clientX - box.left) / box.width * SIDE, (clientY - box.top) / box.height * SIDE];
  };

  const due = {};
  /** Once a frame is enough. */
  function soon(name, act) {
    if (due[name]) return;
    busy(1);
    due[name] = requestAnimationFrame(() => {
      due[name] = undefined;
      act();
      busy(-1);
    });
  }

  function press(event) {
    if (page.picture || strokes.size || event.button > 0 && event.button != 5) return;
    event.preventDefault();
    part("board").focus({preventScroll: true});
    part("board").setPointerCapture(event.pointerId);
    keep();
    page.about = "draw";
    trouble("link", "");
    strokes.set(event.pointerId, place(event));
    move(event);
  }

  function move(event) {
    if (!strokes.has(event.pointerId)) return;
    const passed = event.getCoalescedEvents?.() ?? [], rub = page.rubbing || (event.buttons & 32) > 0;  // a pen's other end
    for (const at of passed.length ? passed : [event]) {
      const to = place(at);
      art.stroke(state.grid, ...strokes.get(event.pointerId), ...to, {rub});
      strokes.set(event.pointerId, to);
    }
    soon("board", redraw);
  }

  function lift(event) {
    if (!strokes.delete(event.pointerId)) return;
    soon("board", redraw);
  }

  const ARROWS = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};

  function key(event) {
    const {key, shiftKey} = event, arrow = ARROWS[key], from = [page.column + 0.5, page.row + 0.5];
    if (event.ctrlKey || event.metaKey) {
      const step = {z: shiftKey ? redo : undo, y: redo}[key.toLowerCase()];
      if (step) event.preventDefault(), step();
      return;
    }
    if (event.altKey || !arrow && ![" ", "Enter", "Backspace", "Delete"].includes(key)) return;
    event.preventDefault();
    if (arrow) {
      page.row = Math.min(SIDE - 1, Math.max(0, page.row + arrow[0]));
      page.column = Math.min(SIDE - 1, Math.max(0, page.column + arrow[1]));
    }
    if (!page.picture && (!arrow || shiftKey)) {
      if (!drawnOn) keep();
      drawnOn = shiftKey;
      art.stroke(state.grid, ...from, page.column + 0.5, page.row + 0.5, {rub: page.rubbing || ["Backspace", "Delete"].includes(key)});
      change(state.grid);
    } else {
      page.about = "cursor";
      const ink = inked()[page.row * SIDE + page.column];
      say("cursor", `Row ${page.row + 1}, column ${page.column + 1}, ${ink > 127 ? "white" : ink ? "grey" : "black"}.`);
    }
    cursor();
  }

  function cursor() {
    part("cursor").style.setProperty("--row", page.row);
    part("cursor").style.setProperty("--column", page.column);
  }

  function undo() {
    if (!page.undo.length || page.picture) return;
    page.redo.push(state.grid);
    change(page.undo.pop());
  }

  function redo() {
    if (!page.redo.length || page.picture) return;
    page.undo.push(state.grid);
    change(page.redo.pop());
  }

  function tool(rubbing) {
    page.rubbing = rubbing;
    part("pen").setAttribute("aria-pressed", !rubbing);
    part("rub").setAttribute("aria-pressed", rubbing);
  }

  function offer() {
    const hands = digit => art.gallery.filter(({meant}) => meant == digit);
    for (let digit = 0; digit <= 9; digit++) {
      const button = make("button", {type: "button", "aria-label": `${digit}, drawn by us`}, canvas());
      let next = 0;
      setTimeout(() => grey(button.firstChild, art.grey(hands(digit)[0].grid)));  // each in a task of its own
      button.addEventListener("click", () => {
        const {grid} = hands(digit)[next++ % hands(digit).length];
        grey(button.firstChild, art.grey(hands(digit)[next % hands(digit).length].grid));
        replace(grid.slice());
      });
      part("gallery").append(button);
    }
  }

  // ------------------------------------------------------------------ in and out
  function kept(sentence) {
    page.about = "keep";
    part("kept").textContent = sentence;
    say("keep", sentence);
  }

  async function copy(text, done) {
    try {
      await navigator.clipboard.writeText(text);
      kept(done);
      return true;
    } catch {
      return false;
    }
  }

  async function link() {
    part("address").hidden = true;
    if (page.picture) return kept("A picture cannot be put in a link. Save it as PNG instead.");
    const address = location.href.split("#")[0] + art.pack(state);
    if (await copy(address, "The link is copied: it holds the drawing and all settings.")) return;
    part("address").hidden = false;
    part("whole").value = address;
    part("whole").select();
    kept("Your browser does not let the page copy: here is the link.");
  }

  function save(content, type, name) {
    const address = URL.createObjectURL(new Blob([content], {type}));
    make("a", {href: address, download: name}).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
    kept(`Saved as ${name}.`);
  }

  function savePicture(bytes, name) {
    if (!page.reading) return kept(lack());
    if (!bytes) return kept("There is no noise on it yet.");
    save(art.png(bytes), "image/png", name);
  }

  /** The bytes of a picture of 28×28 greys; throws a sentence. */
  async function pixels(file) {
    const none = {colorSpaceConversion: "none", premultiplyAlpha: "none"};
    const bitmap = await createImageBitmap(file, none).catch(() => { throw "This file is no picture that the browser can read."; });
    if (bitmap.width != SIDE || bitmap.height != SIDE) {
      throw `This picture has ${bitmap.width} × ${bitmap.height} pixels. The network reads 28 × 28: reduce it first.`;
    }
    const context = make("canvas", {width: SIDE, height: SIDE}).getContext("2d", {willReadFrequently: true});
    context.imageSmoothingEnabled = false;
    context.drawImage(bitmap, 0, 0);
    const {data} = context.getImageData(0, 0, SIDE, SIDE), bytes = new Uint8Array(art.CELLS);
    for (let i = 0; i < art.CELLS; i++) {
      const [red, green, blue, cover] = data.subarray(4 * i, 4 * i + 4);
      if (red != green || green != blue || cover != 255) throw "This picture has colours or is transparent. The network reads greys: make it grey first.";
      bytes[i] = red;
    }
    return bytes;
  }

  async function open(file) {
    if (!file) return;
    try {
      page.picture = await pixels(file);
      page.meant = null;
      page.about = "draw";
      part("kept").textContent = "";
      redraw();
    } catch (why) {
      if (typeof why != "string") throw why;
      kept(why);
    }
  }

  /** Python that reads the saved pictures, and says how far its ten probabilities are from those on the page. */
  function snippet() {
    const row = (name, p) => `    "${name}": [${[...p].map(one => one.toFixed(5)).join(", ")}],`;
    const clean = page.reading ? [row("digit.png", page.reading.p)] : [];
    const noisy = page.attack && page.attack.reading === page.reading ? [row("digit-with-noise.png", page.attack.p)] : [];
    part("snippet").textContent = [
      "import numpy as np", "from PIL import Image", "from scipy.special import softmax", "", "from advlib import cnn, logits", "",
      "page = {", ...clean, ...noisy, "}",
      'model = cnn.load("mnist")',
      "for name, shown in page.items():",
      "    x = np.asarray(Image.open(name), np.float32)[None, ..., None] / 255",
      "    p = softmax(logits(model, x)[0])",
      '    print(name, p.round(4), "furthest from the page:", np.abs(p - shown).max())',
    ].join("\n");
  }

  /** What stood here before the page was loaded again; null where it is opened for the first time. */
  function again() {
    const {type} = performance.getEntriesByType("navigation")[0] ?? {};
    return ["reload", "back_forward"].includes(type) ? stored(() => sessionStorage.getItem(DRAWING)) : null;
  }

  /** What a link holds becomes what the page shows. */
  function follow_link(fragment = location.hash) {
    if (!fragment.startsWith(art.PREFIX)) return;
    const found = art.unpack(fragment);
    trouble("link", found ? "" : "This link is damaged, or not whole: ask for it again. Here is an empty canvas.");
    Object.assign(state, found ?? {grid: art.empty()});
    Object.assign(page, {picture: null, meant: null, undo: [], redo: []});
    controls();
    redraw();
  }

  // ------------------------------------------------------------------ what is set
  /** A setting, and the controls that show it. */
  function set(name, value) {
    state[name] = value;
    controls();
  }

  function controls() {
    const told = (name, value, text) => {
      part(name).value = value;
      part(name).setAttribute("aria-valuetext", text);
      part(`${name}-told`).textContent = text;
    };
    told("eps", state.levels, shown(state.levels));
    told("steps", state.steps, String(state.steps));
    told("size", state.size, shown(sizes()[state.size] ?? 0));
    part("centre").checked = state.centred;
    part("target").value = state.target ?? "";
    part("class").value = state.common ?? "";
    for (const radio of root.querySelectorAll("[name=live-rule]")) radio.checked = radio.value == state.rule;
  }

  function listen() {
    const on = (name, event, act) => part(name).addEventListener(event, act);
    const changes = (name, event, key, about, value, after) => on(name, event, () => {
      page.about = about;
      set(key, value(part(name).value));
      after();
    });
    const number = value => Number(value), perhaps = value => value === "" ? null : Number(value);
    on("sheet", "pointerdown", press);  // the words on an empty canvas are in it too
    on("sheet", "pointermove", move);
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) on("sheet", end, lift);
    on("board", "keydown", key);
    on("board", "keyup", ({key}) => { if (key == "Shift") drawnOn = false; });
    on("board", "blur", () => { drawnOn = false; });
    on("pen", "click", () => tool(false));
    on("rub", "click", () => tool(true));
    on("undo", "click", undo);
    on("redo", "click", redo);
    on("clear", "click", () => (tool(false), replace(art.empty())));
    on("back", "click", () => (page.picture = null, redraw(), part("board").focus()));
    on("centre", "change", () => (page.about = "draw", state.centred = part("centre").checked, redraw()));
    const anew = () => {  // what was searched for was searched for with other settings
      if (!searching) part("search").textContent = "";
      attack();
    };
    changes("eps", "input", "levels", "attack", number, anew);
    changes("steps", "input", "steps", "attack", number, anew);
    changes("target", "change", "target", "attack", perhaps, anew);
    changes("size", "input", "size", "common", number, () => (common(), mayAdd()));
    changes("class", "change", "common", "common", perhaps, common);
    for (const radio of root.querySelectorAll("[name=live-rule]")) {
      radio.addEventListener("change", () => (page.about = "attack", state.rule = radio.value, anew()));
    }
    for (const button of root.querySelectorAll("[data-step]")) {
      button.addEventListener("click", () => {
        const slider = document.getElementById(button.dataset.for);
        slider.value = Number(slider.value) + Number(button.dataset.step);
        slider.dispatchEvent(new Event("input"));
      });
    }
    on("smallest", "click", () => (page.about = "attack", search().catch(stopped)));
    on("again", "click", () => (page.about = "common", state.seed = (state.seed + 1) % 65536, common()));
    on("meant", "change", () => (page.meant = perhaps(part("meant").value), mayAdd()));
    on("add", "click", () => add().catch(stopped));
    on("take", "click", () => (tally.length ? tally.pop() : [tally, before] = [before, []], remember(), count()));
    on("anew", "click", () => ([tally, before] = [[], tally], remember(), count()));
    on("csv", "click", () => save(art.csv(tally), "text/csv", "drawings.csv"));
    on("link", "click", link);
    on("save", "click", () => savePicture(page.reading?.seen, "digit.png"));
    on("save-noisy", "click", () => savePicture(page.attack?.bytes, "digit-with-noise.png"));
    on("open", "change", () => open(part("open").files[0]).finally(() => part("open").value = ""));
    on("copy", "click", async () => {
      if (await copy(part("snippet").textContent, "The code is copied.")) return;
      getSelection().selectAllChildren(part("snippet"));
      kept("Your browser does not let the page copy: the code is selected, copy it with the keyboard.");
    });
    root.addEventListener("dragover", event => event.preventDefault());
    root.addEventListener("drop", event => (event.preventDefault(), open(event.dataTransfer.files[0])));
    addEventListener("hashchange", () => follow_link());
    addEventListener("storage", ({key}) => { if (key == KEPT) recall(), count(); });  // another tab has counted
    addEventListener("pagehide", () => stored(() => sessionStorage.setItem(DRAWING, art.pack(state))));
  }

  // ------------------------------------------------------------------ begin
  /** Scripts of the page's own, in order; tells of each. */
  function load(names, each) {
    const folder = document.currentScript?.src ?? document.querySelector("script[src*='/live/page.js']").src;
    return Promise.all(names.map(name => new Promise((resolve, reject) => {
      const script = make("script", {src: new URL(name, folder).href, async: false});
      script.addEventListener("load", () => (each(), resolve()));
      script.addEventListener("error", () => reject(new Error(`${name} is missing`)));
      document.head.append(script);
    })));
  }

  async function begin() {
    const pieces = Array.from({length: LIVE.count}, (_, i) => `weights-${String(i).padStart(2, "0")}.js`);
    const bar = part("progress"), all = pieces.length + 1;
    const noises = load(["noises.js"], () => {}).catch(why => console.error(why));
    await load(pieces, () => { bar.value += 1 / all; });
    await noises;
    const worker = typeof Worker != "undefined";
    page.net = await Net.open(LIVE.weights, {worker});
    LIVE.weights = [];
    part("loading").hidden = true;
    part("provenance").textContent = `The network of Table I, in half precision, SHA-256 ${page.net.sha256}.`;
    if (page.net.where == "main") trouble("network", "Your browser gives this page no worker: it computes all the same, more slowly.");
    if (LIVE.noises) part("size").max = sizes().length - 1;
    else part("common-noise").querySelector(".verdict").textContent = "The learned noises are missing. Reload the page.";
    controls();
    count();
    read();
  }

  for (const [name, was] of [["bars", false], ["noisy-bars", true]]) build(part(name), was);
  for (let digit = 0; digit <= 9; digit++) {
    for (const name of ["target", "class", "meant"]) part(name).append(make("option", {value: digit, textContent: name == "class" ? `${digit}s` : digit}));
  }
  columns();
  offer();
  recall();
  controls();
  cursor();
  listen();
  setTimeout(() => {  // in a task of its own: the browser lays all of it out
    root.hidden = false;
    redraw();
    follow_link(again() ?? location.hash);
    begin().catch(why => {
      console.error(why);
      part("loading").hidden = true;
      trouble("network", "The network is damaged or not whole, so nothing is computed. Reload the page.");
    });
  });
})();
