/* Colours for YAML in the editor: text in, safe HTML out. It knows lines, not grammar, which is enough for colours. */
(() => {
  "use strict";
  const escape = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const span = (kind, text) => `<i class="${kind}">${escape(text)}</i>`;
  const PART = /(\{\{.*?\}\})|("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')|(#.*$)|([A-Za-z_][\w-]*)(?=:(?:\s|$))|(-?\b\d+(?:\.\d+)?\b(?![\w.-]))|(\b(?:true|false|null)\b)|([[\]{},]|^\s*-(?=\s))/g;

  const line = (text, literal) => {
    if (literal) return text.replace(/(\{\{.*?\}\})|([^{]+|\{)/g, (_all, look, rest) => (look ? span("look", look) : span("s", rest)));
    let html = "";
    let at = 0;
    for (const match of text.matchAll(PART)) {
      const [whole, look, string, comment, key, number, word] = match;
      if (comment && match.index > 0 && !/\s/.test(text[match.index - 1])) continue;
      html += escape(text.slice(at, match.index));
      const kind = look ? "look" : string ? "s" : comment ? "c" : key ? "k" : number ? "mi" : word ? "kc" : "p";
      html += string ? string.replace(/(\{\{.*?\}\})|((?:[^{]|\{(?!\{))+|\{)/g, (_all, inner, rest) => (inner ? span("look", inner) : span("s", rest))) : span(kind, whole);
      at = match.index + whole.length;
    }
    return html + escape(text.slice(at));
  };

  window.levqorYaml = (text) => {
    let block = -1;
    return text.split("\n").map((row) => {
      const indent = row.search(/\S/);
      if (block >= 0 && (indent > block || indent < 0)) return line(row, true);
      block = /[|>][+-]?\s*(#.*)?$/.test(row) && /:\s*[|>][+-]?/.test(row) ? indent : -1;
      return line(row, false);
    });
  };
})();
