/* Sends a logged call again, as the person who looks at it, and shows the answer beside the first one. */
(() => {
  "use strict";
  const form = document.getElementById("replay");
  if (!form) return;
  const button = form.querySelector("button");
  const place = document.getElementById("replayed");
  const status = document.getElementById("replayed-status");
  const text = document.getElementById("replayed-body");

  const send = async () => {
    const { method, path, body, csrf } = form.dataset; /* `url` gives a token for the sandbox */
    button.disabled = true;
    try {
      const headers = path.startsWith("/api/sandbox/")
        ? { Authorization: `Bearer ${await window.levqorSandbox.token(form.dataset)}` }
        : { "X-CSRFToken": csrf };
      if (body !== undefined) headers["Content-Type"] = "application/json";
      const answer = await fetch(path, { method, headers, body });
      const told = await answer.text();
      status.textContent = `HTTP ${answer.status}`;
      try {
        text.textContent = JSON.stringify(JSON.parse(told), null, 2);
      } catch {
        text.textContent = told;
      }
      text.hidden = told === "";
    } catch {
      status.textContent = form.dataset.failed;
      text.hidden = true;
    }
    place.hidden = false;
    button.disabled = false;
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
})();
