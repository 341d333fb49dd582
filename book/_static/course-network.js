// What a network lets through, tried from the reader's browser against the campus that serves this page.
(() => {
  const table = document.querySelector(".course-network");
  if (!table) return;
  const say = (test, words) => { table.querySelector(`[data-test="${test}"] td`).textContent = words; };
  say("scripts", "works");
  const campus = location.pathname.match(/^(.*\/services\/campus\/)book\//);
  if (!campus) {
    for (const test of ["campus", "upload", "socket"]) say(test, "not tested: this copy of the book is not served by the campus");
    return;
  }
  const endpoint = `${campus[1]}api/network`;
  const token = (document.cookie.match(/(?:^|;\s*)_xsrf=([^;]*)/) || [])[1] || "";
  const SIZE = 8_000_000;
  const send = async body => {
    const answer = await fetch(endpoint, { method: "POST", body, headers: { "X-XSRFToken": token } });
    if (!answer.ok) throw new Error(`fails: the answer was ${answer.status}`);
    const { bytes } = await answer.json();
    if (bytes !== body.length) throw new Error(`fails: ${bytes} of ${body.length} bytes arrived`);
  };
  const open = () => new Promise((done, fail) => {
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}${endpoint}/socket?_xsrf=${encodeURIComponent(token)}`);
    const late = setTimeout(() => fail(new Error("fails: no answer in 10 seconds")), 10_000);
    socket.onopen = () => socket.send("hello");
    socket.onerror = () => { clearTimeout(late); fail(new Error("fails: it could not be opened")); };
    socket.onclose = () => { clearTimeout(late); fail(new Error("fails: it was closed before it answered")); };
    socket.onmessage = said => { clearTimeout(late); socket.close(); said.data === "hello" ? done() : fail(new Error("fails: another answer came back")); };
  });
  const test = async (name, work) => {
    say(name, "testing");
    const start = performance.now();
    try { await work(); say(name, `works, ${((performance.now() - start) / 1000).toFixed(1)} seconds`); }
    catch (error) { say(name, error.message.startsWith("fails") ? error.message : "fails: the request did not get through"); }
  };
  (async () => {
    await test("campus", () => send(new Uint8Array(1)));
    await test("upload", () => send(new Uint8Array(SIZE)));
    await test("socket", open);
  })();
})();
