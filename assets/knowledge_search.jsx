// Search: passages with the words and the nearest sentence marked, and every score explained.

import { useEffect, useRef, useState } from "react";

import { query as queryOf, read, send } from "$/public/api.js";
import * as format from "$/public/format.js";
import { useKeys } from "$/public/keys.js";
import { AskBox } from "$/public/knowledge_ask.jsx";
import { useMay } from "$/public/may.js";
import { Marked } from "$/public/knowledge_text.jsx";
import { pathOf } from "$/public/knowledge_uploads.js";
import { Ago, Failure, Icon, Segment, useNow } from "$/public/parts.jsx";

const LIMIT = 20; // passages
const WAIT_MS = 250; // after the last key
const BEST = 2 / 61; // the fused score of what is first in both halves
const ORDERS = [["fused", "Fused"], ["meaning", "Vector"], ["words", "Text"]];
const EMBEDDERS = { minilm: "MiniLM, 384 dimensions", hashing: "hashing: words, no meanings" };
export const orderOf = (value) => (ORDERS.some(([key]) => key === value) ? value : "fused");

/** What a search finds; what it found before stays while the next one runs. */
export function useFound({ text, collection, by }) {
  const [found, setFound] = useState({ face: "idle", answer: null, problem: null, key: null });
  const [tries, setTries] = useState(0);
  const key = JSON.stringify([text, collection, by]);
  useEffect(() => {
    if (!text) {
      setFound({ face: "idle", answer: null, problem: null, key });
      return undefined;
    }
    let isGone = false;
    const at = Date.now();
    setFound((before) => ({ ...before, face: "loading", problem: null }));
    send("POST", "/search", { query: text, collections: collection ? [collection] : [], limit: LIMIT, by, explain: true })
      .then((answer) => isGone || setFound({ face: "filled", answer, problem: null, key, at }))
      .catch((problem) => isGone || setFound({ face: "failed", answer: null, problem, key }));
    return () => {
      isGone = true;
    };
  }, [text, collection, by, key, tries]);
  return { ...found, isOld: found.key !== key, retry: () => setTries((count) => count + 1) };
}

/** The sentence of a passage nearest to the query, asked for when the reader stays on it. */
function useNearest(text, chunk) {
  const [known, setKnown] = useState({});
  const key = `${chunk} ${text}`;
  useEffect(() => {
    if (!chunk || !text || known[key]) return undefined;
    let isGone = false;
    const timer = setTimeout(() => {
      send("POST", "/search/nearest", { query: text, chunk }).then((nearest) => isGone || setKnown({ [key]: nearest })).catch(() => {});
    }, WAIT_MS);
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [key, chunk, text, known]);
  return known[key] ?? null;
}

/** The field; `/` goes there, Escape leaves it, and once more empties it. */
export function SearchField({ value, where, count, onChange }) {
  const [text, setText] = useState(value);
  const field = useRef(null);
  const timer = useRef(null);
  const sent = useRef(value);
  useEffect(() => {
    if (value !== sent.current) setText(value);
    sent.current = value;
  }, [value]);
  useKeys({ seek: () => { field.current.focus(); field.current.select(); } });
  useEffect(() => () => clearTimeout(timer.current), []);
  const say = (next) => {
    clearTimeout(timer.current);
    if (next.trim() === sent.current) return; // what is chosen stays chosen
    sent.current = next.trim();
    onChange(sent.current);
  };
  const change = (next) => {
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => say(next), WAIT_MS);
  };
  const press = (event) => {
    if (event.key === "Enter") say(text);
    if (event.key !== "Escape") return;
    event.preventDefault();
    if (text) change("");
    else event.currentTarget.blur();
  };
  return (
    <div className="field kn-seek">
      <Icon name="search" />
      <input ref={field} type="search" aria-label={`Search ${where}`} placeholder={`Ask or search ${where}`} value={text} maxLength={2000}
        onChange={(event) => change(event.target.value)} onKeyDown={press} />
      <span className="meta num" role="status">{count}</span>
      <kbd className="desk-only" aria-hidden="true">/</kbd>
    </div>
  );
}

/** The passages, and beside them why the chosen one was found. */
export function Found({ found, text, by, chosen, collection, changed, onOrder, onChoose, onOpen, onClear }) {
  const { face, answer, problem, isOld, retry } = found;
  const passages = answer?.passages ?? [];
  const index = passages.findIndex((each) => each.chunk === chosen);
  const passage = passages[index] ?? null;
  const nearest = useNearest(text, passage?.chunk);
  useHitKeys({ passages, index, onChoose, onOpen });
  if (face === "failed") return <Failure title="The search failed" problem={problem} onRetry={retry} />;
  const best = Math.max(0, ...passages.map((each) => each.text_score ?? 0));
  return (
    <div className={`kn-found ${passage ? "has-why" : ""}`}>
      <div className="kn-results">
        {changed > 0 && face === "filled" && <button type="button" className="newpill kn-changed" onClick={retry}><Icon name="refresh" size={14} />{format.plural(changed, "document")} changed, search again</button>}
        <div className="filters kn-order">
          <Segment label="Kind of search" value={by} options={ORDERS} onChange={onOrder} />
          <span className="grow" />
          <span className="keys desk-only"><span><mark>word</mark> text match</span><span><mark className="sem">meaning</mark> nearest sentence</span></span>
        </div>
        {!answer && <Waiting />}
        {answer && !passages.length && <NoPassage text={text} by={by} collection={collection} onOrder={onOrder} onClear={onClear} />}
        <ol className={`kn-hits ${isOld ? "old" : ""}`} aria-label="Passages" aria-busy={isOld}>
          {passages.map((each) => (
            <Hit key={each.chunk} passage={each} best={best} isChosen={each === passage} nearest={each === passage ? nearest : null}
              hasCollection={!collection} onChoose={() => onChoose(each.chunk)} />
          ))}
        </ol>
      </div>
      {passage && <Why passage={passage} answer={answer} text={text} nearest={nearest} onOpen={() => onOpen(passage)} onClose={() => onChoose(null)} />}
    </div>
  );
}

/** j and k choose, Enter opens the document, Escape lets go. */
function useHitKeys({ passages, index, onChoose, onOpen }) {
  const move = (step) => {
    const next = Math.min(passages.length - 1, Math.max(0, index + step));
    if (!passages[next]) return false;
    onChoose(passages[next].chunk);
    document.querySelectorAll(".kn-hit")[next]?.scrollIntoView({ block: "nearest" });
    return true;
  };
  useKeys({
    next: () => move(1),
    previous: () => move(-1),
    open: (event) => (passages[index] && !event.target.closest("a, button") ? onOpen(passages[index]) : false),
    close: () => (index >= 0 ? onChoose(null) : false),
  });
}

function Hit({ passage, best, isChosen, nearest, hasCollection, onChoose }) {
  const { title, location, text, matches } = passage;
  const now = useNow(60_000);
  const place = locationOf(passage);
  return (
    <li className="kn-hit" aria-current={isChosen || undefined}>
      <div className="src"><Icon name="file" size={14} />
        <button type="button" className="clip" aria-expanded={isChosen} onClick={onChoose}><Marked text={title} words={matches?.title} /></button>
        {place && <><Icon name="rightc" size={12} /><span className="clip">{place === location ? <Marked text={location} words={matches?.location} /> : place}</span></>}
      </div>
      <Scores passage={passage} best={best} />
      <div className="txt">
        <p className="kn-text" dir="auto"><Marked text={text} words={matches?.text} near={nearest?.span} isCut /></p>
        <p className="meta">{[hasCollection && passage.collection, `passage ${format.count(passage.ordinal + 1)} of ${format.count(passage.chunks)}`].filter(Boolean).join(" · ")} · <Ago time={passage.changed_at} now={now} after=" old" /></p>
      </div>
    </li>
  );
}

/** The heading path without the title that stands before it already. */
function locationOf({ title, location }) {
  return location.startsWith(`${title} › `) ? location.slice(title.length + 3) : location === title ? "" : location;
}

/** Three bars: fused as a share of the best there can be, cosine, full text as a share of the list's best. */
function Scores({ passage: { score, vector_score: vector, text_score: text }, best }) {
  const rows = [
    ["Fused", score / BEST, score.toFixed(4), "f"],
    ["Vector", vector, vector?.toFixed(2), "v"],
    ["Text", text === null ? null : text / (best || 1), text?.toFixed(2), "t"],
  ];
  return (
    <dl className="kn-score">
      {rows.map(([word, share, number, kind]) => (
        <div key={kind} className={kind}><dt>{word}</dt><dd><span className="meter" aria-hidden="true"><i style={{ width: `${Math.max(0, Math.min(1, share ?? 0)) * 100}%` }} /></span><b>{number ?? "–"}</b></dd></div>
      ))}
    </dl>
  );
}

function Why({ passage, answer, text, nearest, onOpen, onClose }) {
  const around = useAround(passage);
  const mayAsk = useMay()("ask");
  const place = (rank, said) => (rank === null ? "not among its best 50" : `${format.count(rank)}, ${said}`);
  const parts = [passage.vector_rank, passage.text_rank].filter((rank) => rank !== null).map((rank) => `1/(60+${rank})`);
  return (
    <aside className="kn-why" aria-label="Why this passage">
      <div className="row"><h2 className="grow">Why this passage</h2>
        <button type="button" className="btn small" onClick={onOpen}><Icon name="file" size={12} />Open document</button>
        <button type="button" className="btn ghost icon small" aria-label="Close" onClick={onClose}><Icon name="close" size={14} /></button></div>
      <dl className="kn-facts">
        <dt>Vector rank</dt><dd className="num">{place(passage.vector_rank, `cosine ${passage.vector_score?.toFixed(2)}`)}</dd>
        <dt>Text rank</dt><dd className="num">{place(passage.text_rank, `ts_rank ${passage.text_score?.toFixed(2)}`)}</dd>
        <dt>Fused score</dt><dd className="num">{parts.join(" + ")} = {passage.score.toFixed(4)}</dd>
        {nearest && <><dt>Nearest sentence</dt><dd className="num">cosine {nearest.similarity.toFixed(2)}</dd></>}
        <dt>Embedder</dt><dd>{EMBEDDERS[answer.embedder] ?? answer.embedder}</dd>
        <dt>Document</dt><dd className="mono clip" title={passage.source}>{passage.source || passage.title}</dd>
        <dt>Changed</dt><dd className="num">{format.exact(passage.changed_at)}</dd>
      </dl>
      <h3>In its place</h3>
      <div className="kn-place">
        {around.before && <div className="kn-text other" dir="auto"><Marked text={around.before.text} isCut /></div>}
        <div className="kn-text here" dir="auto"><Marked text={passage.text} words={passage.matches?.text} near={nearest?.span} /></div>
        {around.after && <div className="kn-text other" dir="auto"><Marked text={around.after.text} isCut /></div>}
      </div>
      {mayAsk && <AskBox collection={passage.collection} text={text} title={`Ask an agent about ${passage.collection}`} />}
    </aside>
  );
}

/** The passages before and after it. */
function useAround({ collection, document: id, ordinal }) {
  const [around, setAround] = useState({});
  useEffect(() => {
    let isGone = false;
    setAround({});
    read(`${pathOf(collection, id)}/chunks${queryOf({ start: Math.max(0, ordinal - 1), limit: 3 })}`).then(({ items }) => {
      if (!isGone) setAround({ before: items.find((each) => each.ordinal === ordinal - 1), after: items.find((each) => each.ordinal === ordinal + 1) });
    }).catch(() => {}); // the passage itself is there
    return () => {
      isGone = true;
    };
  }, [collection, id, ordinal]);
  return around;
}

function Waiting() {
  return (
    <div className="kn-hits" aria-hidden="true">
      {[60, 80, 70, 50].map((width) => <div className="kn-hit sk-stack" key={width}><span className={`sk sk-w${width} sk-tall`} /><span className="sk" /><span className="sk" /></div>)}
    </div>
  );
}

function NoPassage({ text, by, collection, onOrder, onClear }) {
  return (
    <div className="face"><div className="in">
      <h2>No passage was found</h2>
      <p className="quiet">{by === "words" ? "No passage has one of these words" : "Nothing searchable is in"}{by === "words" ? ` of “${text.slice(0, 80)}”.` : ` ${collection ?? "any collection"} yet.`}</p>
      <div className="row above">
        {by !== "fused" && <button type="button" className="btn" onClick={() => onOrder("fused")}>Search by meaning too</button>}
        {collection && <button type="button" className="btn" onClick={onClear}>Search all collections</button>}
      </div>
    </div></div>
  );
}
