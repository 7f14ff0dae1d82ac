/* Runs before the first paint: applies the theme chosen on this device (light, dark, or as the system says). */
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  let choice = "system";
  try {
    choice = localStorage.getItem("theme") || "system";
  } catch {
    /* storage is blocked: follow the system */
  }
  const apply = () => {
    if (choice === "light" || choice === "dark") root.dataset.theme = choice;
    else delete root.dataset.theme;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
    }
  };
  apply();
  document.addEventListener("DOMContentLoaded", apply);
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-theme-choice]");
    if (!button) return;
    choice = button.dataset.themeChoice;
    try {
      localStorage.setItem("theme", choice);
    } catch {
      /* the choice holds for this page only */
    }
    apply();
  });
})();
