/* The page of a run: asks while the run goes on, often at first and then once a second, and loads what went in and out of a step when it is opened. */
(() => {
  "use strict";
  const EVERY = 1000;
  const AT_FIRST = 300; /* many runs are over within seconds; the answer "nothing new" costs one small query */
  const FIRST = 5000;
  const GUARD = 1000; /* a click meant for "Cancel" must not start a second run */
  const SLOWEST = 15000;

  const fetchPart = (url) => fetch(url, { headers: { "X-Fragment": "true" }, credentials: "same-origin" });

  /* Steps: <details data-load="url" data-load-stamp="…"> with a .line-body. */
  const load = async (details, url) => {
    const body = details.querySelector(":scope > .line-body");
    if (!body) return;
    const address = url || body.dataset.url || details.dataset.load;
    body.dataset.url = address;
    body.dataset.stamp = details.dataset.loadStamp;
    try {
      const reply = await fetchPart(address);
      if (!reply.ok) throw new Error(String(reply.status));
      window.levqorMorph(body, await reply.text());
      settle(body);
    } catch {
      delete body.dataset.stamp;
      if (!body.childElementCount) window.levqor.toast(document.body.dataset.offline, "error");
    }
  };
  const settle = (root) => {
    countdown(root);
    for (const details of root.querySelectorAll("details[open][data-load]")) {
      const body = details.querySelector(":scope > .line-body");
      if (body && body.dataset.stamp !== details.dataset.loadStamp) load(details);
    }
  };
  document.addEventListener("toggle", (event) => {
    const details = event.target;
    if (!details.open || !details.dataset?.load) return;
    const body = details.querySelector(":scope > .line-body");
    if (body && body.dataset.stamp !== details.dataset.loadStamp) load(details);
  }, true);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-fragment]");
    const details = link?.closest("details[data-load]");
    if (!details || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    load(details, link.getAttribute("href")).then(() => details.scrollIntoView({ block: "nearest" }));
  });
  /* A step that has not begun has nothing to show. */
  document.addEventListener("click", (event) => {
    const summary = event.target.closest?.(".timeline .unborn > details > summary");
    if (summary) event.preventDefault();
  });

  /* "in 8 s": seconds to a moment. */
  const countdown = (root = document) => {
    for (const element of root.querySelectorAll("time[data-countdown]")) {
      const left = Math.max(0, Math.ceil((Date.parse(element.dateTime) - Date.now()) / 1000));
      if (Number.isNaN(left) || left > 120) continue;
      const text = new Intl.RelativeTimeFormat(document.documentElement.lang || undefined, { numeric: "auto", style: "narrow" }).format(left, "second");
      if (element.textContent !== text) element.textContent = text;
    }
  };
  countdown();
  setInterval(countdown, 500);

  const live = document.querySelector("[data-live]");
  if (!live) return;
  settle(live);
  const head = () => live.querySelector("[data-stamp]");
  const title = document.title;
  const before = head()?.dataset.stateLabel || "";
  const opened = performance.now();
  const pace = () => (performance.now() - opened < FIRST ? AT_FIRST : EVERY);
  let wait = pace();
  const guard = () => {
    const actions = live.querySelector("[data-run-actions]");
    actions.inert = true;
    setTimeout(() => { actions.inert = false; }, GUARD);
  };
  const ask = async () => {
    if (document.hidden) return;
    try {
      const reply = await fetchPart(`${live.dataset.live}?after=${encodeURIComponent(head().dataset.stamp)}`);
      if (reply.status === 401 || reply.status === 403 || reply.status === 404 || reply.redirected) {
        window.location.reload();
        return;
      }
      if (reply.status === 200) {
        window.levqorMorph(live, await reply.text());
        if (head().hasAttribute("data-finished")) guard();
        settle(live);
        document.title = title.replace(before, head().dataset.stateLabel);
      }
      wait = reply.ok ? pace() : Math.min(wait * 2, SLOWEST);
    } catch {
      wait = Math.min(wait * 2, SLOWEST);
    }
    next();
  };
  let timer = 0;
  const next = () => {
    clearTimeout(timer);
    if (!head()?.hasAttribute("data-finished")) timer = setTimeout(ask, wait);
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && !head()?.hasAttribute("data-finished")) ask();
  });
  next();
})();
