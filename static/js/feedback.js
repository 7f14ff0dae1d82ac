/* Toasts, copy buttons, and what htmx failures look like. Words come translated from data attributes in base.html. */
(() => {
  "use strict";
  const region = document.getElementById("toasts");
  const words = document.body.dataset;
  const tones = { success: "ok", error: "bad", warning: "wait", info: "go", debug: "idle" };

  const leave = (toast) => {
    if (!toast.isConnected || toast.classList.contains("leaving")) return;
    toast.classList.add("leaving");
    setTimeout(() => toast.remove(), 220);
  };
  const arm = (toast) => {
    toast.querySelector("[data-toast-close]")?.addEventListener("click", () => leave(toast));
    if (toast.dataset.level === "error" || toast.dataset.level === "warning") return;
    let timer = setTimeout(leave, 6000, toast);
    const hold = () => clearTimeout(timer);
    const release = () => { timer = setTimeout(leave, 3000, toast); };
    toast.addEventListener("pointerenter", hold);
    toast.addEventListener("focusin", hold);
    toast.addEventListener("pointerleave", release);
    toast.addEventListener("focusout", release);
  };
  const show = (text, level = "info") => {
    const template = document.getElementById("toast-template");
    if (!region || !template || !text) return;
    const toast = template.content.firstElementChild.cloneNode(true);
    const icon = toast.querySelector(`[data-icon="${level}"]`) || toast.querySelector('[data-icon="info"]');
    for (const other of toast.querySelectorAll("[data-icon]")) if (other !== icon) other.remove();
    toast.classList.add(tones[level] || "go");
    toast.dataset.level = level;
    toast.querySelector("[data-toast-text]").textContent = text;
    if (level === "error") toast.setAttribute("role", "alert");
    region.append(toast);
    arm(toast);
  };
  window.levqor = Object.freeze({ toast: show });

  /* Messages that came with the page are put in again, so that screen readers announce them. */
  for (const toast of region?.querySelectorAll(".toast") ?? []) {
    toast.remove();
    setTimeout(() => { region.append(toast); arm(toast); }, 60);
  }
  /* A response may carry HX-Trigger: {"toast": {"message": "…", "level": "success"}}. */
  document.addEventListener("toast", (event) => show(event.detail?.message ?? event.detail?.value, event.detail?.level));

  /* Copy: data-copy="text", or data-copy-from="id of an element". */
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      area.setAttribute("readonly", "");
      area.className = "sr-only";
      (document.querySelector("dialog[open]") || document.body).append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy], [data-copy-from]");
    if (!button) return;
    const source = button.dataset.copyFrom ? document.getElementById(button.dataset.copyFrom) : null;
    const done = await copy(source ? (source.value ?? source.textContent) : button.dataset.copy);
    button.focus();
    if (!done) {
      show(words.copyFailed, "error");
      return;
    }
    const label = button.querySelector("[data-copy-label]");
    const before = label?.textContent;
    button.classList.add("copied");
    if (label) label.textContent = words.copied;
    const spoken = document.getElementById("spoken");
    if (spoken) spoken.textContent = words.copied;
    setTimeout(() => {
      button.classList.remove("copied");
      if (label) label.textContent = before;
      if (spoken) spoken.textContent = "";
    }, 1800);
  });

  /* htmx: a request that failed says so. A problem document's own words win. */
  document.addEventListener("htmx:responseError", (event) => {
    const reply = event.detail.xhr;
    let text = reply.status === 429 ? words.tooMany : reply.status === 403 ? words.forbidden : words.failed;
    if ((reply.getResponseHeader("Content-Type") || "").includes("json")) {
      try {
        text = JSON.parse(reply.responseText).detail || text;
      } catch {
        /* keep the general words */
      }
    }
    show(text, "error");
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, (event) => {
      /* Live parts ask again by themselves; one that nobody pressed must not nag. */
      if (!event.detail.elt?.matches?.("[data-quiet]")) show(words.offline, "error");
    });
  }
})();
