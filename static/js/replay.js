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
    const { method, body, csrf, organization } = form.dataset; /* `url` gives a token for the sandbox */
    /* The organization whose log this is, whichever one another tab has switched to: the last one named counts. */
    const path = `${form.dataset.path}${form.dataset.path.includes("?") ? "&" : "?"}organization=${organization}`;
    button.disabled = true;
    try {
      /* A browser takes steps back in an address, also such as are written otherwise: that would be another call. */
      const address = new URL(path, location.origin);
      if (address.origin !== location.origin || address.pathname !== path.split("?")[0]) throw new Error(path);
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
