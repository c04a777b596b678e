// Names the row behind a mark of a figure: to a pointer, to the arrow keys, to a screen reader.
// Vega writes the row into every mark's aria-label ("alpha: −3; accuracy: 0.14; n: 400").
(() => {
  "use strict";
  const WHOLE = /line mark|area mark|trail mark|axis|legend|title|container/; // no single row
  const HIDDEN = new Set(["stack", "order", "rank", "counts_label", "x", "y", "ended"]);
  const WITHIN = 14; // pixels between the pointer and the mark that it means
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  const spoken = document.createElement("div");
  spoken.className = "unseen";
  spoken.setAttribute("aria-live", "polite");
  const hint = document.createElement("p");
  hint.id = "marks-hint";
  hint.className = "unseen";
  hint.textContent = "The arrow keys read the marks of this figure one by one.";
  document.querySelector("main").append(tip, spoken, hint);
  let marked = null;

  // Shares are read as the axes write them: accuracies in per cent, differences in points.
  function written(name, text) {
    const plain = text.replace("−", "-");
    if (!/^-?\d*\.?\d+(e-?\d+)?$/.test(plain)) return text;
    const minus = (value) => String(value).replace("-", "−");
    if (/^accuracy|^baseline accuracy/.test(name)) return minus(`${(plain * 100).toFixed(1)} %`);
    if (/^(estimate|low|high)$/.test(name)) return minus(`${(plain * 100).toFixed(1)} points`);
    return /\.\d{4,}/.test(plain) ? minus(Number(Number(plain).toPrecision(4))) : text;
  }

  function said(mark) {
    const seen = new Map();
    for (const part of mark.getAttribute("aria-label").split("; ")) {
      const at = part.indexOf(": ");
      const name = part.slice(0, at).replace(/_label$/, "").replaceAll("_", " ").toLowerCase();
      const value = part.slice(at + 2);
      if (at > 0 && value && !HIDDEN.has(part.slice(0, at))) seen.set(name, written(name, value));
    }
    if (seen.has("first") && seen.has("last")) { // a block of neighbouring problems, end excluded
      const [from, to] = [Number(seen.get("first")) + 1, Number(seen.get("last"))];
      seen.set("in place", from === to ? `${to}` : `${from} to ${to}`);
      seen.delete("first");
      seen.delete("last");
    }
    return [...seen];
  }

  const marks = (figure) => (figure.marks ??= [...figure.querySelectorAll("svg [aria-label]")]
    .filter((mark) => !WHOLE.test(mark.getAttribute("aria-roledescription") ?? "container")
      && mark.getAttribute("aria-label").includes(": ")));

  function nearest(figure, x, y) {
    let best = null;
    let least = WITHIN;
    for (const mark of marks(figure)) {
      const box = mark.getBoundingClientRect();
      const far = Math.hypot(Math.max(box.left - x, 0, x - box.right),
        Math.max(box.top - y, 0, y - box.bottom));
      const middle = Math.hypot((box.left + box.right) / 2 - x, (box.top + box.bottom) / 2 - y);
      const distance = far + Math.min(middle, 1000) / 1e4;
      if (distance < least) [best, least] = [mark, distance];
    }
    return best;
  }

  function show(mark, aloud) {
    if (mark === marked) return;
    hide();
    const rows = mark ? said(mark) : [];
    if (!rows.length) return;
    marked = mark;
    mark.classList.add("marked");
    tip.replaceChildren(...rows.map(([name, value]) => {
      const line = document.createElement("div");
      const bold = document.createElement("b");
      bold.textContent = value;
      line.append(`${name} `, bold);
      return line;
    }));
    tip.hidden = false;
    const box = mark.getBoundingClientRect();
    const left = Math.min(box.right + 10, innerWidth - tip.offsetWidth - 8);
    const above = box.top - tip.offsetHeight - 8;
    tip.style.left = `${Math.max(8, left) + scrollX}px`;
    tip.style.top = `${(above > 0 ? above : box.bottom + 8) + scrollY}px`;
    if (aloud) spoken.textContent = rows.map((row) => row.join(" ")).join(", ");
  }

  function hide() {
    marked?.classList.remove("marked");
    marked = null;
    tip.hidden = true;
  }

  const keys = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  for (const figure of document.querySelectorAll("figure .drawing")) {
    if (!marks(figure).length) continue;
    figure.tabIndex = 0;
    figure.setAttribute("aria-describedby", hint.id);
    figure.addEventListener("pointermove", (event) => {
      show(nearest(figure, event.clientX, event.clientY), false);
    });
    figure.addEventListener("pointerleave", hide);
    figure.addEventListener("blur", hide);
    figure.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hide();
      const all = marks(figure);
      const to = { Home: 0, End: all.length - 1 }[event.key];
      if (to === undefined && !keys[event.key]) return;
      event.preventDefault();
      const next = to ?? (figure.at ?? -1) + keys[event.key];
      figure.at = (next + all.length) % all.length;
      show(all[figure.at], true);
    });
  }
  addEventListener("resize", hide);
  addEventListener("keydown", (event) => event.key === "Escape" && hide());
})();
