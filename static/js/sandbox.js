/* A token of the reader's for the sandbox, and answers that the sandbox gives with it. */
(() => {
  "use strict";
  let token = null;
  let until = 0;

  window.levqorSandbox = {
    /* The token, asked for when there is none or it ends within a minute. */
    token: async ({ url, csrf }) => {
      if (token && Date.now() < until - 60000) return token;
      const answer = await fetch(url, { method: "POST", headers: { "X-CSRFToken": csrf } });
      if (!answer.ok) throw new Error(String(answer.status));
      const told = await answer.json();
      token = told.token;
      until = Date.now() + told.expires_in * 1000;
      return token;
    },
    current: () => (Date.now() < until ? token : null),
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-sandbox-path]");
    if (!button) return;
    const place = document.getElementById(button.dataset.into);
    button.disabled = true;
    try {
      const held = await window.levqorSandbox.token(button.dataset);
      const answer = await fetch(button.dataset.sandboxPath, { credentials: "omit", headers: { Authorization: `Bearer ${held}` } });
      const body = await answer.json();
      place.textContent = `HTTP ${answer.status}\n\n${JSON.stringify(body, null, 2)}`;
    } catch {
      place.textContent = button.dataset.failed;
    }
    place.hidden = false;
    button.disabled = false;
  });
})();
