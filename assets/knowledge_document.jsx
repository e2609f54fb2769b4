// One document: what it is, how far it is, and its passages in their order.

import { useCallback, useEffect, useRef, useState } from "react";

import { query, read } from "$/public/api.js";
import * as format from "$/public/format.js";
import { useKeys } from "$/public/keys.js";
import { bytes, stateWord } from "$/public/knowledge_add.jsx";
import { Marked } from "$/public/knowledge_text.jsx";
import { pathOf } from "$/public/knowledge_uploads.js";
import { Ago, Copy, Failure, Icon, useNow } from "$/public/parts.jsx";
import { visited } from "$/public/recent.js";

const PAGE = 50; // passages asked for at once
const BEFORE = 3; // passages shown before the one that was asked for

/** The document of the address; `row` is what the list knows of it, and is newer when it has a greater version. */
export function DocumentView({ collection, id, row, passage, onClose, onRetry, onDelete }) {
  const { found, problem, load } = useDocument(collection, id);
  const newest = row && (!found || row.version > found.version) ? row : found;
  useKeys({ close: () => onClose() });
  useEffect(() => {
    if (newest?.title) visited({ kind: "document", id: `${collection}/${id}`, name: newest.title.slice(0, 120) });
  }, [collection, id, newest?.title]);
  if (problem && !newest) return <NoDocument problem={problem} onRetry={load} onClose={onClose} />;
  return (
    <div className="kn-document">
      <Head document={newest} collection={collection} onClose={onClose} onRetry={onRetry} onDelete={onDelete} />
      {newest?.state === "failed" && <p className="kn-reason" role="alert"><Icon name="s-failed" className="s-failed" /><span><b>It could not be read.</b> {newest.reason}</span></p>}
      {newest && <Passages key={`${id} ${newest.sha256} ${newest.state === "ready"}`} document={newest} passage={passage} />}
    </div>
  );
}

function useDocument(collection, id) {
  const [known, setKnown] = useState({ found: null, problem: null });
  const load = useCallback(() => {
    let isGone = false;
    setKnown({ found: null, problem: null });
    read(pathOf(collection, id)).then((found) => isGone || setKnown({ found, problem: null })).catch((problem) => isGone || setKnown({ found: null, problem }));
    return () => {
      isGone = true;
    };
  }, [collection, id]);
  useEffect(() => load(), [load]);
  return { ...known, load };
}

function NoDocument({ problem, onRetry, onClose }) {
  if (problem.status !== 404) return <Failure title="The document could not be read" problem={problem} onRetry={onRetry} />;
  return <div className="face"><div className="in"><h2>There is no such document</h2><p className="quiet">{problem.message}</p><button type="button" className="btn above" onClick={onClose}><Icon name="leftc" size={14} />All documents</button></div></div>;
}

function Head({ document: found, collection, onClose, onRetry, onDelete }) {
  const now = useNow(60_000);
  return (
    <header className="kn-head">
      <button type="button" className="btn ghost icon" aria-label={`Back to ${collection}`} title={`Back to ${collection}`} onClick={onClose}><Icon name="leftc" /></button>
      {found ? (
        <>
          <div className="grow">
            <h2 className="clip" title={found.title}>{found.title}</h2>
            <p className="meta clip">{[collection, found.source !== found.title && found.source, found.media_type, bytes(found.bytes)].filter(Boolean).join(" · ")} · <Ago time={found.changed_at} now={now} after=" old" /></p>
          </div>
          <span className={`state pill desk-only ${found.state === "ready" ? "s-completed" : found.state === "failed" ? "s-failed" : "s-working"}`}><Icon name={found.state === "ready" ? "s-completed" : found.state === "failed" ? "s-failed" : "s-working"} /><span className="label">{found.state === "failed" ? "Failed" : stateWord(found)}</span></span>
          <Copy text={found.id} label="Copy the document’s id" />
          {found.state === "failed" && onRetry && <button type="button" className="btn" onClick={() => onRetry(found)}><Icon name="refresh" size={14} />Retry</button>}
          {onDelete && <button type="button" className="btn danger" onClick={() => onDelete(found)}>Delete</button>}
        </>
      ) : <span className="sk sk-w40 sk-tall" />}
    </header>
  );
}

function Passages({ document: found, passage }) {
  const start = useRef(Math.max(0, (passage ?? 0) - BEFORE));
  const [list, setList] = useState({ rows: [], next: null, face: "loading", problem: null });
  const at = `${pathOf(found.collection, found.id)}/chunks`;
  const load = useCallback(async (cursor = null) => {
    try {
      const page = await read(`${at}${query(cursor ? { cursor, limit: PAGE } : { start: start.current, limit: PAGE })}`);
      setList((before) => ({ rows: cursor ? [...before.rows, ...page.items] : page.items, next: page.next, face: "filled", problem: null }));
    } catch (problem) {
      setList((before) => ({ ...before, face: before.rows.length ? "filled" : "failed", problem }));
    }
  }, [at]);
  useEffect(() => {
    load();
  }, [load]);
  const chosen = useRef(null);
  useEffect(() => {
    chosen.current?.scrollIntoView({ block: "center" });
  }, [list.face]);
  const isPaging = useRef(false);
  const scrolled = async ({ currentTarget: node }) => {
    if (!list.next || isPaging.current || node.scrollHeight - node.clientHeight - node.scrollTop > 1200) return;
    isPaging.current = true;
    await load(list.next);
    isPaging.current = false;
  };
  const showEarlier = () => {
    start.current = Math.max(0, start.current - PAGE);
    load();
  };
  if (list.face === "failed") return <Failure title="The passages could not be read" problem={list.problem} onRetry={() => load()} />;
  if (list.face === "loading") return <div className="kn-chunks" aria-hidden="true">{[80, 70, 90].map((width) => <div className="kn-chunk" key={width}><span className={`sk sk-w${width}`} /><span className="sk" /></div>)}</div>;
  if (!list.rows.length) return <p className="quiet-face">{found.state === "queued" ? `${stateWord(found)}: its passages stand here when it is done.` : "It has no passages."}</p>;
  const first = list.rows[0].ordinal;
  return (
    <div className="kn-chunks" onScroll={scrolled} tabIndex={0} role="region" aria-label="Passages of the document">
      {found.state === "queued" && <p className="meta kn-note">{stateWord(found)}; until then these passages of its former content are found.</p>}
      {first > 0 && <p className="paging"><button type="button" className="btn small" onClick={showEarlier}><Icon name="up" size={12} />{format.plural(Math.min(first, PAGE), "earlier passage")}</button></p>}
      <ol start={first + 1}>
        {list.rows.map((chunk, index) => (
          <li key={chunk.id} ref={chunk.ordinal === passage ? chosen : null} className="kn-chunk" aria-current={chunk.ordinal === passage || undefined}>
            <span className="meta num" title={`Passage ${chunk.ordinal + 1} of ${found.chunks}`}>{format.count(chunk.ordinal + 1)}</span>
            <div>
              {chunk.location && chunk.location !== list.rows[index - 1]?.location && <h3>{chunk.location}</h3>}
              <div className="kn-text" dir="auto"><Marked text={chunk.text} /></div>
            </div>
          </li>
        ))}
      </ol>
      {list.problem && <p className="paging error" role="alert">{list.problem.message} <button type="button" className="btn small" onClick={() => load(list.next)}>Retry</button></p>}
    </div>
  );
}
