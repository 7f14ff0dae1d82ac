/* Redoc on our description of the API. */
(() => {
  "use strict";
  const place = document.getElementById("redoc");
  window.Redoc.init(place.dataset.document, { hideDownloadButton: false, nativeScrollbars: true, disableSearch: true }, place);
})();
