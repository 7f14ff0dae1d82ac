/* Menus, tabs, dialogs and confirmations. Everything here improves markup that already works without it. */
(() => {
  "use strict";

  /* Menus are <details class="menu">: close on Escape, outside click or focus leaving; arrow keys move. */
  const openMenus = () => document.querySelectorAll("details.menu[open]");
  const entries = (menu) => [...menu.querySelectorAll(".menu-list :is(a[href], button:not([disabled]))")];
  document.addEventListener("click", (event) => {
    for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("focusin", (event) => {
    for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest?.("details.menu");
    if (!menu) return;
    const summary = menu.querySelector("summary");
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      summary.focus();
      event.stopPropagation();
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1, Home: "first", End: "last" }[event.key];
    if (!step || (!menu.open && step !== 1)) return;
    if (event.target.matches("input, textarea, select")) return;
    event.preventDefault();
    menu.open = true;
    const list = entries(menu);
    const at = list.indexOf(document.activeElement);
    const next = step === "first" ? 0 : step === "last" ? list.length - 1 : at < 0 && step < 0 ? list.length - 1 : (at + step + list.length) % list.length;
    list[next]?.focus();
  });

  /* Tabs within a page: [role=tablist] with [role=tab][aria-controls]; arrow keys choose. */
  const choose = (tab, focus) => {
    const tabs = [...tab.closest("[role=tablist]").querySelectorAll("[role=tab]")];
    for (const other of tabs) {
      const on = other === tab;
      other.setAttribute("aria-selected", String(on));
      other.tabIndex = on ? 0 : -1;
      const panel = document.getElementById(other.getAttribute("aria-controls"));
      if (panel) panel.hidden = !on;
    }
    if (focus) tab.focus();
  };
  document.addEventListener("click", (event) => {
    const tab = event.target.closest?.("[role=tab][aria-controls]");
    if (tab) choose(tab, false);
  });
  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest?.("[role=tab][aria-controls]");
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!tab || !step) return;
    const tabs = [...tab.closest("[role=tablist]").querySelectorAll("[role=tab]")];
    event.preventDefault();
    choose(tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length], true);
  });

  /* Dialogs: data-dialog-open="id" opens, data-dialog-close closes, a click beside it closes. */
  document.addEventListener("click", (event) => {
    const opener = event.target.closest?.("[data-dialog-open]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.dialogOpen);
      if (dialog && !dialog.open) {
        event.preventDefault();
        dialog.showModal();
      }
      return;
    }
    const closer = event.target.closest?.("[data-dialog-close]");
    if (closer) closer.closest("dialog")?.close("cancel");
    else if (event.target.matches?.("dialog.dialog")) {
      const box = event.target.getBoundingClientRect();
      const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
      if (!inside) event.target.close("cancel");
    }
  });
  for (const dialog of document.querySelectorAll("dialog[data-open-now]")) dialog.showModal();

  /* Confirmation: data-confirm on a submit button, a form or a link; hx-confirm comes the same way. */
  const ask = (source, question) => new Promise((resolve) => {
    const dialog = document.getElementById("confirm-dialog");
    if (!dialog?.showModal) {
      resolve(window.confirm(question));
      return;
    }
    const go = dialog.querySelector("[value=confirm]");
    dialog.querySelector("[value=cancel]").textContent = source.dataset.confirmDismiss || dialog.dataset.dismiss;
    dialog.querySelector("[data-confirm-title]").textContent = source.dataset.confirmTitle || dialog.dataset.title;
    dialog.querySelector("[data-confirm-text]").textContent = question;
    go.textContent = source.dataset.confirmLabel || dialog.dataset.label;
    const danger = source.matches(".danger, [data-confirm-danger]") || Boolean(source.querySelector?.("button.danger"));
    go.classList.toggle("danger", danger);
    go.classList.toggle("solid", danger);
    go.classList.toggle("primary", !danger);
    dialog.returnValue = "cancel";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "confirm"), { once: true });
    dialog.showModal();
  });
  const confirmed = new WeakSet();
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const source = event.submitter?.dataset.confirm ? event.submitter : form.dataset.confirm ? form : null;
    if (!source || confirmed.delete(form)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const submitter = event.submitter;
    ask(source, source.dataset.confirm).then((yes) => {
      if (!yes) return;
      confirmed.add(form);
      form.requestSubmit(submitter || undefined);
    });
  }, true);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-confirm]");
    if (!link) return;
    event.preventDefault();
    ask(link, link.dataset.confirm).then((yes) => { if (yes) window.location.assign(link.href); });
  });
  document.addEventListener("htmx:confirm", (event) => {
    if (!event.detail.question) return;
    event.preventDefault();
    ask(event.detail.elt, event.detail.question).then((yes) => { if (yes) event.detail.issueRequest(true); });
  });

  /* A plain form is sent once; its button shows that it works. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method === "dialog" || form.method === "get" || form.target) return;
    if ([...form.attributes].some((attribute) => attribute.name.startsWith("hx-"))) return;
    const button = event.submitter;
    setTimeout(() => button?.setAttribute("aria-busy", "true"));
  });
  window.addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll(".btn[aria-busy]")) button.removeAttribute("aria-busy");
  });

  /* Fields that act at once: data-submit-on-change sends their form. */
  document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-submit-on-change]")) event.target.form?.requestSubmit();
  });

  /* In a strip of tabs the current one is in sight. */
  for (const link of document.querySelectorAll(".side-tabs [aria-current], .tabs [aria-current]")) {
    const strip = link.closest(".side-tabs, .tabs");
    if (strip.scrollWidth > strip.clientWidth) strip.scrollLeft = link.offsetLeft - strip.offsetLeft - 56;
  }

  /* The sidebar drawer of a phone closes when the window grows. */
  matchMedia("(min-width: 52.01rem)").addEventListener("change", (event) => {
    if (!event.matches) return;
    for (const drawer of document.querySelectorAll("[popover]:popover-open")) drawer.hidePopover();
  });
})();
