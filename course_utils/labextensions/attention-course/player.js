// Shows a panel's pictures, and makes its controls good neighbours. `render` serves
// the live widget in a notebook; `play` moves a packed figure where there is no kernel
// (packed.py has the format). It needs no other file.

const STYLE = `
.course-panel { overflow: visible; }
.course-picture { max-width: 100%; }
.course-picture svg { display: block; overflow: visible; margin-bottom: 6px; }
.course-picture svg :is(.caption, [hidden]) { display: none; }
.course-picture .course-part { overflow: hidden; margin: 0; }
p.course-caption { margin: 4px 0 10px; padding: 0; font: 600 14px/1.4 system-ui, sans-serif;
  font-variant-numeric: tabular-nums; color: var(--jp-ui-font-color1, #212121); }
.course-spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.course-figure { position: relative; font: 14px system-ui, sans-serif; padding: 4px 0;
  color: var(--jp-ui-font-color1, #212121); background: var(--jp-layout-color0, #fff); }
.course-controls { display: flex; flex-wrap: wrap; gap: 6px 24px; align-items: center; margin: 4px 0 8px; }
.course-controls label { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center; max-width: 100%; }
.course-controls input[type=range] { width: 260px; max-width: 100%; height: 24px; margin: 0; }
.course-controls :is(input, button, select) { accent-color: #0072B2; font: inherit; max-width: 100%; }
.course-controls :is(button, select) { min-height: 28px; color: inherit; padding: 2px 10px; border-radius: 3px;
  background: var(--jp-layout-color2, #eee); border: 1px solid var(--jp-ui-font-color2, #616161); }
.course-controls output { min-width: 3.5em; font-variant-numeric: tabular-nums; }
.course-question { border: 0; margin: 0; padding: 0; min-width: 0; }
.course-question label { display: flex; gap: 8px; align-items: baseline; padding: 3px 0; }
@media (prefers-reduced-motion: no-preference) {
  .course-picture svg :is(rect:not(.cell), circle, line) { transition: all 120ms ease-out; }
}
html[data-theme="dark"] .course-figure { --jp-layout-color0: #111; --jp-layout-color2: #333;
  --jp-ui-font-color1: #e6e6e6; --jp-ui-font-color2: #b5b5b5; --jp-border-color2: #424242; }`;
const LEAST = 12; // px to which letters may shrink
const LETTERS = 14; // px, of most letters
const SVG = "http://www.w3.org/2000/svg";
const GAP = 28; // between two marks
const TOP = 36; // where the marks begin, below the caption in the SVG

function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// Two pictures of one panel have the same elements, so the old one takes over
// the attributes and texts of the new one: nothing flashes, and marks glide.
function become(old, fresh) {
  if (old.nodeName !== fresh.nodeName || old.childNodes.length !== fresh.childNodes.length) {
    old.replaceWith(fresh);
    return;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  const pairs = [...old.childNodes].map((node, i) => [node, fresh.childNodes[i]]);
  for (const [mine, theirs] of pairs) become(mine, theirs);
}

function parse(svg) {
  const fresh = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  return document.importNode(fresh, true);
}

// Cut a mark that is too wide where it may be, and return the parts as marks.
function folded(g, room) {
  const [width, height] = [Number(g.dataset.width), Number(g.dataset.height)];
  const folds = [...(g.dataset.folds?.split(" ").map(Number) ?? []), width];
  const isCut = folds.length > 1 && width > room;
  g.toggleAttribute("hidden", isCut);
  if (!isCut) return [{ g, width, height }];
  const parts = [];
  let from = 0;
  while (from < width) {
    const to = folds.findLast((x) => x > from && x <= from + room) ?? folds.find((x) => x > from);
    const part = document.createElementNS(SVG, "svg");
    part.setAttribute("class", "course-part");
    part.setAttribute("viewBox", `${from} 0 ${to - from} ${height}`);
    part.setAttribute("width", to - from);
    part.setAttribute("height", height);
    part.append(g.firstChild.cloneNode(true));
    const holder = document.createElementNS(SVG, "g");
    holder.append(part);
    g.parentNode.append(holder);
    parts.push({ g: holder, width: to - from, height });
    from = to;
  }
  return parts;
}

// Set the marks in rows that fit into the room, and shrink what is still too wide.
function fit(svg, room) {
  for (const part of svg.querySelectorAll(".course-part")) part.parentNode.remove();
  const own = [...svg.children].filter((x) => x.dataset.width);
  if (!own.length || !room) return;
  const marks = own.flatMap((g) => folded(g, room));
  const small = [...svg.querySelectorAll("text[style]")].map((x) => parseFloat(x.style.fontSize));
  const widest = room * Math.min(LETTERS, ...small.filter(Boolean)) / LEAST;
  const rows = [];
  for (const mark of marks) {
    const row = rows.at(-1);
    if (row && row.width + GAP + mark.width <= widest) {
      row.marks.push(mark);
      row.width += GAP + mark.width;
      row.height = Math.max(row.height, mark.height);
    } else rows.push({ marks: [mark], width: mark.width, height: mark.height });
  }
  let top = TOP;
  for (const row of rows) {
    let left = 0;
    for (const { g, width } of row.marks) {
      g.setAttribute("transform", `translate(${left} ${top})`);
      left += width + GAP;
    }
    top += row.height + GAP;
  }
  const width = Math.max(...rows.map((row) => row.width));
  const height = top - GAP - TOP;
  const scale = Math.min(1, room / width);
  svg.setAttribute("viewBox", `0 ${TOP} ${width} ${height}`);
  svg.setAttribute("width", width * scale);
  svg.setAttribute("height", height * scale);
  const paper = svg.querySelector(".paper");
  paper?.setAttribute("width", width);
  paper?.setAttribute("y", TOP);
  paper?.setAttribute("height", height);
}

// Make room for pictures in an element. Returns what shows one, and what ends it all.
function stage(el) {
  const caption = make("p", { class: "course-caption" });
  const picture = make("div", { class: "course-picture" }, caption);
  const spoken = make("div", { class: "course-spoken", "aria-live": "polite" });
  el.append(make("style", {}, STYLE), picture, spoken);
  let svg = null;
  let later;

  function show(text) {
    if (!text) return;
    const fresh = parse(text);
    const words = fresh.querySelector(".caption")?.textContent ?? "";
    fit(fresh, picture.clientWidth);
    if (svg) become(svg, fresh);
    else picture.append(fresh);
    svg = picture.querySelector("svg");
    if (caption.textContent !== words) caption.textContent = words;
    // Say what changed once the control rests, not at every step on the way.
    clearTimeout(later);
    later = setTimeout(() => { spoken.textContent = words; }, 500);
  }

  const sized = new ResizeObserver(() => { if (svg) fit(svg, picture.clientWidth); });
  sized.observe(picture);
  const end = () => {
    clearTimeout(later);
    sized.disconnect();
  };
  return { show, end };
}

// Return a function from where each control stands to the picture, as packed.py cut it.
export function unpack({ controls, of, templates, texts, columns }) {
  const place = (at, by) => by.reduce((sum, i) => sum * controls[i].stops.length + at[i], 0);
  const every = controls.map((_, i) => i);
  const value = (column, at) => {
    if (typeof column.values === "string") column.values = column.values.split("<");
    return column.values[place(at, column.by)];
  };
  return (at) => templates[of[place(at, every)]]
    .map((n) => (n < 0 ? value(columns[-1 - n], at) : texts[n]))
    .join("");
}

// Make one native control. Returns it with what reads and sets the place of its stop.
function native({ kind, label, stops, start }, changed) {
  if (kind === "checkbox") {
    const input = make("input", { type: "checkbox" });
    input.addEventListener("input", changed);
    const set = (at) => { input.checked = at === 1; };
    set(start);
    return { node: make("label", {}, input, label), at: () => Number(input.checked), set };
  }
  if (kind === "select") {
    const input = make("select", {}, ...stops.map((x) => make("option", {}, x)));
    input.addEventListener("input", changed);
    const set = (at) => { input.selectedIndex = at; };
    set(start);
    return { node: make("label", {}, label, input), at: () => input.selectedIndex, set };
  }
  const input = make("input", { type: "range", min: 0, max: stops.length - 1, step: 1 });
  const output = make("output");
  const tell = () => {
    output.value = stops[Number(input.value)];
    input.setAttribute("aria-valuetext", output.value);
  };
  input.addEventListener("input", () => { tell(); changed(); });
  const set = (at) => { input.value = at; tell(); };
  set(start);
  input.setAttribute("aria-label", label);
  return { node: make("label", {}, label, input, output), at: () => Number(input.value), set };
}

// No key of a control is the notebook's, where in command mode "b" inserts a cell. An
// older JupyterLab takes a key on its way down, unless what has the focus tells it not to.
function keepKeys(el) {
  el.addEventListener("focusin", ({ target }) => { target.dataset.lmSuppressShortcuts = ""; });
  el.addEventListener("keydown", (event) => event.stopPropagation());
}

// What was chosen on this page, so that an outcome further down can be set beside it.
const chosen = new Map();
const hearers = new Set();

function ask(el, { name, options, chosen: before }) {
  const box = make("fieldset", { class: "course-question" }, make("legend", { class: "course-spoken" }, "Your prediction"));
  const choose = (answer) => {
    chosen.set(name, answer);
    for (const hear of hearers) hear();
  };
  if (before) chosen.set(name, before);
  if (!options.length) {
    const input = make("input", { type: "text", value: before ?? "" });
    input.addEventListener("input", () => choose(input.value));
    box.append(make("label", {}, "Your prediction", input));
  }
  for (const option of options) {
    const input = make("input", { type: "radio", name, value: option });
    input.checked = option === before;
    input.addEventListener("input", () => choose(option));
    box.append(make("label", {}, input, option));
  }
  el.append(box);
}

function reveal(el, { name, right, predicted }) {
  const mine = make("span");
  el.append(make("p", {}, make("strong", {}, `What happens: ${right}`), make("br"), mine));
  const hear = () => {
    const answer = chosen.get(name) ?? predicted;
    if (!answer) mine.textContent = "You made no prediction.";
    else if (answer === right) mine.textContent = "You predicted this.";
    else mine.textContent = `You predicted: ${answer}`;
  };
  hearers.add(hear);
  hear();
  return () => hearers.delete(hear);
}

// Show a packed figure, question or outcome in an element, and let it be moved.
// Returns a function that ends it.
export function play(el, packed) {
  const whole = typeof packed === "string" ? JSON.parse(packed) : packed;
  el.classList.add("course-figure");
  keepKeys(el);
  if (whole.question || whole.outcome) {
    el.append(make("style", {}, STYLE));
    if (whole.outcome) return reveal(el, whole.outcome);
    ask(el, whole.question);
    return () => {};
  }
  const row = make("div", { class: "course-controls" });
  const draw = unpack(whole);
  const changed = () => view.show(draw(controls.map((x) => x.at())));
  const controls = whole.controls.map((x) => native(x, changed));
  const reset = make("button", { type: "button" }, "Reset");
  reset.addEventListener("click", () => {
    controls.forEach((x, i) => x.set(whole.controls[i].start));
    changed();
  });
  if (controls.length) row.append(...controls.map((x) => x.node), reset);
  el.append(row);
  const view = stage(el);
  if (whole.note) el.append(make("p", { class: "course-note" }, whole.note));
  changed();
  return view.end;
}

// ipywidgets gives a slider's handle no name that a screen reader could speak, and
// lets it speak its value with all its digits.
function nameSliders(box) {
  for (const slider of box.querySelectorAll(".widget-slider:not([data-course-named])")) {
    if (!slider.querySelector("[role=slider]")) continue;
    slider.dataset.courseNamed = "";
    const label = slider.querySelector(".widget-label")?.textContent;
    const readout = slider.querySelector(".widget-readout");
    readout?.setAttribute("aria-label", `${label}, as a number`);
    readout?.setAttribute("role", "textbox");
    for (const handle of slider.querySelectorAll("[role=slider]")) {
      handle.setAttribute("aria-label", label);
      const speak = () => {
        const value = readout?.textContent ?? handle.getAttribute("aria-valuenow");
        if (handle.getAttribute("aria-valuetext") !== value) {
          handle.setAttribute("aria-valuetext", value);
        }
      };
      const watch = new MutationObserver(speak);
      watch.observe(handle, { attributeFilter: ["aria-valuenow", "aria-valuetext"] });
      speak();
    }
  }
}

// The place of the stop at which an ipywidgets control stands.
function standing(control) {
  const index = control.get("index");
  if (index !== undefined) return index;
  const value = control.get("value");
  if (typeof value === "boolean") return Number(value);
  return Math.round((value - control.get("min")) / control.get("step"));
}

// Let the picture follow the controls, here alone if all pictures are packed.
async function follow(model, show) {
  const fromKernel = () => show(model.get("svg"));
  model.on("change:svg", fromKernel);
  fromKernel();
  const packed = model.get("packed");
  if (!packed) return () => model.off("change:svg", fromKernel);
  const draw = unpack(JSON.parse(packed));
  const ids = model.get("controls").map((x) => x.slice("IPY_MODEL_".length));
  const controls = await Promise.all(ids.map((id) => model.widget_manager.get_model(id)));
  const moved = () => show(draw(controls.map(standing)));
  // Not "change" alone: it does not come when the kernel moves a selection slider.
  const moves = "change:index change:value";
  for (const control of controls) control.on(moves, moved);
  moved();
  return () => { for (const control of controls) control.off(moves, moved); };
}

function render({ model, el }) {
  const view = stage(el);
  const followed = follow(model, view.show);
  let box = null;
  let waiting;
  const sliders = new MutationObserver(() => nameSliders(box));
  // A view is made before it stands in the page, and before the sliders beside it.
  const settle = () => {
    box = el.closest(".course-panel, .course-prediction");
    if (!box) {
      waiting = setTimeout(settle, 50);
      return;
    }
    nameSliders(box);
    sliders.observe(box, { childList: true, subtree: true });
    keepKeys(box);
  };
  settle();
  return () => {
    view.end();
    followed.then((end) => end());
    clearTimeout(waiting);
    sliders.disconnect();
  };
}

export default { render };
