// Put into a page before its own scripts: how long its news take until they are painted, and its frames while it scrolls.
(() => {
  const news = []; // of finished files: how many, when it came, when the worker said it
  const paints = []; // milliseconds: [from the arrival, from the worker's timestamp]
  const Real = window.WebSocket;

  window.WebSocket = class extends Real {
    constructor(...all) {
      super(...all);
      this.addEventListener("message", ({ data }) => {
        const { progress, ts, type } = JSON.parse(data);
        const last = news.at(-1)?.done ?? 0;
        if (type === "progress" && progress.filesDone > last)
          news.push({ done: progress.filesDone, came: performance.now(), said: Date.parse(ts), painted: false });
      });
    }
  };

  const shown = () => {
    const text = document.querySelector('[role="progressbar"]')?.getAttribute("aria-valuetext") ?? "";
    return Number((/([\d,]+) of [\d,]+ files/.exec(text)?.[1] ?? "0").replaceAll(",", ""));
  };

  // A frame callback runs before the paint of its frame; a message posted in it arrives after that paint.
  const settle = () => {
    const done = shown();
    const fresh = news.filter((one) => !one.painted && one.done <= done);
    if (fresh.length === 0) return;
    for (const one of fresh) one.painted = true;
    requestAnimationFrame(() => {
      const after = new MessageChannel();
      after.port1.onmessage = () => {
        const [now, date] = [performance.now(), Date.now()];
        for (const { came, said } of fresh) paints.push([now - came, date - said]);
      };
      after.port2.postMessage(null);
    });
  };
  const all = { subtree: true, childList: true, attributes: true, characterData: true };
  new MutationObserver(settle).observe(document, all);

  window.paints = paints;
  window.awaited = () => news.filter((one) => !one.painted).length;

  /** Milliseconds between the frames while a box scrolls from its top to its end, so many pixels a frame. */
  window.scrollThrough = (label, step) =>
    new Promise((resolve) => {
      const box = document.querySelector(`[aria-label="${label}"][tabindex]`);
      const frames = [];
      let before = null;
      box.scrollTop = 0;
      const next = (now) => {
        if (before !== null) frames.push(now - before);
        before = now;
        if (box.scrollTop + box.clientHeight >= box.scrollHeight - 1) return resolve(frames);
        box.scrollTop += step;
        requestAnimationFrame(next);
      };
      requestAnimationFrame(next);
    });
})();
