// Puts the articles of other pages behind the one that is open; what is named within them gets the page's own prefix.
async names => {
  const article = document.querySelector("article");
  for (const name of names) {
    const address = new URL(`/${name}`, location);
    const other = new DOMParser().parseFromString(await (await fetch(address)).text(), "text/html").querySelector("article");
    const prefix = `${name.replace(/\W+/g, "-")}-`;
    for (const node of other.querySelectorAll("[id]")) node.id = prefix + node.id;
    for (const node of other.querySelectorAll("[href^='#']")) node.setAttribute("href", `#${prefix}${node.getAttribute("href").slice(1)}`);
    for (const kind of ["src", "href"])
      for (const node of other.querySelectorAll(`[${kind}]`))
        if (!node.getAttribute(kind).startsWith("#")) node.setAttribute(kind, new URL(node.getAttribute(kind), address));
    for (const kind of ["aria-labelledby", "aria-describedby"])
      for (const node of other.querySelectorAll(`[${kind}]`)) node.setAttribute(kind, prefix + node.getAttribute(kind));
    other.style.breakBefore = "page";
    article.parentNode.append(document.adoptNode(other));
  }
  await Promise.all([...document.images].map(image => { image.loading = "eager"; return image.decode().catch(() => {}); }));
}
