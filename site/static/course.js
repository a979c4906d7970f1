// What every page can do by itself: remember dark or light, copy a cell, and let the keyboard scroll what is too wide.
const page = document.documentElement, dark = document.querySelector(".bar .theme");
const mark = () => dark.setAttribute("aria-pressed", page.dataset.theme == "dark");
dark.addEventListener("click", () => {
  page.dataset.theme = page.dataset.theme == "dark" ? "light" : "dark";
  try { localStorage.setItem("theme", page.dataset.theme); } catch { /* for this page alone */ }
  mark();
});
mark();

for (const code of document.querySelectorAll(".cell_input pre")) {
  if (!navigator.clipboard || code.textContent.trim().split("\n").length < 2) continue;
  const button = document.createElement("button");
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
    setTimeout(() => button.textContent = "Copy", 2000);
  });
  code.closest(".cell_input").append(button);
}

function reach() {
  for (const part of document.querySelectorAll("pre, .scrolls, .formula, .advlib-table, .advlib-strip")) {
    const wide = part.scrollWidth > part.clientWidth;
    part.classList.toggle("too-wide", wide);
    if (wide) part.tabIndex = 0;
    else part.removeAttribute("tabindex");
  }
}
addEventListener("load", reach);
addEventListener("resize", reach);
document.addEventListener("toggle", reach, true);  // what was folded had no width
