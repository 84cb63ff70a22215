// Sorts, searches and shows the tables of the class; all is there without it.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
  const body = table.tBodies[0];
  const order = new Map(rows.map((row, i) => [row, i]));
  const value = (row, i) => {
    const cell = row.cells[i];
    const text = cell.dataset.sort ?? cell.textContent.trim();
    const number = parseFloat(text);
    return Number.isNaN(number) ? text.toLowerCase() : number;
  };
  const compare = (a, b) => {
    if (typeof a === typeof b) return a < b ? -1 : a > b ? 1 : 0;
    return typeof a === "number" ? 1 : -1; // words below numbers
  };
  heads.forEach((head, i) => {
    const button = head.querySelector("button");
    button?.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((x) => x.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const sorted = [...rows].sort((a, b) => {
        const by = compare(value(a, i), value(b, i));
        return (up ? by : -by) || order.get(a) - order.get(b);
      });
      // Sub-totals stand where they belong only in the order of lessons.
      const inOrder = i === 0 && head.dataset.order !== undefined && up;
      table.classList.toggle("sorted", !inOrder);
      body.append(...(inOrder ? rows : sorted));
    });
  });
  const search = document.getElementById(`${table.id}-search`);
  const found = document.getElementById(`${table.id}-found`);
  search?.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += !row.hidden && !row.classList.contains("lesson");
    }
    found.textContent = words.length ? `${shown} found` : "";
  });
}
const choice = document.getElementById("lessons");
choice?.addEventListener("change", () => {
  const table = document.getElementById("learners");
  table.className = table.className.replace(/\bshow-\d+\b/, "").trim();
  if (choice.value) table.classList.add(`show-${choice.value}`);
});
