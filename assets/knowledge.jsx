// The page of knowledge: collections at the side, and in the middle documents, one document, or what
// a search found. All that is chosen stands in the address: c, q, by, p, d, n, state.

import { useCallback, useEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";

import { useAddress } from "$/public/address.js";
import { query, read, send } from "$/public/api.js";
import * as format from "$/public/format.js";
import { AddDialog, LIMITS, Tray } from "$/public/knowledge_add.jsx";
import { AskDialog, DeleteCollection, DeleteDocument } from "$/public/knowledge_ask.jsx";
import { useShelf } from "$/public/knowledge_data.js";
import { DocumentView } from "$/public/knowledge_document.jsx";
import { Collections, Documents, Overview } from "$/public/knowledge_lists.jsx";
import { Found, SearchField, orderOf, useFound } from "$/public/knowledge_search.jsx";
import { filesOf, pathOf, uploads } from "$/public/knowledge_uploads.js";
import { useMay, whyNot } from "$/public/may.js";
import { Command, Failure, Icon } from "$/public/parts.jsx";

const AT_ONCE = 4; // documents queued again at the same time

/** The page. */
export function KnowledgePage() {
  const [search, change] = useAddress();
  const name = search.get("c");
  const text = search.get("q") ?? "";
  const by = orderOf(search.get("by"));
  const state = ["queued", "failed"].includes(search.get("state")) ? search.get("state") : null;

  const shelf = useShelf(name, state);
  const found = useFound({ text, collection: name, by });
  const [dialog, setDialog] = useState(null);
  const may = useMay();
  const mayEdit = may("edit");
  const isDropping = useDrop((files) => (name ? uploads.add(name, files) : setDialog({ kind: "add", files })), mayEdit);
  const close = useCallback(() => setDialog(null), []);
  const chooseCollection = (c) => change({ c, d: null, n: null, p: null, state: null });
  const openDocument = (document, n = null) => change({ d: `${document.collection}/${document.id}`, n });
  const closeDocument = useCallback(() => change({ d: null, n: null }), [change]);
  const added = (into, files) => {
    setDialog(null);
    uploads.add(into, files);
    shelf.loadCollections();
    change({ c: into, q: null, d: null, p: null, state: null });
  };
  const retry = useRetry(shelf);
  useEffect(() => {
    document.title = `${name ? `${name} · ` : ""}Knowledge · PyGent Factory`;
  }, [name]);

  const collection = shelf.collections.items.find((each) => each.name === name) ?? null;
  const [home, id] = (search.get("d") ?? "").split("/");
  const shared = { name, text, by, state, collection, shelf, found, change, setDialog, openDocument, retry, may };
  return (
    <>
      <Actions onAdd={mayEdit && (() => setDialog({ kind: "add" }))} onAsk={may("ask") && shelf.collections.items.length > 0 && (() => setDialog({ kind: "ask" }))} />
      <div className="page kn">
        <Collections shelf={shelf} chosen={name} hits={hitsOf(found, name)} onChoose={chooseCollection} onNew={() => setDialog({ kind: "add", isNew: true })} />
        <section className="kn-main" aria-label={name ?? "All collections"}>
          <PhoneChoice shelf={shelf} chosen={name} onChoose={chooseCollection} />
          {shelf.collections.items.length > 0 && (
            <div className="kn-top"><SearchField value={text} where={name ?? "all collections"} count={countOf(found)} onChange={(q) => change({ q, p: null, d: null, n: null }, { replace: true })} /></div>
          )}
          <Tray onOpen={(document) => openDocument(document)} />
          {id ? (
            <DocumentView collection={home} id={id} row={shelf.told(id)} passage={search.has("n") ? Number(search.get("n")) : null}
              onClose={closeDocument} onRetry={mayEdit && retry.one} onDelete={mayEdit && ((document) => setDialog({ kind: "document", document }))} />
          ) : <Middle {...shared} chosen={search.get("p")} />}
        </section>
        {isDropping && <div className="kn-over" aria-hidden="true"><div><Icon name="upload" size={20} /><b>Drop to add to {name ?? "a collection"}</b><span>{LIMITS}</span></div></div>}
      </div>
      {dialog?.kind === "add" && <AddDialog collections={dialog.isNew ? [] : shelf.collections.items} collection={dialog.isNew ? "" : name} files={dialog.files} onClose={close} onAdd={added} />}
      {dialog?.kind === "ask" && <AskDialog collection={name} onClose={close} />}
      {dialog?.kind === "document" && <DeleteDocument document={dialog.document} onClose={close} onDone={() => { close(); shelf.drop(dialog.document.id); if (id === dialog.document.id) closeDocument(); }} />}
      {dialog?.kind === "collection" && <DeleteCollection name={name} onClose={close} onDone={() => { close(); shelf.loadCollections(); chooseCollection(null); }} />}
    </>
  );
}

function Middle({ name, text, by, state, collection, shelf, found, chosen, change, setDialog, openDocument, retry, may }) {
  const { face, problem, items } = shelf.collections;
  if (text) {
    return (
      <Found found={found} text={text} by={by} chosen={chosen} collection={name} changed={found.at ? shelf.changed(found.at, name) : 0} onOrder={(next) => change({ by: next === "fused" ? null : next, p: null })}
        onChoose={(p) => change({ p }, { replace: true })} onOpen={(passage) => openDocument({ collection: passage.collection, id: passage.document }, passage.ordinal)} onClear={() => change({ c: null })} />
    );
  }
  if (face === "failed") return <Failure title="The collections could not be read" problem={problem} onRetry={() => shelf.loadCollections()} />;
  if (face === "filled" && !items.length) return <Empty onAdd={() => setDialog({ kind: "add" })} />;
  if (!name) return face === "filled" ? <Overview shelf={shelf} onChoose={(c) => change({ c })} /> : null;
  return (
    <>
      <header className="kn-head">
        <div className="grow"><h2 className="clip">{name}</h2><p className="meta clip">{collection?.description || "No description"}{collection ? ` · ${embedderOf(collection)}` : ""}</p></div>
        {collection && may("ask") && <button type="button" className="btn" onClick={() => setDialog({ kind: "ask" })}><Icon name="ask" size={14} />Ask</button>}
        {collection && may("edit") && <button type="button" className="btn danger" onClick={() => setDialog({ kind: "collection" })}>Delete</button>}
      </header>
      <Documents shelf={shelf} collection={collection} state={state} onState={(next) => change({ state: next })} onOpen={(document) => openDocument(document)}
        onRetry={{ one: retry.one, all: () => retry.all(name) }} onDelete={(document) => setDialog({ kind: "document", document })} onAdd={() => setDialog({ kind: "add" })} onLeave={() => change({ c: null, state: null })} />
    </>
  );
}

const embedderOf = ({ embedder }) => ({ minilm: "found by meaning and by words", hashing: "found by words: the weights for meanings are not installed" })[embedder] ?? embedder;

function countOf({ face, answer, isOld }) {
  if (face === "loading" || isOld) return "Searching";
  return answer ? `${format.plural(answer.passages.length, "passage")} · ${format.duration(answer.seconds)}` : "";
}

function hitsOf({ answer }, name) {
  if (!answer || name) return null;
  const hits = { all: answer.passages.length };
  for (const { collection } of answer.passages) hits[collection] = (hits[collection] ?? 0) + 1;
  return hits;
}

function Actions({ onAdd, onAsk }) {
  const slot = document.getElementById("actions");
  return slot && createPortal(
    <>
      {onAsk && <button type="button" className="btn desk-only" onClick={onAsk}><Icon name="ask" size={14} /><span>Ask about these</span></button>}
      {onAdd && <button type="button" className="btn" onClick={onAdd}><Icon name="upload" size={14} /><span>Add documents</span></button>}
    </>,
    slot,
  );
}

function PhoneChoice({ shelf, chosen, onChoose }) {
  const { items } = shelf.collections;
  if (!items.length) return null;
  return (
    <label className="kn-phone phone-only"><span className="sr">Collection</span>
      <select value={chosen ?? ""} onChange={(event) => onChoose(event.target.value || null)}>
        <option value="">All collections</option>
        {items.map((each) => <option key={each.name} value={each.name}>{each.name}, {format.plural(each.documents, "document")}</option>)}
      </select>
    </label>
  );
}

function Empty({ onAdd }) {
  if (!useMay()("edit")) return <div className="face"><div className="in"><h2>No documents yet</h2><p className="quiet">A collection is a named set of documents that agents and people search. {whyNot("edit")}.</p></div></div>;
  return (
    <div className="face"><div className="in">
      <h2>No documents yet</h2>
      <p className="quiet">A collection is a named set of documents that agents and people search. Drop files or folders anywhere on this page: they are read, cut into passages, and found by their meaning and by their words.</p>
      <button type="button" className="kn-zone above" onClick={onAdd}><Icon name="upload" size={20} /><b>Drop documents here</b><span className="meta">or choose them. {LIMITS}</span></button>
      <p className="meta above">Or from a terminal on this machine</p>
      <Command text="pygent ingest PATH --collection handbook" />
    </div></div>
  );
}

/** Files dropped anywhere on the page; whether some hover over it. */
function useDrop(onFiles, isAllowed) {
  const [isOver, setOver] = useState(false);
  const take = useRef(onFiles);
  take.current = onFiles;
  useEffect(() => {
    if (!isAllowed) return undefined;
    let depth = 0;
    const has = (event) => event.dataTransfer?.types.includes("Files");
    const enter = (event) => has(event) && setOver((depth += 1) > 0);
    const leave = (event) => has(event) && setOver((depth = Math.max(0, depth - 1)) > 0);
    const over = (event) => has(event) && event.preventDefault();
    const drop = async (event) => {
      if (!has(event)) return;
      event.preventDefault();
      depth = 0;
      setOver(false);
      const files = await filesOf(event.dataTransfer);
      if (files.length) take.current(files);
    };
    const listeners = { dragenter: enter, dragleave: leave, dragover: over, drop };
    for (const [type, listener] of Object.entries(listeners)) addEventListener(type, listener);
    return () => {
      for (const [type, listener] of Object.entries(listeners)) removeEventListener(type, listener);
    };
  }, [isAllowed]);
  return isOver;
}

/** One failed document again, or all of a collection. */
function useRetry(shelf) {
  const one = useCallback(async (document) => {
    try {
      shelf.put(await send("POST", `${pathOf(document.collection, document.id)}/retry`));
    } catch {
      shelf.loadDocuments(); // somebody else was faster, or it is gone
    }
    shelf.tell();
  }, [shelf]);
  const all = useCallback(async (name) => {
    const { items } = await read(`${pathOf(name)}${query({ state: "failed", limit: 200 })}`);
    for (let begin = 0; begin < items.length; begin += AT_ONCE) await Promise.all(items.slice(begin, begin + AT_ONCE).map(one));
    shelf.loadCollections();
  }, [shelf, one]);
  return { one, all };
}
