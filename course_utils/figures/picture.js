// Shows the panel's SVG, and makes its controls good neighbours in JupyterLab.

const STYLE = `
.course-panel { max-width: 880px; overflow: visible; }
.course-picture svg { display: block; max-width: 100%; height: auto; }
@media (prefers-reduced-motion: no-preference) {
  .course-picture svg :is(rect, circle, line) { transition: all 120ms ease-out; }
}`;

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
  return new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
}

// ipywidgets gives a slider's handle no name that a screen reader could speak.
function nameSliders(panel) {
  for (const slider of panel.querySelectorAll(".widget-slider")) {
    const label = slider.querySelector(".widget-label")?.textContent;
    for (const handle of slider.querySelectorAll("[role=slider]")) {
      handle.setAttribute("aria-label", label);
    }
  }
}

function render({ model, el }) {
  const style = document.createElement("style");
  style.textContent = STYLE;
  const picture = document.createElement("div");
  picture.className = "course-picture";
  picture.append(document.importNode(parse(model.get("svg")), true));
  el.append(style, picture);

  model.on("change:svg", () => become(picture.firstChild, document.importNode(parse(model.get("svg")), true)));

  const stop = (event) => event.stopPropagation();
  let panel = null;
  const settle = () => {
    panel = el.closest(".course-panel");
    if (!panel) return;
    nameSliders(panel);
    // Keys that move a control must not reach the notebook, where in command
    // mode "b" inserts a cell.
    panel.addEventListener("keydown", stop);
  };
  requestAnimationFrame(settle);
  return () => panel?.removeEventListener("keydown", stop);
}

export default { render };
