/* Swagger UI on our description of the API. What is tried out goes to the sandbox, with the reader's token for it. */
(() => {
  "use strict";
  const place = document.getElementById("reference");
  const button = document.getElementById("sandbox-key");
  const LIVE = "/api/v1/";
  const SANDBOX = "/api/sandbox/v1/";

  /* What is not under /api/v1/ has no address in the sandbox: it would act on what is live, as whoever is logged in. */
  const onlyWhatTheSandboxHas = () => ({
    statePlugins: {
      spec: {
        wrapSelectors: {
          allowTryItOutFor: (original) => (state, path, method) => path.startsWith(LIVE) && original(state, path, method),
        },
      },
    },
  });

  const ui = window.SwaggerUIBundle({
    url: place.dataset.document,
    domNode: place,
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: -1,
    persistAuthorization: false,
    plugins: [onlyWhatTheSandboxHas],
    supportedSubmitMethods: button ? ["get", "put", "post", "delete", "patch"] : [],
    requestInterceptor: (request) => {
      const address = new URL(request.url, location.href);
      if (!address.pathname.startsWith(LIVE)) return request;
      address.pathname = SANDBOX + address.pathname.slice(LIVE.length);
      request.url = address.href;
      request.credentials = "omit";
      const token = window.levqorSandbox.current();
      if (token) request.headers.Authorization = `Bearer ${token}`;
      return request;
    },
  });

  if (button) {
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        await window.levqorSandbox.token(button.dataset);
        button.textContent = button.dataset.ready;
      } catch {
        button.textContent = button.dataset.failed;
        button.disabled = false;
      }
    });
  }
  window.levqorReference = ui;
})();
