// A passage as people read it: its Markdown marks are left out, the words of the query and the
// nearest sentence are marked, tables are drawn as such. Every character is one of the document;
// nothing is parsed as HTML.

import { memo } from "react";

import { tables } from "$/public/text_tables.js";

const HIDDEN = 1;
const CODE = 2;
const BOLD = 4;
const WORD = 8;
const NEAR = 16;

const SPACE = 32;
const BAR = 64; // between the cells of a table that is not drawn as one
const FROM = 260; // characters: what is found further down is shown from the line before it
const FENCED = /^ {0,3}(`{3}|~{3}).*\n([\s\S]*?)(?:^ {0,3}\1.*$|(?![\s\S]))/gm;
const RULE = /^ {0,3}\|[ \t|:-]*-[ \t|:-]*\n/gm;
const ROW = /^ {0,3}\|.*\|[ \t]*$/gm;
const SOFT_END = /[^\n|]{32,}\n(?=[\w([`"'*])(?!\d+[.)] |\* )/g;

const RULES = [ // what is hidden, and what is drawn differently; the first group is what stays
  [/`([^`\n]+)`/g, CODE],
  [/\*\*([^*\n]+)\*\*/g, BOLD],
  [/__([^_\n]+)__/g, BOLD],
  [/!?\[([^\]\n]+)\]\([^)\n]*\)/g, 0],
  [/^ {0,3}#{1,6} +(.*)$/gm, BOLD],
];

/**
 * The text; spans are in characters, as Python counts them. A cut one begins near its first word and
 * has no tables: it is for places that show a few lines.
 */
export const Marked = memo(function Marked({ text, words = [], near = null, isCut = false }) {
  const kinds = kindsOf(text, words, near, isCut);
  if (isCut) {
    const from = beginning(text, words);
    return <>{from > 0 && "… "}<Piece text={text} kinds={kinds} begin={from} end={text.length} /></>;
  }
  const drawn = [];
  let at = 0;
  for (const table of tables(text, (place) => kinds[place] & CODE)) {
    drawn.push(<Piece key={at} text={text} kinds={kinds} begin={at} end={at + text.slice(at, table.begin).trimEnd().length} />, <Table key={`t${at}`} text={text} kinds={kinds} table={table} />);
    at = table.end + text.slice(table.end).match(/^\n*/)[0].length; // the space around it is the table's own
  }
  return [...drawn, <Piece key={at} text={text} kinds={kinds} begin={at} end={text.length} />];
});

function Table({ text, kinds, table: { rows, isHeaded, width, right } }) {
  const row = (Cell, cells, key) => (
    <tr key={key}>
      {Array.from({ length: width }, (_, column) => (
        <Cell key={column} className={right[column] ? "right" : undefined}>{cells[column] && <Piece text={text} kinds={kinds} begin={cells[column][0]} end={cells[column][1]} />}</Cell>
      ))}
    </tr>
  );
  return (
    <div className="md-table kn-values" tabIndex={0} role="group" aria-label="Table">
      <table>
        {isHeaded && <thead>{row("th", rows[0], "head")}</thead>}
        <tbody>{rows.slice(isHeaded ? 1 : 0).map((cells, index) => row("td", cells, index))}</tbody>
      </table>
    </div>
  );
}

/** A part of the text as its kinds are drawn. */
function Piece({ text, kinds, begin, end }) {
  return runs(text, kinds, begin, end).map(([piece, kind], index) => {
    let node = kind & SPACE ? " " : piece;
    if (kind & BAR) node = <i className="kn-bar">{node}</i>;
    if (kind & CODE) node = <code>{node}</code>;
    if (kind & BOLD) node = <b>{node}</b>;
    if (kind & WORD) node = <mark>{node}</mark>;
    if (kind & NEAR) node = <mark className="sem">{node}</mark>;
    return kind ? <span key={index}>{node}</span> : node;
  });
}

function beginning(text, words) {
  const first = words[0]?.[0] ?? 0;
  return first < FROM ? 0 : text.lastIndexOf("\n", first - FROM / 4) + 1;
}

/** How each character is drawn. */
function kindsOf(text, words, near, isCut) {
  const kinds = new Uint8Array(text.length);
  const add = (begin, end, kind) => {
    for (let at = begin; at < end; at += 1) kinds[at] |= kind;
  };
  markdown(text, add, kinds);
  const unit = unitsOf(text);
  for (const [begin, end] of words) add(unit(begin), unit(end), WORD);
  if (near) add(unit(near[0]), unit(near[1]), NEAR);
  if (isCut) hideBars(text, add, kinds);
  return kinds;
}

/** Bars around a row of a table are hidden, those within it are drawn faintly. */
function hideBars(text, add, kinds) {
  for (const { index, 0: line } of text.matchAll(ROW)) {
    const end = index + line.trimEnd().length;
    for (let at = index; at < end; at += 1) {
      if (text[at] !== "|" || text[at - 1] === "\\" || kinds[at] & CODE) continue;
      const isEdge = at === end - 1 || !text.slice(index, at).trim();
      add(at, isEdge && text[at + 1] === " " ? at + 2 : at + 1, isEdge ? HIDDEN : BAR);
    }
  }
}

/** Pieces of that part of the text with how each is drawn. */
function runs(text, kinds, from, to) {
  const found = [];
  for (let begin = from, end = from; begin < to; begin = end) {
    while (end < to && kinds[end] === kinds[begin]) end += 1;
    if (!(kinds[begin] & HIDDEN)) found.push([text.slice(begin, end), kinds[begin]]);
  }
  return found;
}

function markdown(text, add, kinds) {
  for (const match of text.matchAll(FENCED)) {
    const begin = match.index + match[0].indexOf("\n") + 1;
    add(match.index, match.index + match[0].length + 1, HIDDEN);
    for (let at = begin; at < begin + match[2].length; at += 1) kinds[at] = CODE;
  }
  for (const match of text.matchAll(RULE)) add(match.index, match.index + match[0].length, HIDDEN);
  for (const { index, 0: line } of text.matchAll(SOFT_END)) {
    const at = index + line.length - 1;
    if (!kinds[at]) add(at, at + 1, SPACE);
  }
  for (const [pattern, kind] of RULES) {
    for (const match of text.matchAll(pattern)) {
      if (kinds[match.index]) continue;
      const inner = match[1] ?? "";
      const begin = match.index + (inner ? match[0].indexOf(inner) : 0);
      const end = match.index + match[0].length;
      add(match.index, begin, HIDDEN);
      if (inner) add(begin, begin + inner.length, kind);
      add(begin + inner.length, end, HIDDEN);
    }
  }
}

/** From characters to the units of a string here: they differ after an emoji. */
function unitsOf(text) {
  if (!/[\ud800-\udbff]/.test(text)) return (at) => at;
  const places = [0];
  for (const character of text) places.push(places.at(-1) + character.length);
  return (at) => places[Math.min(at, places.length - 1)];
}
