
// In a block: player.js, before this where there are figures, has names of its own.
{
  // Every packed figure of the page takes the place of its still picture.
  for (const data of document.querySelectorAll("script.course-packed")) {
    const figure = document.createElement("div");
    data.previousElementSibling.replaceWith(figure);
    play(figure, data.textContent);
  }

  // Paper is light.
  const page = document.documentElement;
  let theme;
  addEventListener("beforeprint", () => {
    theme = page.dataset.theme;
    page.dataset.theme = "light";
  });
  addEventListener("afterprint", () => { page.dataset.theme = theme; });
}
