// Questions in plain English: the words of asking do not count, and where no page has every word left, pages with the
// most and rarest of them come first.
(() => {
  const asking = "about can could did do does from have how i many me much my need our should than they we what when where which who whom whose why will would you your".split(" ");
  for (const word of asking) if (!stopwords.includes(word)) stopwords.push(word);
  const search = Search.performTermsSearch;
  Search.performTermsSearch = (terms, excluded) => {
    const all = search(terms, excluded);
    if (all.length || terms.size < 2) return all;
    const pages = new Map();
    for (const term of terms) {
      const found = search(new Set([term]), excluded);
      for (const result of found) {
        const before = pages.get(result[0]);
        const score = result[4] / Math.sqrt(found.length) + (before ? before[4] + 1 : 0);
        pages.set(result[0], [...result.slice(0, 4), score, ...result.slice(5)]);
      }
    }
    return [...pages.values()];
  };
  const read = Search.htmlToText;
  Search.htmlToText = (html, anchor) => read(html.replace(/<span class="course-said"[^]*?<\/span>/g, ""), anchor);
  addEventListener("DOMContentLoaded", () => {
    const field = document.querySelector(".bd-search-container input");
    if (field) field.focus();
  });
})();
