// Tables within plain text: Markdown's with bars, and lines of values set apart by tabs, semicolons or
// commas. Found as places in the text; nothing is copied or changed, and no drawing is done in here.

const SEPARATOR = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
const BARRED = /^ {0,3}\|.*\|[ \t]*$/;
const FEWEST = 3; // lines of values: two alike may be chance
const NUMBER = /^[-+$€£]?\d[\d\s.,:%/-]*%?$/;
const VALUES = [["\t", 1], [";", 2], [",", 2]]; // and how many there are at least in a line

/** The tables as `{begin, end, rows: [[[begin, end], …], …], isHeaded, right: columns of numbers}`. */
export function tables(text, isCode = () => false) {
  const lines = linesOf(text);
  const found = [];
  for (let at = 0; at < lines.length;) {
    const table = isCode(lines[at].begin) ? null : barred(text, lines, at) ?? values(text, lines, at);
    if (table) found.push(table);
    at += table ? table.count : 1;
  }
  return found;
}

function linesOf(text) {
  const lines = [];
  let begin = 0;
  for (const line of text.split("\n")) {
    lines.push({ begin, end: begin + line.length, line });
    begin += line.length + 1;
  }
  return lines;
}

/** Lines between bars; where the second is a rule, also lines with bars inside alone. */
function barred(text, lines, first) {
  const isRuled = lines[first].line.includes("|") && lines[first + 1]?.line.includes("|") && SEPARATOR.test(lines[first + 1].line);
  const belongs = ({ line }) => (isRuled ? line.includes("|") : BARRED.test(line));
  let last = first;
  while (last < lines.length && belongs(lines[last])) last += 1;
  const rows = lines.slice(first, last).filter(({ line }) => !SEPARATOR.test(line));
  if (last - first < 2 || !rows.length) return null;
  return made(text, lines, { first, last, rows: rows.map((row) => cells(row, bars(row.line))), isHeaded: isRuled });
}

/** Where bars stand, and the ends of a line that has none there. */
function bars(line) {
  const places = [];
  const [first, end] = [line.search(/\S/), line.trimEnd().length];
  for (let at = 0; at < line.length; at += 1) {
    if (line[at] === "\\") at += 1;
    else if (line[at] === "|") places.push(at);
  }
  if (places[0] !== first) places.unshift(-1);
  if (places.at(-1) !== end - 1) places.push(line.length);
  return places;
}

/** Lines with as many tabs, semicolons or commas each, none of them followed by a space as in prose. */
function values(text, lines, first) {
  for (const [sign, least] of VALUES) {
    const places = ({ line }) => signs(line, sign);
    const count = places(lines[first])?.length ?? 0;
    if (count < least) continue;
    let last = first;
    while (last < lines.length && places(lines[last])?.length === count) last += 1;
    if (last - first < FEWEST) continue;
    const rows = lines.slice(first, last).map((row) => cells(row, [-1, ...places(row), row.line.length]));
    const head = rows[0].map(([begin, end]) => text.slice(begin, end));
    return made(text, lines, { first, last, rows, isHeaded: head.every((word) => word && !NUMBER.test(word)) });
  }
  return null;
}

/** Where the sign stands outside of quotes; null in what is prose. */
function signs(line, sign) {
  const places = [];
  let isQuoted = false;
  for (let at = 0; at < line.length; at += 1) {
    if (line[at] === '"') isQuoted = !isQuoted;
    else if (line[at] === sign && !isQuoted) {
      if (sign !== "\t" && line[at + 1] === " ") return null;
      places.push(at);
    }
  }
  return places;
}

/** What stands between the places, without spaces and quotes around it. */
function cells({ begin, line }, places) {
  const found = [];
  for (let index = 0; index + 1 < places.length; index += 1) {
    let [from, to] = [places[index] + 1, places[index + 1]];
    while (from < to && /\s/.test(line[from])) from += 1;
    while (to > from && /\s/.test(line[to - 1])) to -= 1;
    if (to - from > 1 && line[from] === '"' && line[to - 1] === '"') [from, to] = [from + 1, to - 1];
    found.push([begin + from, begin + to]);
  }
  return found;
}

function made(text, lines, { first, last, rows, isHeaded }) {
  const width = Math.max(...rows.map((row) => row.length));
  if (width < 2) return null;
  const body = isHeaded ? rows.slice(1) : rows;
  const right = Array.from({ length: width }, (_, column) => {
    const words = body.map((row) => row[column] && text.slice(...row[column])).filter(Boolean);
    return words.length > 0 && words.every((word) => NUMBER.test(word));
  });
  return { begin: lines[first].begin, end: lines[last - 1].end, count: last - first, rows, isHeaded, width, right };
}
