// Adding documents: where they go, the files on their way, and how far each document is.

import { useRef, useState } from "react";

import { send } from "$/public/api.js";
import * as format from "$/public/format.js";
import { MAX_MEBIBYTES, filesOfField, uploads } from "$/public/knowledge_uploads.js";
import { Command, Dialog, Icon } from "$/public/parts.jsx";

const KINDS = ".md,.markdown,.txt,.html,.htm,.csv,.tsv,.pdf,text/markdown,text/plain,text/html,text/csv,application/pdf";
const SEEDED = "pygent-docs"; // the product's own pages: nobody's documents belong there by default
const NEW = ""; // the choice of a collection that is not there yet
const FEW = 30; // files shown whatever becomes of them
const MANY = 100; // rows of files at once
const STEPS = [["reading", "Read"], ["cutting", "Cut"], ["embedding", "Embedded"]];
export const LIMITS = `Markdown, text, HTML, CSV or PDF, at most ${MAX_MEBIBYTES} MiB each`;

/** A button that asks for files. */
export function FileButton({ onFiles, className = "btn", children }) {
  const field = useRef(null);
  const chosen = (event) => {
    const files = filesOfField(event.target);
    event.target.value = "";
    if (files.length) onFiles(files);
  };
  return (
    <>
      <button type="button" className={className} onClick={() => field.current.click()}>{children}</button>
      <input ref={field} type="file" multiple accept={KINDS} hidden onChange={chosen} aria-label="Files to add" tabIndex={-1} />
    </>
  );
}

/** Which collection they go into, or a new one; `files` may have been dropped already. */
export function AddDialog({ collections, collection, files: dropped, onClose, onAdd }) {
  const [files, setFiles] = useState(dropped ?? []);
  const [chosen, setChosen] = useState(collection ?? collections.find((each) => each.name !== SEEDED)?.name ?? NEW);
  const [name, setName] = useState("");
  const [problem, setProblem] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const isNew = chosen === NEW;
  const add = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const into = isNew ? (await send("POST", "/collections", { name: name.trim() })).name : chosen;
      onAdd(into, files);
    } catch (failure) {
      setProblem(failure);
      setBusy(false);
    }
  };
  const rule = problem?.problems?.[0]?.rule.includes("pattern") ? "Only lower case letters, digits and dashes, at most 63, no dash at either end" : problem?.message;
  return (
    <Dialog title="Add documents" onClose={onClose} className="kn-dialog">
      <form onSubmit={add} noValidate>
        <div className="dialog-body">
          <label className="kn-label"><span className="meta">Collection</span>
            <select aria-label="Collection" value={chosen} onChange={(event) => setChosen(event.target.value)}>
              {collections.map((each) => <option key={each.name} value={each.name}>{each.name}</option>)}
              <option value={NEW}>A new collection</option>
            </select>
          </label>
          {isNew && (
            <label className="kn-label"><span className="meta">Its name: lower case, digits and dashes</span>
              <input aria-label="Name of the collection" value={name} maxLength={63} placeholder="handbook" autoFocus onChange={(event) => setName(event.target.value)} />
            </label>
          )}
          {rule && <p className="error" role="alert"><Icon name="warning" size={14} />{rule}</p>}
          <div className="row">
            <FileButton onFiles={(more) => setFiles([...files, ...more])}><Icon name="file" size={14} />{files.length ? "More files" : "Choose files"}</FileButton>
            <span className="meta grow" role="status">{files.length ? `${format.plural(files.length, "file")}, ${bytes(files.reduce((sum, { file }) => sum + file.size, 0))}` : LIMITS}</span>
          </div>
          <p className="meta">Files and folders can also be dropped anywhere on this page. From a terminal:</p>
          <Command text={`pygent ingest PATH --collection ${(isNew ? name.trim() : chosen) || "handbook"}`} />
        </div>
        <footer>
          <button type="button" className="btn" onClick={onClose}>Cancel</button>
          <button type="submit" className="btn primary" disabled={isBusy || (isNew ? !name.trim() : !files.length)}><Icon name="upload" size={14} />{files.length ? `Add ${format.plural(files.length, "document")}` : isNew ? "Create collection" : "Add documents"}</button>
        </footer>
      </form>
    </Dialog>
  );
}

/** What is on its way; gone when there is nothing. */
export function Tray({ onOpen }) {
  const { items } = uploads;
  const [isFolded, setFolded] = useState(false);
  if (!items.length) return null;
  const count = (test) => items.filter(test).length;
  const done = count((item) => item.document?.state === "ready");
  const failed = count(isFailed);
  const again = items.filter((item) => isFailed(item) && !item.isFinal);
  const said = [`${format.count(done)} of ${format.count(items.length)} searchable`, failed && `${format.count(failed)} failed`].filter(Boolean).join(", ");
  return (
    <section className="kn-tray" aria-label="Documents on their way">
      <header>
        <button type="button" className="btn ghost icon small" aria-expanded={!isFolded} aria-label={isFolded ? "Show files" : "Fold files"} onClick={() => setFolded(!isFolded)}><Icon name={isFolded ? "rightc" : "down"} size={12} /></button>
        <h2>On their way</h2><span className="meta num" role="status">{said}</span><span className="grow" />
        {again.length > 1 && <button type="button" className="btn small" onClick={() => again.forEach((item) => uploads.retry(item))}><Icon name="refresh" size={12} />Retry {format.count(again.length)}</button>}
        <button type="button" className="btn ghost small" disabled={!done && !failed} onClick={() => uploads.clear(!done)}>Clear {done ? "done" : "failed"}</button>
      </header>
      {!isFolded && <ul>{shown(items).map((item) => <Item key={item.key} item={item} onOpen={onOpen} />)}</ul>}
    </section>
  );
}

/** A few files stand in their order; of many, those that failed and those that are not done yet. */
function shown(items) {
  if (items.length <= FEW) return items;
  const rest = items.filter((item) => !isFailed(item) && item.document?.state !== "ready");
  return [...items.filter(isFailed), ...rest].slice(0, MANY);
}

const isFailed = (item) => item.phase === "refused" || item.document?.state === "failed";

function Item({ item, onOpen }) {
  const { document: found } = item;
  const reason = item.problem?.message ?? (found?.state === "failed" ? found.reason : null);
  return (
    <li className={reason ? "bad" : ""}>
      <Icon name={reason ? "s-failed" : found?.state === "ready" ? "s-completed" : "file"} size={14} className={reason ? "s-failed" : found?.state === "ready" ? "s-completed" : ""} />
      <span className="clip name">{found?.state === "ready" ? <button type="button" className="link clip" onClick={() => onOpen(found)}>{item.path}</button> : item.path}</span>
      <span className="meta num size">{bytes(item.size)}</span>
      <Stages item={item} />
      <span className={`say ${reason ? "error" : "meta num"}`} title={reason ?? undefined}>{reason ?? stageWord(item)}</span>
      <span className="tools">
        {reason && !item.isFinal && <button type="button" className="btn small" onClick={() => uploads.retry(item)} aria-label={`Retry ${item.path}`}>Retry</button>}
        <button type="button" className="btn ghost icon small" aria-label={item.phase === "sending" ? `Stop sending ${item.path}` : `Forget ${item.path}`} onClick={() => uploads.dismiss(item)}><Icon name="close" size={12} /></button>
      </span>
    </li>
  );
}

/** Sent, read, cut, embedded: what is done is full, what is measured grows, what runs pulses. */
function Stages({ item }) {
  const { document: found } = item;
  const isReady = found?.state === "ready";
  const at = STEPS.findIndex(([stage]) => stage === found?.stage);
  const bars = [["Sent", item.sent, item.phase === "sending"], ...STEPS.map(([stage, word], index) => {
    const isNow = index === at;
    const share = stage === "embedding" && isNow && found.to_embed ? found.embedded / found.to_embed : 0;
    return [word, isReady || index < at ? 1 : share, isNow];
  })];
  return (
    <span className="kn-stages" aria-hidden="true">
      {bars.map(([word, share, isNow]) => <span key={word} title={word} className={isNow ? "now" : ""}><i style={{ width: `${Math.round(share * 100)}%` }} /></span>)}
    </span>
  );
}

function stageWord({ phase, sent, document: found }) {
  if (phase === "waiting") return "Waiting to be sent";
  if (phase === "sending") return sent < 1 ? `Sending ${Math.floor(sent * 100)} %` : "Being stored";
  return stateWord(found);
}

/** How far a document is, in words. */
export function stateWord(found) {
  if (found.state === "ready") return `Searchable, ${format.plural(found.chunks, "passage")}`;
  if (found.state === "failed") return found.reason ?? "Failed";
  if (found.stage === "reading") return "Being read";
  if (found.stage === "cutting") return "Being cut into passages";
  if (found.stage === "embedding") return `Embedding ${format.count(found.embedded)} of ${format.count(found.to_embed)}`;
  return "Waiting for a worker";
}

/** 412 B, 3.2 kB, 41.0 MB */
export function bytes(number) {
  if (number < 1000) return `${number} B`;
  return number < 1e6 ? `${(number / 1000).toFixed(1)} kB` : `${(number / 1e6).toFixed(1)} MB`;
}
