"use strict";
/* global Net, drawing */
/** What live_page.py puts into the live page's head, before any script of the page's own: it times what the page does. */
const beats = [], tasks = [], frames = [];
let pending, net;
try {
  const keep = (list) => list.getEntries().forEach(({ startTime, duration }) => tasks.push([startTime, duration]));
  new PerformanceObserver(keep).observe({ type: "longtask", buffered: true });
} catch { /* Firefox has none */ }
function beat() {
  beats.push(performance.now());
  setTimeout(beat, 10);
}
beat();

const until = (found) => new Promise((resolve) => {
  const look = () => found() ? resolve(performance.now()) : setTimeout(look, 4);
  look();
});
const painted = () => new Promise(requestAnimationFrame);

function longest(from) {
  const gaps = beats.slice(1).map((at, i) => at - beats[i]).filter((_, i) => beats[i + 1] > from);
  const long = tasks.filter(([at, duration]) => at + duration > from).map(([, duration]) => duration);
  return { gap: Math.max(...gaps), task: Math.max(0, ...long) };
}

function set(name, value) {
  const slider = document.getElementById(`live-${name}`);
  slider.value = value;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  slider.dispatchEvent(new Event("change", { bubbles: true }));
}

/** The times between two paintings that show another picture of an attack are kept, and so is the network. */
function wrap() {
  const { open } = Net, { attack } = Net.prototype;
  Net.open = async (...how) => (net = await open.apply(Net, how));
  Net.prototype.attack = function (x, how, onStep) {
    let asked = false, last;
    pending = attack.call(this, x, how, (step) => {
      onStep?.(step);
      if (asked) return;
      asked = true;
      requestAnimationFrame((now) => {
        asked = false;
        if (last !== undefined) frames.push(now - last);
        last = now;
      });
    });
    return pending;
  };
}

async function reads(count) {
  const x = new Float32Array(784).map((_, i) => (i % 9 ? 0 : 1)), found = [];
  for (let i = 0; i < count; i++) {
    const begin = performance.now();
    await net.read(x);
    found.push(performance.now() - begin);
  }
  return found;
}

async function settled() {
  await painted();
  await pending?.catch(() => 0);
  await painted();
}

const loaded = (async () => {
  await until(() => typeof Net === "function");
  wrap();
  await until(() => typeof drawing === "function" && document.readyState === "complete");
  const first = await until(() => document.getElementById("live-reading")?.textContent);
  await settled();
  return { first, where: net.where, ...longest(0) };
})();

async function measured() {
  await loaded;
  const read = await reads(20);
  await settled();
  frames.length = 0;
  set("steps", 60);
  for (const level of [1, 2, 3]) {
    set("eps", level);
    await settled();
  }
  const alone = frames.splice(0), begin = performance.now();
  for (let level = 1; level <= 60; level++) {
    set("eps", level);
    await painted();
  }
  await settled();
  return { read, frames: alone, drag: longest(begin) };
}
