// Shows the panel's SVG, and makes its controls good neighbours in JupyterLab.

const STYLE = `
.course-panel { overflow: visible; }
.course-picture { overflow-x: auto; }
.course-picture svg { display: block; }
.course-spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
@media (prefers-reduced-motion: no-preference) {
  .course-picture svg :is(rect:not(.cell), circle, line) { transition: all 120ms ease-out; }
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
  const fresh = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  return document.importNode(fresh, true);
}

// The picture that belongs to the slider's value, or the one that the kernel sent.
function current(model) {
  const states = model.get("states");
  if (!states.length) return model.get("svg");
  return states[Math.round((model.get("value") - model.get("low")) / model.get("step"))];
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

function render({ model, el }) {
  const style = document.createElement("style");
  style.textContent = STYLE;
  const picture = document.createElement("div");
  picture.className = "course-picture";
  picture.tabIndex = -1;
  const spoken = document.createElement("div");
  spoken.className = "course-spoken";
  spoken.setAttribute("aria-live", "polite");
  el.append(style, picture, spoken);

  let later;
  const show = () => {
    const svg = current(model);
    if (!svg) return;
    if (picture.firstChild) become(picture.firstChild, parse(svg));
    else picture.append(parse(svg));
    // Say what changed once the control rests, not at every step on the way.
    clearTimeout(later);
    later = setTimeout(() => {
      spoken.textContent = picture.querySelector(".caption")?.textContent ?? "";
    }, 500);
  };
  show();
  for (const name of ["svg", "states", "value"]) model.on(`change:${name}`, show);

  const stop = (event) => event.stopPropagation();
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
    // Keys that move a control must not reach the notebook, where in command mode
    // "b" inserts a cell.
    box.addEventListener("keydown", stop);
  };
  settle();
  return () => {
    clearTimeout(later);
    clearTimeout(waiting);
    sliders.disconnect();
    box?.removeEventListener("keydown", stop);
  };
}

export default { render };
