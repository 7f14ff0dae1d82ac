/* Keeps <time data-relative datetime="…"> ("2 minutes ago") and <time data-elapsed> (a running clock) up to date. */
(() => {
  "use strict";
  const language = document.documentElement.lang || undefined;
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const exact = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "long" });
  const units = [["year", 31536000], ["month", 2592000], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60]];

  const describe = (seconds) => {
    const size = Math.abs(seconds);
    for (const [unit, length] of units) {
      if (size >= length) return relative.format(Math.trunc(seconds / length), unit);
    }
    return size < 10 ? relative.format(0, "second") : relative.format(Math.trunc(seconds), "second");
  };
  const clock = (seconds) => {
    const whole = Math.max(0, Math.floor(seconds));
    const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    if (whole < 60) return `${whole} s`;
    return whole < 3600 ? `${parts[1]} min ${parts[2]} s` : `${parts[0]} h ${parts[1]} min`;
  };
  const update = (root = document) => {
    const now = Date.now();
    for (const element of root.querySelectorAll("time[data-relative]")) {
      const at = Date.parse(element.dateTime);
      if (Number.isNaN(at)) continue;
      const text = describe((at - now) / 1000);
      if (element.textContent !== text) element.textContent = text;
      element.title = exact.format(at);
    }
    for (const element of root.querySelectorAll("time[data-elapsed]")) {
      const at = Date.parse(element.dateTime);
      if (!Number.isNaN(at)) element.textContent = clock((now - at) / 1000);
    }
  };
  update();
  setInterval(() => { if (!document.hidden) update(); }, 1000);
  document.addEventListener("visibilitychange", () => update());
  document.addEventListener("htmx:load", (event) => update(event.target.parentNode || document));
})();
