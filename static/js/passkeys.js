/* What a passkey's failure looks like. The ceremony itself is allauth's script; it tells of failures by an event. */
(() => {
  "use strict";
  const problem = document.querySelector("[data-passkey-problem]");
  const tell = (kind) => {
    if (!problem) return;
    problem.textContent = problem.dataset[kind];
    problem.hidden = false;
  };
  const kinds = { NotAllowedError: "cancelled", AbortError: "cancelled", InvalidStateError: "known" };
  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    tell(kinds[event.detail?.exception?.name] || "failed");
  });
  for (const button of document.querySelectorAll("[data-passkey]")) {
    if (window.PublicKeyCredential) button.addEventListener("click", () => { if (problem) problem.hidden = true; });
    else {
      button.disabled = true;
      tell("unsupported");
    }
  }
})();
