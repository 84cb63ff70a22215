// Two plugins for JupyterLab.
//
// This is what the build of an extension comes down to where nothing needs to be
// bundled: a container with one module, whose default is the plugins. It stands in a
// block, as the scripts of all extensions share one scope.
{
const FIGURE = "application/vnd.attention-course.figure+json"; // as in packed.py
const WIDGET = "application/vnd.jupyter.widget-view+json";
const RANK = -20; // the widget view has -10; the lowest is shown
const PATIENCE = 400; // ms for the live widget, before the packed figure stands in
const PLAYER = new URL("player.js", document.currentScript.src);
let shared; // the modules of JupyterLab

async function load(name) {
  const [version] = Object.values(shared[name]);
  return (await version.get())();
}

// Make the renderer of a figure in a notebook: it shows the live widget as long as the
// kernel has it, and else the packed pictures, which need no kernel.
function renderer(Panel, rendermime) {
  const shown = new Panel();
  shown.addClass("course-revived");

  async function packed(text) {
    const { play } = await import(PLAYER);
    const el = document.createElement("div");
    play(el, text);
    for (const question of el.querySelectorAll("fieldset")) {
      question.disabled = true; // nothing here could keep another answer
    }
    return el;
  }

  shown.renderModel = async (model) => {
    for (const widget of [...shown.widgets]) widget.dispose();
    const still = new Panel();
    shown.addWidget(still);
    const stand = async () => {
      if (still.node.firstChild || still.isDisposed) return;
      still.node.append(await packed(model.data[FIGURE]));
    };
    if (!model.trusted || !model.data[WIDGET]) return stand();
    const live = rendermime.createRenderer(WIDGET);
    live.hide();
    shown.addWidget(live);
    let waiting = setTimeout(stand, PATIENCE);
    // It holds a view, or else words: that it loads, or that there is no such model.
    const settle = () => {
      const isThere = live.node.firstElementChild !== null;
      if (isThere) clearTimeout(waiting);
      else if (still.isHidden) stand();
      still.setHidden(isThere);
      if (live.isHidden === isThere) live.setHidden(!isThere);
    };
    const watch = new MutationObserver(settle);
    watch.observe(live.node, { childList: true, attributeFilter: ["class"] });
    live.disposed.connect(() => { clearTimeout(waiting); watch.disconnect(); });
    live.renderModel(model);
  };
  return shown;
}

const figures = {
  id: "attention-course:figures",
  autoStart: true,
  activate: async ({ docRegistry }) => {
    const { Panel } = await load("@lumino/widgets");
    docRegistry.addWidgetExtension("Notebook", {
      createNew: ({ content: { rendermime } }) => {
        const createRenderer = () => renderer(Panel, rendermime);
        rendermime.addFactory({ safe: false, mimeTypes: [FIGURE], createRenderer }, RANK);
      },
    });
  },
};

// Shows the start page as it is now, whenever its tab comes to the front. A check
// writes new points there, and JupyterLab alone would go on showing the old ones.
const startPage = {
  id: "attention-course:start-page",
  autoStart: true,
  activate: ({ shell, serviceManager }) => {
    shell.currentChanged?.connect(async () => {
      const context = shell.currentWidget?.context;
      if (context?.path !== "start.md" || !context.isReady || context.model.dirty) {
        return;
      }
      const { contents } = serviceManager;
      const there = await contents.get(context.path, { content: false });
      if (there.last_modified !== context.contentsModel?.last_modified) {
        await context.revert();
      }
    });
  },
};

(window._JUPYTERLAB ??= {})["attention-course"] = {
  init: (modules) => { shared = modules; },
  get: async () => () => ({ __esModule: true, default: [figures, startPage] }),
};
}
