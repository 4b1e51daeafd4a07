// The editor of the submit page. `npm ci && npm run build` here writes it and the libraries into one file with esbuild.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { HighlightStyle, StreamLanguage, bracketMatching, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, linter } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

function language(words) {
  const known = new Set(words.split(" "));
  return StreamLanguage.define({
    name: "program",
    startState: () => ({ comment: false }),
    token(stream, state) {
      if (state.comment || stream.match("/*")) {
        state.comment = !stream.match(/^.*?\*\//);
        if (state.comment) stream.skipToEnd();
        return "comment";
      }
      if (stream.match(/^\/\/.*/)) return "comment";
      if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return "string";
      if (stream.match(/^\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|^\.\d+/)) return "number";
      const word = stream.match(/^[A-Za-z_][\w.]*/);
      if (word) return known.has(word[0]) ? "keyword" : null;
      stream.next();
      return null;
    },
    languageData: { commentTokens: { line: "//" } },
  });
}

const look = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--paper)", maxHeight: "60vh", minHeight: "18rem" },
  ".cm-scroller": { font: "0.92rem/1.45 ui-monospace, monospace", minHeight: "18rem" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--tint)", color: "var(--soft)", border: "none" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--tint) 60%, transparent)" },
  "&.cm-focused": { outline: "2px solid var(--link)" },
  ".cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--link) 30%, transparent)" },
  ".cm-tooltip": { backgroundColor: "var(--paper)", color: "var(--ink)", border: "1px solid var(--line)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--main)", color: "var(--on-main)" },
});
const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--link)" },
  { tag: tags.comment, color: "var(--soft)", fontStyle: "italic" },
  { tag: tags.string, color: "var(--good)" },
  { tag: tags.number, color: "var(--warm)" },
]);

export function edit(form) {
  const area = form.querySelector("textarea[name=text]"), told = form.querySelector("#told");
  const words = form.dataset.words.split(" ").map((label) => ({ label }));
  const place = document.createElement("div");
  place.className = "code";
  const root = place.attachShadow({ mode: "open" }); // its styles are sheets of its own, which no page's policy forbids

  async function check(view) {
    const text = view.state.doc.toString();
    if (!text.trim()) { told.textContent = ""; return []; }
    const fields = new URLSearchParams({ csrf: form.elements.csrf.value, format: form.elements.format.value, text });
    const answer = await fetch("/check", { method: "POST", body: fields }).catch(() => null);
    if (!answer?.ok || !answer.headers.get("content-type")?.startsWith("application/json")) { told.textContent = "It could not be checked now."; return []; }
    const found = await answer.json();
    const rows = found.findings ?? [];
    told.textContent = rows.length === 0 ? `No error: ${found.summary?.qubits_declared ?? 0} qubits, depth ${found.summary?.depth ?? 0}.`
      : rows.map((row) => `${row.line ? `Line ${row.line}, column ${row.column}: ` : ""}${row.message}`).slice(0, 3).join("\n");
    return rows.map((row) => {
      const line = view.state.doc.line(Math.min(Math.max(row.line || 1, 1), view.state.doc.lines));
      const from = Math.min(line.from + Math.max((row.column || 1) - 1, 0), line.to);
      const end = view.state.doc.sliceString(from, line.to).match(/^[\w.]+|^./)?.[0].length ?? 0;
      return { from, to: from + end, severity: row.severity ?? "error", message: row.help ? `${row.message}. What to do: ${row.help}` : row.message, source: row.rule };
    });
  }

  const view = new EditorView({
    parent: root,
    root,
    state: EditorState.create({
      doc: area.value,
      extensions: [
        lineNumbers(), lintGutter(), history(), drawSelection(), highlightActiveLine(), bracketMatching(), closeBrackets(),
        language(form.dataset.words), syntaxHighlighting(colours), look,
        autocompletion({ override: [(context) => {
          const word = context.matchBefore(/[A-Za-z_][\w.]*/);
          return word && (context.explicit || word.to - word.from > 0) ? { from: word.from, options: words, validFor: /^[\w.]*$/ } : null;
        }] }),
        linter(check, { delay: 500 }),
        keymap.of([...closeBracketsKeymap, ...completionKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap]),
        EditorView.contentAttributes.of({ "aria-label": "Program", spellcheck: "false" }),
        EditorView.updateListener.of((update) => { if (update.docChanged) area.value = update.state.doc.toString(); }),
      ],
    }),
  });
  area.hidden = true;
  area.required = false;
  area.after(place);
  form.querySelector("#text-label").addEventListener("click", () => view.focus());
  for (const link of form.querySelectorAll("[data-line]")) link.addEventListener("click", (event) => {
    event.preventDefault();
    const line = view.state.doc.line(Math.min(Number(link.dataset.line), view.state.doc.lines));
    view.dispatch({ selection: { anchor: Math.min(line.from + Number(link.dataset.column) - 1, line.to) }, scrollIntoView: true });
    view.focus();
  });
}
