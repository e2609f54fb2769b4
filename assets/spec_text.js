// A spec as text and back. The form and the source of the editor are two views of one spec: what is
// changed in the form is changed in the text in place, so that comments and order stay. It judges
// nothing but whether the text can be read; the API judges the spec.

import { LineCounter, isMap, isScalar, parseDocument, stringify } from "yaml";

import { changed, meaningful } from "$/public/spec.js";

const OPTIONS = { lineWidth: 0 };
const LONGEST = 500_000; // characters; the API takes a body of 1 MiB

/** The spec as text, without what says nothing. */
export function write(spec, format = "yaml") {
  const told = meaningful(spec);
  return format === "json" ? `${JSON.stringify(told, null, 2)}\n` : stringify(told, OPTIONS);
}

/** The text's spec, or `fault`: `{message, line}` of the first thing that cannot be read. */
export function parse(text) {
  if (text.length > LONGEST) return { spec: null, fault: { message: `The text is longer than ${LONGEST} characters`, line: 1 } };
  const { document, counter } = open(text);
  const [error] = document.errors;
  if (error) return { spec: null, fault: { message: firstLine(error.message), line: counter.linePos(error.pos[0]).line } };
  if (document.contents !== null && !isMap(document.contents)) return { spec: null, fault: { message: "A spec is made of lines such as `name: guide`", line: 1 } };
  try {
    return { spec: document.toJS({ maxAliasCount: 50 }) ?? {}, fault: null };
  } catch (problem) { // aliases without end
    return { spec: null, fault: { message: problem.message, line: 1 } };
  }
}

/** The text with one field changed; `undefined` takes it out. */
export function change(text, format, path, value) {
  if (format === "json") return write(changed(parse(text).spec ?? {}, path, value), "json");
  const { document } = open(text);
  if (document.contents === null) return write(changed({}, path, value));
  if (value === undefined) document.deleteIn(path);
  else if (value !== null && typeof value === "object") document.setIn(path, document.createNode(value));
  else {
    document.setIn(path, value);
    const node = document.getIn(path, true); // it keeps its comment, and is spelled as the new value is
    if (isScalar(node)) node.type = undefined;
  }
  return document.toString(OPTIONS);
}

/** The line, from 1, on which each of these dotted fields begins; the nearest above it when absent. */
export function linesOf(text, fields) {
  const { document, counter } = open(text);
  return fields.map((field) => {
    const path = field.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
    for (let length = path.length; length > 0; length--) {
      const node = find(document, path.slice(0, length));
      if (node) return counter.linePos(node[0]).line;
    }
    return 1;
  });
}

function find(document, path) {
  const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
  if (isMap(parent)) return parent.items.find((pair) => pair.key?.value === path.at(-1))?.key.range;
  return document.getIn(path, true)?.range;
}

function open(text) {
  const counter = new LineCounter();
  return { counter, document: parseDocument(text, { lineCounter: counter, prettyErrors: false }) };
}

const firstLine = (message) => message.split("\n")[0];
