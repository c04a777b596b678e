// The explorer: one dose of one direction on one stratum, and a selection of problems by hand.
// Every number but the counts of a selection is looked up, not computed.
(() => {
  "use strict";
  const place = document.getElementById("explorer");
  if (!place) return;
  const data = JSON.parse(document.getElementById("explorer-data").textContent);
  const $ = (name) => document.getElementById(`explore-${name}`);
  const NAMES = ["alpha", "accuracy", "low", "high", "baseline", "n", "gained", "lost", "unread",
    "accuracyText", "baselineText", "difference", "interval", "p", "adjusted"];
  const KINDS = { R: "stayed right", G: "gained", L: "lost", W: "stayed wrong", "-": "missing" };
  const COLOURS = { R: "#00466b", G: "#56b4e9", L: "#d55e00", W: "#d9d9d9", "-": "#ffffff" };
  const LISTED = 60;
  const SVG = "http://www.w3.org/2000/svg";
  const state = { context: 0, direction: 0, stratum: "", dose: 0, from: 1, to: 0 };

  const context = () => data.contexts[state.context];
  const direction = () => context().directions[state.direction];
  const rows = () => (direction().results[state.stratum] ?? [])
    .map((row) => Object.fromEntries(row.map((value, i) => [NAMES[i], value])));
  const doses = () => direction().results[""].map((row) => row[0]);
  const alphaText = (a) => (a === 0 ? "0" : (a > 0 ? "+" : "−") + Math.abs(a));
  const percent = (part, whole) => (whole ? `${(100 * part / whole).toFixed(1)} %` : "–");
  const quoted = (text) => `'${String(text).replaceAll("'", "''")}'`;

  function options(select, entries) {
    select.replaceChildren(...entries.map(([value, label, group]) => {
      const option = new Option(label, value);
      option.dataset.group = group ?? "";
      return option;
    }));
  }

  function chooseContext() {
    const { directions, strata, selected } = context();
    options($("direction"), directions.map((d, i) => [i, d.label]));
    options($("stratum"), [["", "all problems"], ...strata.map(([, level, label]) => [level, label])]);
    $("selected").hidden = !selected;
    state.stratum = "";
    chooseDirection(0);
  }

  function chooseDirection(index) {
    const before = doses()[state.dose];
    state.direction = index;
    const all = doses();
    const same = all.indexOf(before);
    state.dose = same >= 0 ? same : all.length - 1;
    Object.assign($("alpha"), { min: 0, max: all.length - 1, value: state.dose });
    $("stratum").disabled = Object.keys(direction().results).length < 2;
    if (!(state.stratum in direction().results)) state.stratum = $("stratum").value = "";
    const many = context().problems.length;
    const letters = Object.keys(direction().letters).length > 0;
    $("brush").hidden = !letters;
    $("no-brush").hidden = letters;
    for (const name of ["from", "to"]) Object.assign($(name), { min: 1, max: many });
    select(1, many);
  }

  function select(from, to) {
    const many = context().problems.length;
    [state.from, state.to] = [Math.min(from, to), Math.max(from, to)]
      .map((value) => Math.min(Math.max(value, 1), Math.max(many, 1)));
    $("from").value = state.from;
    $("to").value = state.to;
    draw();
  }

  function where(named) {
    const { set_name: set, ...place } = context().names;
    const alpha = doses()[state.dose];
    const all = { ...(named ? { set_name: set } : {}), ...place, ...direction().names };
    const wanted = Object.entries(all).filter(([, value]) => value != null)
      .map(([key, value]) => `${key} = ${quoted(value)}`);
    const paired = `baseline_id = ${quoted(context().baseline)}`;
    wanted.push(named ? paired
      : `condition_id IN (SELECT condition_id FROM condition_baselines WHERE ${paired})`);
    return `${wanted.join(" AND ")} AND alpha = ${alpha}`;
  }

  function ask(name, query) {
    $(name).dataset.query = query;
    $(name).querySelector("code").textContent = `steerstat sql ${data.store} "${query.replace(/["$`\\]/g, "\\$&")}"`;
  }

  function facts(list, entries) {
    list.replaceChildren(...entries.map(([name, value]) => {
      const group = document.createElement("div");
      const term = document.createElement("dt");
      const text = document.createElement("dd");
      term.textContent = name;
      text.textContent = value;
      group.append(term, text);
      return group;
    }));
  }

  function drawResult() {
    const row = rows().find((one) => one.alpha === doses()[state.dose]);
    $("alpha-text").textContent = `α = ${alphaText(doses()[state.dose])}`;
    $("alpha").setAttribute("aria-valuetext", alphaText(doses()[state.dose]));
    facts($("result"), row ? [
      ["Accuracy", row.accuracyText], ["Baseline", row.baselineText],
      ["Difference (points)", row.difference], ["95 % interval", row.interval],
      ["Gained", row.gained], ["Lost", row.lost], ["Pairs", row.n], ["Unreadable", row.unread],
      ["p", row.p], ["p (Holm)", row.adjusted],
    ] : [["Accuracy", "not tested here"]]);
    const scheme = context().strata.find(([, level]) => level === state.stratum);
    ask("result-sql", scheme
      ? `SELECT direction, alpha, level, n_pairs, gained, lost, accuracy, n_unreadable FROM accuracy_by_stratum `
        + `WHERE scheme = ${quoted(scheme[0])} AND level = ${quoted(scheme[1])} AND ${where(true)}`
      : `SELECT direction, alpha, n_pairs, gained, lost, accuracy, n_unreadable FROM accuracy_by_alpha WHERE ${where(true)}`);
  }

  function element(name, given, parent, text) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(given)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  }

  // Missing outcomes leave some doses fewer pairs; the dose with the most has the whole baseline.
  function wholeBaseline(list) {
    return list.reduce((most, row) => (row.n > most.n ? row : most)).baseline;
  }

  // A dose of 0 is the baseline itself.
  function withBaseline(list) {
    if (!list.length || list.some((row) => row.alpha === 0)) return list;
    const baseline = wholeBaseline(list);
    const zero = { alpha: 0, accuracy: baseline, low: baseline, high: baseline, baseline };
    return [...list, zero].sort((a, b) => a.alpha - b.alpha);
  }

  function drawCurve() {
    const [width, height, left, bottom] = [$("curve").clientWidth || 600, 220, 46, 34];
    const tested = rows().filter((row) => row.accuracy !== null);
    const shown = withBaseline(tested);
    const band = state.stratum === "" ? direction().band : [];
    const alphas = doses();
    const heights = [...shown.flatMap((r) => [r.low, r.high, r.accuracy, r.baseline]),
      ...band.flatMap((b) => [b[1], b[2]])].filter((v) => v !== null);
    const [low, high] = [Math.max(0, Math.min(...heights) - 0.03), Math.min(1, Math.max(...heights) + 0.03)];
    const [first, last] = [Math.min(0, ...alphas), Math.max(0, ...alphas)];
    const x = (a) => left + 12 + (width - left - 24) * (a - first) / (last - first || 1);
    const y = (v) => 10 + (height - bottom - 10) * (high - v) / (high - low || 1);
    const svg = $("curve").querySelector("svg");
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const step = [0.02, 0.05, 0.1, 0.2].find((s) => (high - low) / s <= 6) ?? 0.25;
    for (let k = Math.ceil(low / step); k * step <= high; k += 1) {
      element("line", { x1: left, x2: width, y1: y(k * step), y2: y(k * step), class: "grid" }, svg);
      element("text", { x: left - 6, y: y(k * step) + 4, class: "end" }, svg, `${Math.round(k * step * 100)} %`);
    }
    const whole = alphas.filter(Number.isInteger).length > 2 ? alphas.filter(Number.isInteger) : alphas;
    for (const a of new Set([...whole, 0])) element("text", { x: x(a), y: height - 14, class: "mid" }, svg, alphaText(a));
    element("text", { x: width / 2, y: height - 1, class: "mid" }, svg, "α");
    for (const [a, from, to] of band) {
      element("line", { x1: x(a), x2: x(a), y1: y(from), y2: y(to), class: "band" }, svg);
    }
    const limited = shown.filter((r) => r.low !== null);
    const path = (of, list) => list.map((r) => `${x(r.alpha)},${y(of(r))}`).join(" ");
    element("polygon", { class: "tango",
      points: `${path((r) => r.low, limited)} ${path((r) => r.high, [...limited].reverse())}` }, svg);
    element("polyline", { class: "baseline", points: path((r) => r.baseline, shown) }, svg);
    element("polyline", { class: "curve", points: path((r) => r.accuracy, shown) }, svg);
    const now = alphas[state.dose];
    element("line", { x1: x(now), x2: x(now), y1: 6, y2: height - bottom + 4, class: "cursor" }, svg);
    for (const r of tested) {
      const dot = element("circle", { cx: x(r.alpha), cy: y(r.accuracy), r: r.alpha === now ? 6 : 3.5, class: "dot" }, svg);
      element("title", {}, dot, `α ${alphaText(r.alpha)}: ${r.accuracyText}, ${r.difference} ${r.interval}, ${r.gained} gained, ${r.lost} lost`);
      dot.addEventListener("click", () => { $("alpha").value = state.dose = alphas.indexOf(r.alpha); draw(); });
    }
  }

  const LEFT = 46;
  const ROW = 14;
  function drawGrid() {
    const canvas = $("grid");
    const lines = Object.entries(direction().letters).sort((a, b) => a[0] - b[0]);
    const many = context().problems.length;
    if (!lines.length || !many) return;
    const [width, height] = [canvas.parentElement.clientWidth || 600, ROW * lines.length];
    const dense = devicePixelRatio || 1;
    Object.assign(canvas, { width: width * dense, height: height * dense });
    canvas.style.height = `${height}px`;
    const pen = canvas.getContext("2d");
    pen.scale(dense, dense);
    const ink = getComputedStyle(place).color;
    const cell = (width - LEFT) / many;
    const now = doses()[state.dose];
    pen.font = "12px sans-serif";
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    lines.forEach(([alpha, letters], j) => {
      pen.fillStyle = ink;
      pen.fillText((Number(alpha) === now ? "▸ " : "") + alphaText(Number(alpha)), LEFT - 5, ROW * (j + 0.5));
      for (let i = 0; i < many; i += 1) {
        const out = i + 1 < state.from || i + 1 > state.to;
        pen.globalAlpha = out ? 0.25 : 1;
        pen.fillStyle = COLOURS[letters[i]];
        pen.fillRect(LEFT + cell * i, ROW * j, cell + 0.5, ROW - 1);
      }
      pen.globalAlpha = 1;
    });
    pen.strokeStyle = ink;
    pen.lineWidth = 1.5;
    pen.strokeRect(LEFT + cell * (state.from - 1), 0.75, cell * (state.to - state.from + 1), height - 1.5);
  }

  function drawSelection() {
    const { problems } = context();
    const letters = direction().letters[String(doses()[state.dose])];
    const chosen = problems.slice(state.from - 1, state.to);
    const whole = chosen.length === problems.length;
    $("range").textContent = `Problems ${state.from} to ${state.to} of ${problems.length}`;
    if (!letters) return;
    const own = letters.slice(state.from - 1, state.to);
    const count = (kinds) => [...own].filter((letter) => kinds.includes(letter)).length;
    const pairs = count("RGLW");
    facts($("selection"), [
      ["Problems", chosen.length], ["Accuracy", percent(count("RG"), pairs)],
      ["Baseline", percent(count("RL"), pairs)], ["Gained", count("G")], ["Lost", count("L")],
      ["Pairs", pairs],
    ]);
    $("rows").replaceChildren(...chosen.slice(0, LISTED).map(([id, question, steps], i) => {
      const line = document.createElement("tr");
      line.append(...[KINDS[own[i]], steps, question, id].map((text) => {
        const cell = document.createElement("td");
        cell.textContent = text;
        return cell;
      }));
      return line;
    }));
    $("listed").textContent = chosen.length > LISTED ? `The first ${LISTED} of ${chosen.length}.` : "";
    const ids = whole
      ? `problem_id IN (SELECT problem_id FROM problem_sets WHERE set_name = ${quoted(context().names.set_name)})`
      : `left(problem_id, 12) IN (${chosen.map(([id]) => quoted(id)).join(", ")})`;
    ask("selection-sql", `SELECT problem_id, n_steps, baseline_readable_right, readable_right, gained, lost, status FROM paired_outcomes WHERE ${where(false)} AND ${ids}`);
  }

  function draw() {
    drawResult();
    drawCurve();
    drawGrid();
    drawSelection();
  }

  function brush() {
    const canvas = $("grid");
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      const share = (event.clientX - box.left - LEFT) / (box.width - LEFT);
      return Math.floor(share * context().problems.length) + 1;
    };
    let start = null;
    canvas.addEventListener("pointerdown", (event) => {
      start = at(event);
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      const many = context().problems.length;
      const [id, question] = context().problems[Math.min(Math.max(at(event), 1), many) - 1] ?? [];
      canvas.title = id ? `${at(event)}: ${question} (${id})` : "";
      if (start !== null) select(start, at(event));
    });
    canvas.addEventListener("pointerup", (event) => {
      if (start !== null && at(event) === start) select(1, context().problems.length);
      start = null;
    });
  }

  options($("context"), data.contexts.map((one, i) => [i, one.label]));
  $("context").addEventListener("change", (event) => {
    state.context = Number(event.target.value);
    state.direction = 0;
    chooseContext();
  });
  $("direction").addEventListener("change", (event) => chooseDirection(Number(event.target.value)));
  $("stratum").addEventListener("change", (event) => { state.stratum = event.target.value; draw(); });
  $("alpha").addEventListener("input", (event) => { state.dose = Number(event.target.value); draw(); });
  $("from").addEventListener("input", () => select(Number($("from").value), Math.max(state.to, Number($("from").value))));
  $("to").addEventListener("input", () => select(Math.min(state.from, Number($("to").value)), Number($("to").value)));
  $("all").addEventListener("click", () => select(1, context().problems.length));
  brush();
  place.hidden = false;
  chooseContext();
  addEventListener("resize", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
