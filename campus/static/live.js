// The page of a book that is being written: loads itself anew when it was built, and says what is wrong when it could not be.
(() => {
  const shown = Number(document.currentScript.src.split("?")[1]);
  const news = new EventSource("/_live/events");
  news.onmessage = ({ data }) => {
    const { build, fault } = JSON.parse(data);
    if (build !== shown) location.reload();
    let box = document.getElementById("live-fault");
    if (!fault) { if (box) box.remove(); return; }
    if (!box) {
      box = document.createElement("pre");
      box.id = "live-fault";
      box.setAttribute("role", "alert");
      box.style.cssText = "position: fixed; inset: auto 0 0 0; z-index: 2000; margin: 0; padding: 1rem; max-height: 40vh; " +
        "overflow: auto; white-space: pre-wrap; background: #7a1a00; color: #ffffff; font-size: 1rem";
      document.body.append(box);
    }
    box.textContent = fault;
  };
})();
