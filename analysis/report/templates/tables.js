// Tables as a reader wants them: sorted by a head, filtered by a word, saved as CSV.
(() => {
  "use strict";
  const number = (text) => {
    const found = text.replaceAll("−", "-").match(/^[^\d]*?([-+]?\d[\d,]*\.?\d*)/);
    return found ? Number(found[1].replaceAll(",", "")) : NaN;
  };
  const compare = (a, b) => {
    const [x, y] = [number(a), number(b)];
    if (Number.isNaN(x) || Number.isNaN(y)) return a.localeCompare(b);
    return x - y;
  };
  // As in the files of `figures --format csv`: plain minus signs, nothing for what is not there.
  const cell = (text) => {
    const plain = text === "–" ? "" : text.replaceAll("−", "-");
    return /[",\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
  };

  function sortable(table, head, column) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => compare(a.cells[column].textContent, b.cells[column].textContent));
      table.tBodies[0].append(...(down ? rows.reverse() : rows));
    });
  }

  for (const box of document.querySelectorAll(".table")) {
    const table = box.querySelector("table");
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => sortable(table, head, column));
    const tools = document.createElement("div");
    tools.className = "tools";
    const rows = [...table.tBodies[0].rows];
    if (rows.length > 4) {
      const filter = Object.assign(document.createElement("input"), { type: "search", placeholder: "Filter rows" });
      filter.setAttribute("aria-label", `Filter the rows of ${table.caption.textContent}`);
      filter.addEventListener("input", () => {
        const wanted = filter.value.toLowerCase();
        for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
      });
      tools.append(filter);
    }
    const save = document.createElement("a");
    save.textContent = "CSV";
    save.download = `${box.dataset.name}.csv`;
    save.href = "#";
    save.setAttribute("aria-label", `Save ${table.caption.textContent} as CSV`);
    save.addEventListener("click", () => {
      const lines = [heads.map((head) => head.textContent),
        ...[...table.tBodies[0].rows].map((row) => [...row.cells].map((one) => one.textContent))];
      const text = lines.map((line) => line.map(cell).join(",")).join("\n");
      save.href = `data:text/csv;charset=utf-8,${encodeURIComponent(`${text}\n`)}`;
    });
    tools.append(save);
    box.prepend(tools);
  }

  // A link, and the browser's own search, open what they lead into.
  function unfold() {
    let place = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (; place; place = place.parentElement) if (place.tagName === "DETAILS") place.open = true;
  }
  addEventListener("hashchange", unfold);
  unfold();
})();
