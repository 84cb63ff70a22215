// Shows the start page as it is now, whenever its tab comes to the front. A check
// writes new points there, and JupyterLab alone would go on showing the old ones.
//
// This is what the build of an extension for JupyterLab comes down to where nothing
// needs to be imported: a container with one module, whose default is the plugin.

const plugin = {
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
  init: () => {},
  get: async () => () => ({ __esModule: true, default: plugin }),
};
