/* Brings a part of a page to a new state by changing only what differs: open details, focus, typed text and scroll
   positions stay. Elements are matched by data-key or id, else by their place. [data-loaded] is left alone. */
(() => {
  "use strict";
  const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.dataset?.key || node.id || "" : "");
  const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

  const attributes = (from, to) => {
    const keep = from.nodeName === "DETAILS" ? ["open"] : from.nodeName === "INPUT" ? ["value"] : [];
    for (const { name, value } of to.attributes) {
      if (!keep.includes(name) && from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
    for (const { name } of [...from.attributes]) {
      if (!to.hasAttribute(name) && !keep.includes(name) && name !== "aria-busy" && name !== "title") from.removeAttribute(name);
    }
  };
  const element = (from, to) => {
    if (from.hasAttribute("data-loaded") && to.hasAttribute("data-loaded")) return;
    attributes(from, to);
    /* A clock runs by itself; its words are only replaced when it counts from another moment. */
    if (from.nodeName === "TIME" && from.dateTime === to.dateTime && from.hasAttribute("data-elapsed") === to.hasAttribute("data-elapsed")) return;
    children(from, to);
  };
  const children = (from, to) => {
    let current = from.firstChild;
    for (const wanted of [...to.childNodes]) {
      let match = current;
      if (!match || !alike(match, wanted)) {
        match = keyOf(wanted) ? [...from.childNodes].find((node) => alike(node, wanted)) : null;
        if (match) from.insertBefore(match, current);
      }
      if (match) {
        if (match.nodeType === Node.ELEMENT_NODE) element(match, wanted);
        else if (match.nodeValue !== wanted.nodeValue) match.nodeValue = wanted.nodeValue;
        current = match === current ? current.nextSibling : current;
      } else {
        from.insertBefore(document.importNode(wanted, true), current);
      }
    }
    while (current) {
      const next = current.nextSibling;
      current.remove();
      current = next;
    }
  };

  window.levqorMorph = (target, html) => {
    const wanted = document.createElement(target.nodeName);
    wanted.innerHTML = html;
    children(target, wanted);
  };
})();
