/* The workflow editor: line numbers, colours, indentation, checking while one types, and a guard for what is not published. */
(() => {
  "use strict";
  const form = document.getElementById("editor");
  if (!form) return;
  const area = form.querySelector("textarea");
  const box = document.getElementById("editor-box");
  const gutter = box.querySelector(".gutter");
  const backdrop = box.querySelector(".backdrop");
  const problems = document.getElementById("check-problems");
  const graph = document.getElementById("check-graph");
  const checking = document.getElementById("checking");
  const old = document.getElementById("graph-old");
  const dirty = document.getElementById("dirty");
  const count = document.getElementById("problem-count");
  const KEPT = `graph:${location.pathname}`;
  const COLOURED = 60000;
  const original = area.defaultValue;
  let sending = false;
  let wrong = new Map();
  box.classList.add("ready");

  /* What is behind the text: numbers and colours, one element for each line. */
  const rows = [];
  const numbers = [];
  const paint = () => {
    const lines = area.value.length <= COLOURED ? window.levqorYaml(area.value) : null;
    const plain = lines ? null : area.value.split("\n");
    const count = (lines || plain).length;
    while (rows.length < count) {
      const row = document.createElement("div");
      const number = document.createElement("span");
      number.textContent = String(rows.length + 1);
      rows.push({ row, html: null });
      numbers.push(number);
      backdrop.append(row);
      gutter.append(number);
    }
    while (rows.length > count) {
      rows.pop().row.remove();
      numbers.pop().remove();
    }
    for (let index = 0; index < count; index += 1) {
      const html = lines ? lines[index] || "\u200b" : null;
      if (lines && rows[index].html !== html) rows[index].row.innerHTML = html;
      else if (!lines && rows[index].row.textContent !== plain[index]) rows[index].row.textContent = plain[index] || "\u200b";
      rows[index].html = html;
      const message = wrong.get(index + 1);
      rows[index].row.classList.toggle("wrong", Boolean(message));
      numbers[index].classList.toggle("wrong", Boolean(message));
      if (numbers[index].title !== (message || "")) numbers[index].title = message || "";
    }
    dirty.hidden = area.value === original;
  };
  const follow = () => {
    backdrop.style.transform = `translate(${-area.scrollLeft}px, ${-area.scrollTop}px)`;
    gutter.scrollTop = area.scrollTop;
  };

  const mark = () => {
    wrong = new Map();
    for (const item of problems.querySelectorAll("[data-problem-line]")) {
      const line = Number(item.dataset.problemLine);
      if (line) wrong.set(line, [wrong.get(line), item.dataset.problemText].filter(Boolean).join("\n"));
    }
    area.setAttribute("aria-invalid", String(problems.querySelector("[data-problem-line]") !== null));
    const told = problems.querySelector(".check-state.bad");
    count.hidden = !told;
    count.textContent = told ? told.textContent.trim() : "";
  };

  const goTo = (line, column = 1) => {
    const lines = area.value.split("\n");
    const before = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
    const at = before + Math.min(column - 1, (lines[line - 1] || "").length);
    area.focus();
    area.setSelectionRange(at, at);
    const height = parseFloat(getComputedStyle(area).lineHeight);
    area.scrollTop = Math.max(0, (line - 1) * height - area.clientHeight / 3);
    box.scrollIntoView({ block: "nearest" });
  };

  /* The last valid graph stays in sight, greyed: also on the page that says why nothing was published. */
  const keep = (valid) => {
    if (valid) sessionStorage.setItem(KEPT, graph.innerHTML);
    graph.classList.toggle("stale", !valid);
    old.hidden = valid || !graph.querySelector(".graph");
  };
  if (graph.querySelector(".graph")) keep(true);
  else if (form.hasAttribute("data-refused") && sessionStorage.getItem(KEPT)) {
    graph.innerHTML = sessionStorage.getItem(KEPT);
    keep(false);
  }

  /* Checking: half a second after the last key; an answer that was overtaken is dropped. */
  let timer = 0;
  let round = 0;
  const check = async () => {
    const mine = (round += 1);
    checking.hidden = false;
    try {
      const reply = await fetch(form.dataset.checkUrl, {
        method: "POST",
        headers: { "X-Fragment": "true", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value, "Content-Type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ source: area.value }),
        credentials: "same-origin",
      });
      if (mine !== round || !reply.ok) return;
      const answer = document.createElement("div");
      answer.innerHTML = await reply.text();
      const told = answer.querySelector('[data-part="problems"]');
      if (told.innerHTML !== problems.innerHTML) problems.replaceChildren(...told.childNodes);
      const drawn = answer.querySelector('[data-part="graph"]');
      if (drawn) graph.replaceChildren(...drawn.childNodes);
      keep(Boolean(drawn));
      mark();
      paint();
    } catch {
      /* the next key asks again; publishing checks anyway */
    } finally {
      if (mine === round) checking.hidden = true;
    }
  };
  area.addEventListener("input", () => {
    paint();
    clearTimeout(timer);
    timer = setTimeout(check, 450);
  });
  area.addEventListener("scroll", follow, { passive: true });

  problems.addEventListener("click", (event) => {
    const item = event.target.closest("button.problem")?.closest("[data-problem-line]");
    if (item) goTo(Number(item.dataset.problemLine), Number(item.dataset.problemColumn) || 1);
  });
  gutter.addEventListener("click", (event) => {
    const at = numbers.indexOf(event.target);
    if (at >= 0) goTo(at + 1);
  });
  graph.addEventListener("click", (event) => {
    const node = event.target.closest("[data-line]");
    if (node) goTo(Number(node.dataset.line));
  });

  /* Keys. execCommand keeps the browser's own undo. */
  const insert = (text) => document.execCommand("insertText", false, text);
  const shift = (outwards) => {
    const { selectionStart: start, selectionEnd: end, value } = area;
    const from = value.lastIndexOf("\n", start - 1) + 1;
    const to = end > start && value[end - 1] === "\n" ? end - 1 : end;
    const lines = value.slice(from, to).split("\n");
    const moved = lines.map((text) => (outwards ? text.replace(/^ {1,2}/, "") : text ? `  ${text}` : text));
    area.setSelectionRange(from, to);
    insert(moved.join("\n"));
    area.setSelectionRange(lines.length > 1 ? from : Math.max(from, start + moved[0].length - lines[0].length), from + moved.join("\n").length);
  };
  let leaving = false;
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      leaving = true;
      return;
    }
    if (event.key === "Tab" && !leaving && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      if (event.shiftKey || area.selectionStart !== area.selectionEnd) shift(event.shiftKey);
      else insert(" ".repeat(2 - ((area.selectionStart - area.value.lastIndexOf("\n", area.selectionStart - 1) - 1) % 2)));
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && !event.isComposing) {
      const row = area.value.slice(area.value.lastIndexOf("\n", area.selectionStart - 1) + 1, area.selectionStart);
      const indent = row.match(/^\s*/)[0];
      event.preventDefault();
      insert(`\n${indent}${/:\s*$/.test(row) ? "  " : ""}`);
    }
    if (!["Shift", "Tab"].includes(event.key)) leaving = false;
  });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && (event.key === "s" || event.key === "Enter")) {
      event.preventDefault();
      form.requestSubmit(document.getElementById("publish"));
    }
  });

  /* Nothing is lost by accident. */
  form.addEventListener("submit", () => { sending = true; });
  window.addEventListener("beforeunload", (event) => {
    if (!sending && area.value !== original) event.preventDefault();
  });
  window.addEventListener("pageshow", () => { sending = false; });

  mark();
  paint();
  follow();
  if (form.hasAttribute("data-refused")) {
    const title = document.getElementById("check-title");
    title.focus({ preventScroll: true });
    title.closest(".card").scrollIntoView({ block: "nearest" });
  }
})();
