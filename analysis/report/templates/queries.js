// Beside every query: a button that copies its command and, where the page is served, a link that
// runs it.
(() => {
  "use strict";
  const served = document.querySelector("[data-sql-page]")?.dataset.sqlPage;

  async function copy(button, text) {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Press Ctrl+C";
      getSelection().selectAllChildren(button.parentElement.querySelector("code"));
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  }

  for (const box of document.querySelectorAll("details[data-query]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy the command");
    button.addEventListener("click", () => copy(button, box.querySelector("code").textContent));
    box.append(button);
    if (!served) continue;
    const link = document.createElement("a");
    link.textContent = "Run it";
    const aim = () => { link.href = `${served}&q=${encodeURIComponent(box.dataset.query)}`; };
    new MutationObserver(aim).observe(box, { attributeFilter: ["data-query"] });
    aim();
    box.append(" ", link);
  }
})();
