// Code with a copy button, its words coloured by a small tokenizer for all languages alike, and
// JSON drawn readably. No grammar is loaded; what it does not know stays plain.

import { memo } from "react";

import { Copy, Icon } from "$/public/parts.jsx";

const LONGEST = 40_000; // characters; more is shown plain
const TOKEN = new RegExp([
  String.raw`(?<com>//[^\n]*|/\*[\s\S]*?(?:\*/|$)|(?<=^|\s)#[^\n]*|(?<=^|\s)--\s[^\n]*)`,
  String.raw`(?<str>"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'|\x60[^\x60]*\x60)`,
  String.raw`(?<key>[A-Za-z_][\w.-]*(?=\s*:(?!:)))`,
  String.raw`(?<num>\b\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?\b)`,
  String.raw`(?<kw>\b(?:def|class|return|if|elif|else|for|while|in|not|and|or|import|from|as|with|async|await|try|except|finally|raise|lambda|yield|None|True|False|const|let|var|function|export|new|null|true|false|SELECT|FROM|WHERE|GROUP|ORDER|BY|INSERT|UPDATE|DELETE|JOIN|ON|AS|LIMIT|AND|OR|NOT|NULL|fn|pub|struct|impl|match|type|interface|enum|switch|case|break|continue|do|done|then|fi|echo|sudo|cd)\b)`,
].join("|"), "gm");

/** A block of code: its language, a copy button, coloured words. */
export const CodeBlock = memo(function CodeBlock({ text, language }) {
  return (
    <div className="code">
      <header><Icon name="file" size={14} />{language || "text"}<Copy text={text} label="Copy the code" /></header>
      <pre tabIndex={0}><Coloured text={text} isPlain={["", "text", "txt", "console", "output"].includes(language)} /></pre>
    </div>
  );
});

/** Text with its tokens coloured. */
export function Coloured({ text, isPlain = false }) {
  if (isPlain || text.length > LONGEST) return text;
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > at) parts.push(text.slice(at, match.index));
    const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
    parts.push(<span key={match.index} className={`c-${kind}`}>{match[0]}</span>);
    at = match.index + match[0].length;
  }
  parts.push(text.slice(at));
  return parts;
}

/** Some JSON for people: objects as lines, a list of like objects as a table, text as text. */
export function Json({ value }) {
  if (value === null || value === undefined) return <p className="meta">Nothing recorded</p>;
  if (typeof value === "string") return <pre tabIndex={0}>{value}</pre>;
  const rows = likeRows(value);
  if (rows) return <Rows rows={rows} />;
  return <pre tabIndex={0}><Yaml text={lines(value)} /></pre>;
}

/** Lines of `key: value`: keys, numbers, and the words of a query in colour; text stays text. */
export function Yaml({ text }) {
  return text.split("\n").map((line, index) => <YamlLine key={index} text={index ? `\n${line}` : line} />);
}

/** One such line. */
export function YamlLine({ text }) {
  const match = /^(\s*(?:- )?)([\w.-]+):( .*)?$/.exec(text);
  if (!match) return text;
  const [, pad, key, value = ""] = match;
  const isNumber = /^ -?[\d.]+$/.test(value);
  const drawn = key === "sql" || key === "code" ? <Coloured text={value} /> : <span className={isNumber ? "c-num" : "c-str"}>{value}</span>;
  return <>{pad}<span className="c-key">{key}</span>:{drawn}</>;
}

/** The rows of a value that is a list of flat objects, or holds one such list and nothing else. */
export function likeRows(value) {
  const list = Array.isArray(value) ? value : onlyList(value);
  if (!list?.length || !list.every((row) => row && typeof row === "object" && !Array.isArray(row))) return null;
  return list;
}

function onlyList(value) {
  const values = Object.values(value);
  return values.length === 1 && Array.isArray(values[0]) ? values[0] : null;
}

const HIDDEN = new Set(["chunk", "document"]); // ids nobody reads in a table

function Rows({ rows }) {
  const columns = [...new Set(rows.flatMap(Object.keys))].filter((name) => !HIDDEN.has(name)).slice(0, 8);
  return (
    <div className="mini-scroll" tabIndex={0}>
      <table className="mini">
        <thead><tr>{columns.map((name) => <th key={name} className={isNumber(rows, name) ? "right" : undefined}>{name}</th>)}</tr></thead>
        <tbody>
          {rows.slice(0, 200).map((row, index) => (
            <tr key={index}>{columns.map((name) => <td key={name} className={isNumber(rows, name) ? "right" : undefined} title={cell(row[name])}>{cell(row[name])}</td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const isNumber = (rows, name) => rows.every((row) => typeof row[name] === "number" || row[name] === undefined);

function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" && !Number.isInteger(value)) return value.toFixed(4).replace(/0+$/, "");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** An object as `key: value` lines, nested ones indented; strings without quotes where they are plain. */
export function lines(value, depth = 0) {
  const pad = "  ".repeat(depth);
  if (Array.isArray(value)) {
    if (!value.length) return "[]";
    return value.map((item) => `${pad}- ${nested(item, depth + 1).trimStart()}`).join("\n");
  }
  const entries = Object.entries(value);
  if (!entries.length) return "{}";
  return entries.map(([key, item]) => `${pad}${key}:${after(item, depth)}`).join("\n");
}

function after(item, depth) {
  const isBranch = item && typeof item === "object" && Object.keys(item).length > 0;
  return isBranch ? `\n${lines(item, depth + 1)}` : ` ${leaf(item, depth)}`;
}

const nested = (item, depth) => (item && typeof item === "object" ? lines(item, depth) : leaf(item, depth));

function leaf(item, depth) {
  if (typeof item === "string") {
    if (!item.includes("\n")) return item === "" ? '""' : item;
    return `|\n${item.split("\n").map((line) => "  ".repeat(depth + 1) + line).join("\n")}`;
  }
  return JSON.stringify(item);
}
