// Markdown to React elements, never to HTML: what looks like HTML is shown as text, links go to
// http, https and mail only, pictures become links. Blocks that no longer change are not read
// again while the end of an answer is still being written.

import { marked } from "marked";
import { memo, useEffect, useMemo, useRef, useState } from "react";

import { Cite } from "$/public/cite.jsx";
import { CodeBlock } from "$/public/code.jsx";

const LONGEST_LINE = 6_000; // characters
const GROUP = 40; // blocks drawn together in a long text
const LETTERS_A_PIXEL = 2.4; // about, until a group is drawn
const SAFE = /^(https?:|mailto:)/i;

/** A text as blocks. `isOpen` puts the caret behind its last letter. */
export function Markdown({ text, sources, isOpen = false }) {
  const before = useRef(null);
  const blocks = useMemo(() => {
    before.current = grow(before.current, text);
    return before.current.blocks;
  }, [text]);
  const groups = [];
  for (let first = 0; first < blocks.length; first += GROUP) groups.push(blocks.slice(first, first + GROUP));
  return (
    <div className={isOpen ? "md open" : "md"}>
      {groups.length < 2 ? blocks.map((block, index) => <Block key={index} text={block.text} sources={sources} />)
        : groups.map((group, index) => <Group key={index} blocks={group} sources={sources} isLast={index === groups.length - 1} />)}
      {isOpen && !blocks.length && <p />}
    </div>
  );
}

/** Some blocks of a long text; drawn once the reader comes near, and then kept. */
const Group = memo(function Group({ blocks, sources, isLast }) {
  const [isNear, setNear] = useState(isLast);
  const box = useRef(null);
  useEffect(() => {
    if (isNear) return undefined;
    const watcher = new IntersectionObserver(([entry]) => entry.isIntersecting && setNear(true), { rootMargin: "1500px" });
    watcher.observe(box.current);
    return () => watcher.disconnect();
  }, [isNear]);
  if (!isNear) {
    const letters = blocks.reduce((sum, block) => sum + block.text.length, 0);
    return <div ref={box} className="md-group" style={{ height: letters / LETTERS_A_PIXEL }} />;
  }
  return <div className="md-group">{blocks.map((block, index) => <Block key={index} text={block.text} sources={sources} />)}</div>;
}, (one, other) => one.sources === other.sources && one.isLast === other.isLast
  && one.blocks.length === other.blocks.length && one.blocks.at(-1).text === other.blocks.at(-1).text);

/**
 * The blocks of a text that is the earlier one and more: only its end is cut anew.
 *
 * From the last block but one: a line may turn out to go on with the list before it.
 */
function grow(before, text) {
  const pivot = before?.blocks.at(-2);
  if (!pivot || !text.startsWith(before.text)) return { text, blocks: split(text) };
  const kept = before.blocks.filter((block) => block.at < pivot.at);
  return { text, blocks: [...kept, ...split(text, pivot.at)] };
}

/** Cut at blank lines outside of code fences, lists and tables, so that each piece stands alone. */
export function split(text, from = 0) {
  const blocks = [];
  let lines = [];
  let fence = null;
  let start = from;
  let at = from;
  const cut = () => {
    if (lines.some((line) => line.trim())) blocks.push({ text: detached(lines.join("\n")), at: start });
    lines = [];
    start = at;
  };
  for (const whole of text.slice(from).split("\n")) {
    for (const line of bounded(whole)) {
      const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
      const continues = /^(\s|[-*+] |\d+[.)] )/.test(line);
      if (!fence && lines.at(-1)?.trim() === "" && line.trim() && !continues) cut();
      if (mark && !fence) fence = mark;
      else if (mark && fence && mark[0] === fence[0] && mark.length >= fence.length) fence = null;
      lines.push(line);
    }
    at += whole.length + 1;
  }
  cut();
  return blocks;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * A copy that stands alone. Engines keep a part of a string as a view of the whole: without this,
 * each block would hold the entire answer as it was when the block was cut.
 */
const detached = (text) => decoder.decode(encoder.encode(text));

/** A line without end is cut at spaces, so that one block stays quick to read again. */
function bounded(line) {
  if (line.length <= LONGEST_LINE) return [line];
  const pieces = [];
  let rest = line;
  while (rest.length > LONGEST_LINE) {
    const space = rest.lastIndexOf(" ", LONGEST_LINE);
    const at = space > 0 ? space : LONGEST_LINE;
    pieces.push(rest.slice(0, at), "");
    rest = rest.slice(at + (space > 0 ? 1 : 0));
  }
  return [...pieces, rest];
}

const Block = memo(function Block({ text, sources }) {
  const tokens = useMemo(() => marked.lexer(text, { gfm: true }), [text]);
  return tokens.map((token, index) => <Token key={index} token={token} sources={sources} />);
}, (before, after) => before.text === after.text && (before.sources === after.sources || !/\[\d+\]/.test(after.text)));

function Inner({ token, sources }) {
  return (token.tokens ?? []).map((each, index) => <Token key={index} token={each} sources={sources} />);
}

function Token({ token, sources }) {
  const inner = <Inner token={token} sources={sources} />;
  switch (token.type) {
    case "space": return null;
    case "heading": return heading(token.depth, inner);
    case "paragraph": return <p dir="auto">{inner}</p>;
    case "strong": return <strong>{inner}</strong>;
    case "em": return <em>{inner}</em>;
    case "del": return <del>{inner}</del>;
    case "codespan": return <code>{token.text}</code>;
    case "code": return <CodeBlock text={token.text} language={(token.lang ?? "").split(/\s/)[0]} />;
    case "blockquote": return <blockquote dir="auto">{inner}</blockquote>;
    case "list": return <List token={token} sources={sources} />;
    case "table": return <Table token={token} sources={sources} />;
    case "hr": return <hr />;
    case "br": return <br />;
    case "link": return <Anchor href={token.href}>{inner}</Anchor>;
    case "image": return <Anchor href={token.href}>{token.text || token.href}</Anchor>;
    case "checkbox": return null;
    case "escape": return token.text;
    case "text": return token.tokens ? inner : <Text text={unescape(token.text)} sources={sources} />;
    default: return <Text text={token.raw} sources={sources} />; // HTML and what else there may be
  }
}

function heading(depth, inner) {
  return <h2 dir="auto" className={depth <= 2 ? "md-h2" : "md-h3"}>{inner}</h2>; // one level: under the page's own h1
}

function List({ token, sources }) {
  const items = token.items.map((item, index) => (
    <li key={index} className={item.task ? "todo" : undefined}>
      {item.task && <input type="checkbox" checked={item.checked} readOnly disabled aria-label={item.checked ? "done" : "not done"} />}
      <Inner token={item} sources={sources} />
    </li>
  ));
  return token.ordered ? <ol dir="auto" start={token.start || 1}>{items}</ol> : <ul dir="auto">{items}</ul>;
}

function Table({ token, sources }) {
  const cell = (Tag, each, index) => (
    <Tag key={index} dir="auto" className={each.align === "right" ? "right" : undefined}><Inner token={each} sources={sources} /></Tag>
  );
  return (
    <div className="md-table" tabIndex={0}>
      <table>
        <thead><tr>{token.header.map((each, index) => cell("th", each, index))}</tr></thead>
        <tbody>
          {token.rows.map((row, index) => <tr key={index}>{row.map((each, column) => cell("td", each, column))}</tr>)}
        </tbody>
      </table>
    </div>
  );
}

function Anchor({ href, children }) {
  if (!SAFE.test(href)) return <span>{children}</span>;
  return <a className="link" href={href} target="_blank" rel="noreferrer noopener">{children}</a>;
}

/** Text in which `[3]` is a chip that opens the third source. */
function Text({ text, sources }) {
  const parts = text.split(/\[(\d{1,3})\]/);
  if (parts.length === 1) return text;
  return parts.map((part, index) => {
    if (index % 2 === 0) return part;
    const source = sources?.get(Number(part));
    return source ? <Cite key={index} source={source} /> : `[${part}]`;
  });
}

const NAMED = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'" };
const unescape = (text) => text.replace(/&(?:amp|lt|gt|quot|#39);/g, (name) => NAMED[name]);
