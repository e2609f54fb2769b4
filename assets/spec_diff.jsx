// Two specs beside each other: which fields differ and how; longer texts line by line, with the
// words that changed. It draws values and asks nothing.

import { diffLines, diffWordsWithSpace } from "diff";
import { useMemo, useRef, useState } from "react";

import { useKeys } from "$/public/keys.js";
import { write } from "$/public/spec_text.js";

const AROUND = 3; // unchanged lines that are shown beside a change
const LONG = 72; // characters; a longer text is compared line by line
const LONGEST_LINE = 2_000; // characters; words of longer lines are not looked for
const WAIT_MS = 400; // for a comparison of lines; then the texts stand as wholes
const ORDER = ["name", "description", "model", "strategy", "instructions", "tools", "collections", "limits", "temperature", "max_output_tokens", "script"];

/** The fields that differ, as `{field, before, after}`, limits one by one. */
export function differences(before, after) {
  const names = [...new Set([...ORDER, ...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => {
    if (name !== "limits") return differing(name, before[name], after[name]);
    const [old, now] = [before.limits ?? {}, after.limits ?? {}];
    return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap((key) => differing(`limits.${key}`, old[key], now[key]));
  });
}

function differing(field, before, after) {
  const [old, now] = [value(before), value(after)];
  return JSON.stringify(old) === JSON.stringify(now) ? [] : [{ field, before: old, after: now }];
}

const isNothing = (given) => given === null || given === undefined || given === "" || (Array.isArray(given) && !given.length);
const value = (given) => (isNothing(given) ? null : given);

/** Every change as a section; j and k go through them. */
export function SpecDiff({ before, after, names = ["Before", "After"], isSplit }) {
  const changes = useMemo(() => differences(before, after), [before, after]);
  const list = useRef(null);
  const go = (by) => {
    const sections = [...(list.current?.querySelectorAll("[data-change]") ?? [])];
    const at = sections.indexOf(document.activeElement?.closest("[data-change]"));
    const next = sections[Math.min(Math.max(at + by, 0), sections.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  };
  useKeys({ next: () => go(1), previous: () => go(-1) });
  if (!changes.length) return <p className="quiet-face">Nothing differs: the two say the same.</p>;
  return (
    <div className="changes" ref={list}>
      {changes.map((each) => (
        <section key={each.field} data-change tabIndex={-1} aria-label={`${each.field} changed`}>
          <h2><span className="mono">{each.field}</span><span className="meta">{kind(each)}</span></h2>
          <Change {...each} names={names} isSplit={isSplit} />
        </section>
      ))}
    </div>
  );
}

const kind = ({ before, after }) => (before === null ? "added" : after === null ? "taken out" : "changed");

function Change({ field, before, after, names, isSplit }) {
  const isList = [before, after].every((each) => each === null || (Array.isArray(each) && each.every((item) => typeof item === "string")));
  if (isList) return <ListDiff before={before ?? []} after={after ?? []} />;
  const [old, now] = [asText(field, before), asText(field, after)];
  const isLong = [old, now].some((text) => text.length > LONG || text.includes("\n"));
  if (isLong) return <TextDiff before={old} after={now} names={names} isSplit={isSplit} />;
  return (
    <dl className="pair">
      <div className="gone"><dt>{names[0]}</dt><dd>{before === null ? <i>nothing</i> : <del>{old}</del>}</dd></div>
      <div className="come"><dt>{names[1]}</dt><dd>{after === null ? <i>nothing</i> : <ins>{now}</ins>}</dd></div>
    </dl>
  );
}

function asText(field, given) {
  if (given === null) return "";
  if (typeof given !== "object") return String(given);
  return write({ [field]: given });
}

/** Names that went and names that came; those that stayed are quiet. */
function ListDiff({ before, after }) {
  const all = [...new Set([...before, ...after])];
  const look = (name) => (!after.includes(name) ? "gone" : !before.includes(name) ? "come" : "");
  return (
    <ul className="listdiff">
      {all.map((name) => {
        const how = look(name);
        const Word = { gone: "del", come: "ins" }[how] ?? "span";
        return <li key={name} className={`tag mono ${how}`}><span className="sr">{{ gone: "taken out: ", come: "added: " }[how] ?? "stays: "}</span><Word>{name}</Word></li>;
      })}
    </ul>
  );
}

/** Two texts line by line: side by side, or one under the other. */
export function TextDiff({ before, after, names, isSplit }) {
  const rows = useMemo(() => rowsOf(before, after), [before, after]);
  const [open, setOpen] = useState(() => new Set());
  const blocks = useMemo(() => folded(rows), [rows]);
  return (
    <div className={`textdiff ${isSplit ? "split" : ""}`} tabIndex={0} role="group" aria-label={`${names[0]} and ${names[1]}, line by line`}>
      {blocks.map((block, index) => (block.rows.length && (!block.isFolded || open.has(index))
        ? block.rows.map((row, number) => <Row key={`${index}.${number}`} row={row} isSplit={isSplit} />)
        : <button type="button" key={index} className="unfold" onClick={() => setOpen(new Set([...open, index]))}>{block.rows.length} lines that stayed</button>))}
    </div>
  );
}

function Row({ row, isSplit }) {
  const { old, now, words } = row;
  if (row.isSame) {
    return isSplit
      ? <div className="dl"><Line number={old.number} text={old.text} /><Line number={now.number} text={now.text} /></div>
      : <div className="dl"><Line number={now.number} text={now.text} /></div>;
  }
  const gone = old ? <Line number={old.number} look="gone" text={words ? <Words parts={words} side="removed" /> : old.text} /> : <Line look="none" />;
  const come = now ? <Line number={now.number} look="come" text={words ? <Words parts={words} side="added" /> : now.text} /> : <Line look="none" />;
  if (isSplit) return <div className="dl">{gone}{come}</div>;
  return <>{old && <div className="dl">{gone}</div>}{now && <div className="dl">{come}</div>}</>;
}

const SIGNS = { gone: "−", come: "+" };

function Line({ number = "", text = "", look = "" }) {
  const Text = { gone: "del", come: "ins" }[look] ?? "span";
  return <div className={`ln ${look}`}><span className="n">{number}</span><span className="sign" aria-hidden="true">{SIGNS[look] ?? ""}</span><Text className="tx">{text}</Text></div>;
}

function Words({ parts, side }) {
  return parts.filter((part) => part[side] || (!part.added && !part.removed))
    .map((part, index) => (part[side] ? <mark key={index}>{part.value}</mark> : part.value));
}

function rowsOf(before, after) {
  const parts = diffLines(ended(before), ended(after), { timeout: WAIT_MS }) ?? [
    { value: before, removed: true, added: false }, { value: after, added: true, removed: false },
  ];
  const rows = [];
  let [left, right] = [1, 1];
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index];
    const lines = linesIn(part.value);
    if (!part.added && !part.removed) {
      for (const text of lines) rows.push({ isSame: true, old: { number: left++, text }, now: { number: right++, text } });
      continue;
    }
    const next = parts[index + 1];
    const isPair = part.removed && next?.added;
    const gone = part.removed ? lines : [];
    const come = isPair ? linesIn(next.value) : part.added ? lines : [];
    if (isPair) index += 1;
    for (let number = 0; number < Math.max(gone.length, come.length); number++) {
      const old = number < gone.length ? { number: left++, text: gone[number] } : null;
      const now = number < come.length ? { number: right++, text: come[number] } : null;
      const isShort = old && now && old.text.length + now.text.length < LONGEST_LINE;
      rows.push({ old, now, words: isShort ? diffWordsWithSpace(old.text, now.text) : null });
    }
  }
  return rows;
}

const ended = (text) => (text === "" || text.endsWith("\n") ? text : `${text}\n`); // else a last line differs by its end
const linesIn = (text) => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));

/** Long stretches without a change as blocks of their own. */
function folded(rows) {
  const near = rows.map(() => false);
  rows.forEach((row, index) => {
    if (row.isSame) return;
    for (let other = Math.max(0, index - AROUND); other <= Math.min(rows.length - 1, index + AROUND); other++) near[other] = true;
  });
  const blocks = [];
  rows.forEach((row, index) => {
    const isFolded = !near[index];
    if (blocks.at(-1)?.isFolded === isFolded) blocks.at(-1).rows.push(row);
    else blocks.push({ isFolded, rows: [row] });
  });
  return blocks;
}
