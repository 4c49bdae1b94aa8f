"use strict";
// The list: filters and sorts in place. Without this the form asks the server, which does the same.
const form = document.querySelector("form.filters"), table = document.getElementById("models");
if (form && table) {
  const body = table.tBodies[0], rows = [...body.rows], count = document.getElementById("count"), none = document.getElementById("none");
  form.hidden = false;
  form.querySelector("button").hidden = true;
  const filter = () => {
    const asked = new FormData(form), text = asked.get("text").trim().toLowerCase(), price = parseFloat(asked.get("price"));
    let shown = 0;
    for (const row of rows) {
      const has = row.dataset;
      row.hidden = !(has.text.includes(text) && (!asked.get("weights") || has.weights === asked.get("weights"))
        && +has.context >= +asked.get("context") && !(+has.price > price)
        && (!asked.get("green") || +has.green > 0) && (!asked.get("tools") || has.tools === "1"));
      shown += !row.hidden;
    }
    count.textContent = `${shown} of ${rows.length} model${rows.length === 1 ? "" : "s"}`;
    none.hidden = shown > 0;
  };
  const sort = link => {
    const key = link.dataset.sort, rising = key === "name" || key === "price";
    const value = row => key === "name" ? row.dataset.name : +row.dataset[key];
    rows.sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0) * (rising ? 1 : -1));
    body.append(...rows);
    for (const head of table.tHead.rows[0].cells) head.setAttribute("aria-sort", "none");
    link.closest("th").setAttribute("aria-sort", rising ? "ascending" : "descending");
    form.elements.sort.value = key;
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", event => { event.preventDefault(); filter(); });
  table.tHead.addEventListener("click", event => {
    const link = event.target.closest("a[data-sort]");
    if (link) { event.preventDefault(); sort(link); }
  });
  none.querySelector("a").addEventListener("click", event => { event.preventDefault(); form.reset(); filter(); });
}
// A model's page: parts that the server rendered anew take the place of those shown.
const pause = document.getElementById("pause");
if (pause) {
  let source = null, paused = false;
  const stop = () => { if (source) source.close(); source = null; };
  const start = () => {
    if (source || paused || document.hidden) return;
    source = new EventSource(pause.dataset.events);
    source.addEventListener("parts", event => {
      for (const [id, html] of Object.entries(JSON.parse(event.data))) {
        const place = document.getElementById(id), at = document.activeElement;
        if (!place || (place.contains(at) && !at.matches(".scroll"))) continue;  // nobody loses the link they are on
        const held = place.querySelector(".scroll"), left = held ? held.scrollLeft : 0, focused = held && held === at;
        place.innerHTML = html;
        const now = place.querySelector(".scroll");
        if (now) { now.scrollLeft = left; if (focused) now.focus({preventScroll: true}); }
      }
    });
    // A line that broke is opened anew by the browser itself; one that was refused is tried again later.
    source.addEventListener("error", () => { if (source?.readyState === EventSource.CLOSED) { stop(); setTimeout(start, 30000); } });
  };
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Resume updates" : "Pause updates";
    paused ? stop() : start();
  });
  document.addEventListener("visibilitychange", () => document.hidden ? stop() : start());
  addEventListener("pagehide", stop);
  addEventListener("pageshow", start);
  start();
}
// A link to an operation opens it.
const open = () => document.getElementById(location.hash.slice(1))?.closest("details")?.setAttribute("open", "");
addEventListener("hashchange", open);
// Paper has nothing to click on: all that is folded is printed.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(each => { each.open = true; }));
open();
