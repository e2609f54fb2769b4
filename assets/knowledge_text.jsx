// A passage as people read it: its Markdown marks are left out, the words of the query and the
// nearest sentence are marked. Every character is one of the document; nothing is parsed as HTML.

import { memo } from "react";

const HIDDEN = 1;
const CODE = 2;
const BOLD = 4;
const WORD = 8;
const NEAR = 16;

const SPACE = 32;
const FROM = 260; // characters: what is found further down is shown from the line before it
const FENCED = /^ {0,3}(`{3}|~{3}).*\n([\s\S]*?)(?:^ {0,3}\1.*$|(?![\s\S]))/gm;
const RULE = /^ {0,3}\|[ \t|:-]*-[ \t|:-]*\n/gm;
const SOFT_END = /[^\n|]{32,}\n(?=[\w([`"'*])(?!\d+[.)] |\* )/g;

const RULES = [ // what is hidden, and what is drawn differently; the first group is what stays
  [/`([^`\n]+)`/g, CODE],
  [/\*\*([^*\n]+)\*\*/g, BOLD],
  [/__([^_\n]+)__/g, BOLD],
  [/!?\[([^\]\n]+)\]\([^)\n]*\)/g, 0],
  [/^ {0,3}#{1,6} +(.*)$/gm, BOLD],
];

/** The text; spans are in characters, as Python counts them. A cut one begins near its first word. */
export const Marked = memo(function Marked({ text, words = [], near = null, isCut = false }) {
  const from = isCut ? beginning(text, words) : 0;
  return runs(text, words, near, from).map(([piece, kind], index) => {
    let node = kind & SPACE ? " " : piece;
    if (kind & CODE) node = <code>{node}</code>;
    if (kind & BOLD) node = <b>{node}</b>;
    if (kind & WORD) node = <mark>{node}</mark>;
    if (kind & NEAR) node = <mark className="sem">{node}</mark>;
    return kind ? <span key={index}>{node}</span> : node;
  });
});

function beginning(text, words) {
  const first = words[0]?.[0] ?? 0;
  return first < FROM ? 0 : text.lastIndexOf("\n", first - FROM / 4) + 1;
}

/** Pieces of the text with how each is drawn. */
function runs(text, words, near, from) {
  const kinds = new Uint8Array(text.length);
  const add = (begin, end, kind) => {
    for (let at = begin; at < end; at += 1) kinds[at] |= kind;
  };
  markdown(text, add, kinds);
  const unit = unitsOf(text);
  for (const [begin, end] of words) add(unit(begin), unit(end), WORD);
  if (near) add(unit(near[0]), unit(near[1]), NEAR);
  const found = from ? [["… ", 0]] : [];
  for (let begin = from, end = from; begin < text.length; begin = end) {
    while (end < text.length && kinds[end] === kinds[begin]) end += 1;
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
