"use strict";
// sorts tables by a column, and hides flips of other slices; the page says all that it says without this
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  if (body.rows.length < 3) continue;
  table.tHead.rows[0].querySelectorAll("th").forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      const told = (row) => {
        const cell = row.cells[column];
        const text = (cell.dataset.sort || cell.textContent).trim().replace("−", "-").replace(/,/g, "");
        const number = parseFloat(text);
        return Number.isNaN(number) ? text : number;
      };
      const order = (a, b) => {
        const [x, y] = [told(a), told(b)];
        if (typeof x === typeof y) return x < y ? -1 : x > y ? 1 : 0;
        return typeof x === "number" ? -1 : 1;
      };
      body.append(...[...body.rows].sort((a, b) => (down ? -order(a, b) : order(a, b))));
      table.querySelectorAll("th[aria-sort]").forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
    });
  });
}
for (const filter of document.querySelectorAll(".filter")) {
  const pairs = [...filter.parentElement.querySelectorAll(".pair")];
  const choices = [...filter.querySelectorAll("select")];
  filter.hidden = false;
  filter.addEventListener("change", () => {
    const details = filter.nextElementSibling;
    if (details && details.tagName === "DETAILS") details.open = true;
    let shown = 0;
    for (const pair of pairs) {
      pair.hidden = !choices.every((each) => {
        const has = pair.dataset[each.dataset.filter].split("|");
        return !each.value || has.includes(each.value);
      });
      shown += !pair.hidden;
    }
    filter.querySelector("[aria-live]").textContent = `${shown} of ${pairs.length} on this page`;
  });
}
