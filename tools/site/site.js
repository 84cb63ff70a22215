
// After player.js: every packed figure of the page takes the place of its still picture.
for (const data of document.querySelectorAll("script.course-packed")) {
  const figure = document.createElement("div");
  data.previousElementSibling.replaceWith(figure);
  play(figure, data.textContent);
}
