// The collections at the side, and the documents of the one that is open.

import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";

import { useRowHeight } from "$/public/density.js";
import * as format from "$/public/format.js";
import { useRowKeys } from "$/public/keys.js";
import { LIMITS, bytes, stateWord } from "$/public/knowledge_add.jsx";
import { useMay, whyNot } from "$/public/may.js";
import { Ago, Command, Failure, Icon, Segment, useNow } from "$/public/parts.jsx";

const ROW = { wide: 52, compact: 40, phone: 72 }; // px
const STATES = [["", "All"], ["queued", "In work"], ["failed", "Failed"]];

/** Every collection, how much is in it, and where to drop more. */
export function Collections({ shelf, chosen, hits, onChoose, onNew }) {
  const { items, face, problem, cursor } = shelf.collections;
  const mayEdit = useMay()("edit");
  const sum = (key) => items.reduce((total, each) => total + each[key], 0);
  return (
    <aside className="kn-side" aria-label="Collections">
      <div className="row kn-side-head"><h2 className="grow">Collections</h2>
        {mayEdit && <button type="button" className="btn ghost icon small" aria-label="New collection" title="New collection" onClick={onNew}><Icon name="plus" size={14} /></button>}</div>
      {face === "loading" && [60, 80, 50].map((width) => <div className="kn-coll" key={width}><span className="sk sk-dot" /><span className={`sk sk-w${width}`} /></div>)}
      {face === "failed" && <p className="error" role="alert">{problem.message}</p>}
      {items.length > 0 && (
        <ul>
          <Coll name="All collections" isChosen={!chosen} icon="knowledge" hits={hits?.all} onChoose={() => onChoose(null)}
            meta={cursor ? "" : `${format.plural(sum("documents"), "doc")} · ${format.plural(sum("chunks"), "passage")}`} />
          {items.map((each) => (
            <Coll key={each.name} name={each.name} isChosen={chosen === each.name} icon="k-memory" hits={hits?.[each.name]} onChoose={() => onChoose(each.name)}
              meta={metaOf(each)} share={each.queued ? (each.documents - each.queued) / each.documents : null} />
          ))}
        </ul>
      )}
      {cursor && <button type="button" className="btn small" onClick={() => shelf.loadMoreCollections()}>More collections</button>}
      {items.length > 0 && mayEdit && (
        <div className="kn-drop"><span className="row"><Icon name="upload" /><b>Drop documents here</b></span>{LIMITS}</div>
      )}
    </aside>
  );
}

function metaOf({ documents, chunks, queued, failed }) {
  if (!documents) return "Empty";
  const last = queued || failed ? [queued && `${format.count(queued)} in work`, failed && `${format.count(failed)} failed`] : [format.plural(chunks, "passage")];
  return [format.plural(documents, "doc"), ...last].filter(Boolean).join(" · ");
}

function Coll({ name, meta, icon, hits, isChosen, share = null, onChoose }) {
  return (
    <li>
      <button type="button" className="kn-coll" aria-current={isChosen || undefined} onClick={onChoose}>
        <Icon name={icon} /><span className="clip">{name}</span>
        <span className="n num">{hits ? <><span className="sr">found </span>{format.count(hits)}</> : null}</span>
        <span className="meta clip">{meta}</span>
        {share !== null && <span className="meter" aria-hidden="true"><i className="work" style={{ width: `${share * 100}%` }} /></span>}
      </button>
    </li>
  );
}

/** No collection is chosen and nothing is looked for: all of them, as a table. */
export function Overview({ shelf, onChoose }) {
  useRowKeys(() => document.querySelectorAll(".kn-main [data-row]"));
  return (
    <div className="listwrap scrolls">
      <table className="table cards kn-table">
        <thead><tr><th>Collection</th><th className="right">Documents</th><th className="right">Passages</th><th className="right">In work</th><th className="right">Failed</th></tr></thead>
        <tbody>
          {shelf.collections.items.map((each) => (
            <tr key={each.name} onClick={() => onChoose(each.name)}>
              <td className="t"><span className="row"><Icon name="k-memory" /><button type="button" className="kn-name" data-row onClick={(event) => { event.stopPropagation(); onChoose(each.name); }}>{each.name}</button><span className="sub clip">{each.description}</span></span></td>
              <td className="right num" data-label="documents">{format.count(each.documents)}</td>
              <td className="right num" data-label="passages">{format.count(each.chunks)}</td>
              <td className={`right num ${each.queued ? "s-working" : "sub"}`} data-label="in work">{each.queued ? format.count(each.queued) : "–"}</td>
              <td className={`right num ${each.failed ? "s-failed" : "sub"}`} data-label="failed">{each.failed ? format.count(each.failed) : "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The documents of the open collection, with what is in work and what failed. */
export function Documents({ shelf, collection, state, onState, onOpen, onRetry, onDelete, onAdd, onLeave }) {
  const { open } = shelf;
  const mayEdit = useMay()("edit");
  if (!open || open.face === "loading") {
    return <div className="sk-rows">{[70, 50, 60, 40].map((width) => <div className="sk-row" key={width}><span className="sk sk-dot" /><span className={`sk sk-w${width}`} /><span className="sk sk-lane" /></div>)}</div>;
  }
  if (open.face === "failed" && open.problem.status === 404) {
    return <div className="face"><div className="in"><h2>There is no collection {open.name}</h2><p className="quiet">{open.problem.message}</p><button type="button" className="btn above" onClick={onLeave}>All collections</button></div></div>;
  }
  if (open.face === "failed") return <Failure title="The documents could not be read" problem={open.problem} onRetry={() => shelf.loadDocuments()} />;
  const failed = mayEdit ? collection?.failed ?? 0 : 0;
  return (
    <>
      <div className="filters">
        <Segment label="Documents" value={state ?? ""} onChange={(next) => onState(next || null)}
          options={STATES.map(([key, word]) => [key, countOf(word, key, collection)])} />
        <span className="grow" />
        {failed > 0 && <button type="button" className="btn small" onClick={onRetry.all}><Icon name="refresh" size={12} />Retry {format.count(failed)} failed</button>}
      </div>
      {!open.rows.length && !open.fresh.length ? <Nothing state={state} name={open.name} onState={onState} onAdd={onAdd} />
        : <Rows shelf={shelf} key={`${open.name} ${open.state}`} onOpen={onOpen} onRetry={onRetry.one} onDelete={onDelete} />}
    </>
  );
}

function countOf(word, key, collection) {
  const number = { queued: collection?.queued, failed: collection?.failed, "": collection?.documents }[key];
  return number === undefined ? word : `${word} ${format.count(number)}`;
}

function Nothing({ state, name, onState, onAdd }) {
  const mayEdit = useMay()("edit");
  if (state) {
    return <div className="face"><div className="in"><h2>{state === "failed" ? "No document has failed" : "Nothing is in work"}</h2><button type="button" className="btn above" onClick={() => onState(null)}>All documents</button></div></div>;
  }
  return (
    <div className="face"><div className="in">
      <h2>{name} is empty</h2>
      {!mayEdit && <p className="quiet">{whyNot("edit")}.</p>}
      {mayEdit && <><p className="quiet">Drop files or folders anywhere on this page. They are read, cut into passages and can be searched as soon as each is done. {LIMITS}.</p>
      <button type="button" className="btn primary above" onClick={onAdd}><Icon name="upload" size={14} />Add documents</button>
      <p className="meta above">Or from a terminal on this machine</p>
      <Command text={`pygent ingest PATH --collection ${name}`} /></>}
    </div></div>
  );
}

function Rows({ shelf, onOpen, onRetry, onDelete }) {
  const mayEdit = useMay()("edit");
  const scroller = useRef(null);
  const { rows, fresh, cursor, problem, isPaging } = shelf.open;
  const isOver = useRef(false);
  const height = useRowHeight(ROW);
  const now = useNow(30_000);
  const virtual = useVirtualizer({
    count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => height, overscan: 10,
    getItemKey: (index) => rows[index].id,
  });
  useEffect(() => virtual.measure(), [height, virtual]);
  useRowKeys(() => document.querySelectorAll(".kn-main [data-row]"));
  useEffect(() => {
    shelf.mayInsert = () => (scroller.current?.scrollTop ?? 0) < 4 && !isOver.current;
    return () => {
      shelf.mayInsert = () => true;
    };
  }, [shelf]);
  const scrolled = () => {
    const { scrollHeight, clientHeight, scrollTop } = scroller.current;
    if (scrollHeight - clientHeight - scrollTop < 1200) shelf.loadMore();
  };
  const showFresh = () => {
    shelf.showFresh();
    scroller.current.scrollTop = 0;
  };
  return (
    <div className="listwrap">
      {fresh.length > 0 && <button type="button" className="newpill kn-new" onClick={showFresh}><Icon name="up" size={14} />{format.count(fresh.length)} new</button>}
      <div className="vscroll" ref={scroller} onScroll={scrolled} tabIndex={-1}
        onPointerEnter={({ pointerType }) => { isOver.current = pointerType === "mouse"; }} onPointerLeave={() => { isOver.current = false; shelf.settle(); }}>
        <ul className="vrows kn-docs" aria-label="Documents" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start, size }) => (
            <Row key={rows[index].id} row={rows[index]} style={{ height: size, transform: `translateY(${start}px)` }} now={now} onOpen={onOpen} onRetry={mayEdit && onRetry} onDelete={mayEdit && onDelete} />
          ))}
        </ul>
        {isPaging && <p className="meta paging">Reading older documents</p>}
        {problem && cursor && <p className="paging error" role="alert">{problem.message} <button type="button" className="btn small" onClick={() => shelf.loadMore()}>Retry</button></p>}
      </div>
    </div>
  );
}

const ICONS = { ready: "file", failed: "s-failed", queued: "s-working" };

function Row({ row, style, now, onOpen, onRetry, onDelete }) {
  const share = row.stage === "embedding" && row.to_embed ? row.embedded / row.to_embed : null;
  return (
    <li className="kn-doc" style={style}>
      <Icon name={ICONS[row.state]} className={row.state === "failed" ? "s-failed" : row.state === "queued" ? "s-working" : ""} />
      <div className="what">
        <button type="button" className="kn-name clip" data-row onClick={() => onOpen(row)}>{row.title}</button>
        <span className="meta clip">{row.source && row.source !== row.title ? row.source : row.media_type}</span>
      </div>
      <span className={`how clip ${row.state === "failed" ? "error" : "meta num"}`} title={row.reason ?? undefined}>
        {stateWord(row)}
        {share !== null && <span className="meter" aria-hidden="true"><i className="work" style={{ width: `${share * 100}%` }} /></span>}
      </span>
      <span className="meta num right size">{bytes(row.bytes)}</span>
      <span className="meta num right age"><Ago time={row.changed_at} now={now} /></span>
      <span className="tools">
        {row.state === "failed" && onRetry && <button type="button" className="btn small" aria-label={`Retry ${row.title}`} onClick={() => onRetry(row)}>Retry</button>}
        {onDelete && <button type="button" className="btn ghost icon small" aria-label={`Delete ${row.title}`} title="Delete" onClick={() => onDelete(row)}><Icon name="trash" size={14} /></button>}
      </span>
    </li>
  );
}
