// Reports the defects of the page in one line. WIDTH, DARK and PICTURES are defined in front of this script.
addEventListener("load", () => {
  const problems = new Set();
  const need = (good, problem) => good || problems.add(problem);
  const all = selector => [...document.querySelectorAll(selector)];
  const root = document.documentElement;

  need(innerWidth === WIDTH, `the window is ${innerWidth} wide`);
  need(root.scrollWidth <= root.clientWidth, "the page is wider than the window");
  for (const element of all("main *")) {
    const inBox = element.closest(".scroll") && !element.matches(".scroll");
    const inPicture = element.closest("svg") && !element.matches("svg");
    const { left, right } = element.getBoundingClientRect();
    if (inBox || inPicture) continue;
    need(left >= 0 && right <= root.clientWidth + 0.5, `${element.tagName} is wider than the window`);
  }

  const pictures = all("figure svg");
  need(pictures.length === PICTURES, `${pictures.length} pictures`);
  for (const picture of pictures) {
    const { width, height } = picture.getBoundingClientRect();
    need(width > 200 && height > 60 && picture.checkVisibility(), `picture ${picture.id} is not visible`);
    const drawn = picture.querySelectorAll("polyline, circle").length && picture.querySelectorAll("text").length > 5;
    need(drawn && picture.getAttribute("aria-label"), `picture ${picture.id} is empty`);
  }

  const tables = all(".scroll table");
  need(tables.length > 0, "no table");
  for (const table of tables) {
    for (const row of table.tBodies[0].rows) {
      const figures = [...row.cells].slice(1).filter(cell => /^-?\d/.test(cell.textContent));
      need(figures.length >= 2, `no figures for ${row.cells[0].textContent}`);
    }
  }

  need(matchMedia("(prefers-color-scheme: dark)").matches === Boolean(DARK), "the browser has the wrong colour scheme");
  const rgb = color => color.match(/[\d.]+/g).map(Number);
  const luminance = color => rgb(color).slice(0, 3).map(c => c / 255)
    .map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const background = element => {
    const color = getComputedStyle(element).backgroundColor;
    return (rgb(color)[3] ?? 1) > 0 || element === root ? color : background(element.parentElement);
  };
  need((luminance(background(document.body)) < 0.2) === Boolean(DARK), "the page has the wrong colour scheme");
  for (const element of all("h1, h2, p, dt, dd, th, td, .published, figcaption")) {
    const [a, b] = [luminance(getComputedStyle(element).color), luminance(background(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    need(contrast >= 4.5, `${element.tagName} has too little contrast`);
  }

  const elsewhere = all("[src], link, iframe, object, script:not(#look):not(:empty)").filter(e => e.src || e.href || e.data);
  need(elsewhere.length === 0, "the page loads external resources");

  const figures = tables.reduce((sum, table) => sum + table.querySelectorAll("td").length, 0);
  const line = problems.size ? [...problems].slice(0, 5).join("; ") : `ok, ${pictures.length} pictures, ${figures} figures`;
  parent.postMessage(`\nlooked: ${line}\n`, "*");
});
