// What the page of knowledge knows: collections, and the documents of the one that is open. The feed
// says what changed; while something is in work and the feed is silent, it is asked again, seldom.

import { useEffect, useReducer, useState } from "react";

import { me, query, read } from "$/public/api.js";
import { watch } from "$/public/live.js";
import { pathOf, uploads } from "$/public/knowledge_uploads.js";

const PAGE = 100; // documents asked for at once
const PACE_MS = 1_000; // between two readings of the collections while documents change
const SILENT_MS = 3_000; // then what is in work is asked for
const MOST_CHANGES = 1_000; // remembered for the searches that stand

/** Whether the workers are not done with it. */
export const isInWork = (document) => document.state === "queued";

const newestFirst = (one, other) => (one.id < other.id ? 1 : -1);

/** Collections and documents, for as long as the page is open. */
class Shelf {
  constructor(draw) {
    this.draw = draw;
    this.collections = { face: "loading", items: [], cursor: null, problem: null };
    this.open = null; // the chosen collection's documents
    this.mayInsert = () => true;
    this.heard = 0;
    this.isGone = false;
    this.reading = { id: null, document: null }; // the one whose page is open
    this.changes = new Map(); // document -> {collection, at}: what searches find has changed
  }

  /** Opens a collection's documents in one state, or none. */
  choose(name, state) {
    this.open = name && { name, state, face: "loading", rows: [], fresh: [], cursor: null, problem: null, isPaging: false };
    if (name) this.loadDocuments();
  }

  /** The document whose page is open, as it was told last; null while nothing was. */
  told(id) {
    if (this.reading.id !== id) this.reading = { id, document: this.open?.rows.find((row) => row.id === id) ?? null };
    return this.reading.document;
  }

  async loadCollections() {
    clearTimeout(this.soon);
    this.soon = null;
    try {
      const page = await read(`/collections${query({ limit: 200 })}`);
      this.collections = { face: "filled", items: page.items, cursor: page.next, problem: null };
    } catch (problem) {
      this.collections = { ...this.collections, face: this.collections.items.length ? "filled" : "failed", problem };
    }
    this.tell();
  }

  async loadMoreCollections() {
    const page = await read(`/collections${query({ limit: 200, cursor: this.collections.cursor })}`);
    this.collections = { ...this.collections, items: [...this.collections.items, ...page.items], cursor: page.next };
    this.tell();
  }

  /** The first page anew; rows further down stay as they are known. */
  async loadDocuments() {
    const open = this.open;
    if (!open) return;
    try {
      const page = await read(`${pathOf(open.name)}${query({ state: open.state, limit: PAGE })}`);
      if (this.open !== open) return;
      const last = page.items.at(-1)?.id;
      const older = page.next ? open.rows.filter((row) => row.id < last) : [];
      if (!older.length) open.cursor = page.next;
      const known = new Set(open.rows.map((row) => row.id));
      const isHeld = open.rows.length > 0 && !this.mayInsert();
      const items = page.items.map((row) => this.newest(row));
      const fresh = isHeld ? items.filter((row) => !known.has(row.id)) : [];
      Object.assign(open, { face: "filled", problem: null, fresh, rows: [...items.filter((row) => !fresh.includes(row)), ...older] });
      for (const row of page.items) uploads.take(row);
    } catch (problem) {
      if (this.open === open) Object.assign(open, { problem, face: open.rows.length ? "filled" : "failed" });
    }
    this.tell();
  }

  async loadMore() {
    const open = this.open;
    if (!open?.cursor || open.isPaging) return;
    open.isPaging = true;
    this.tell();
    try {
      const page = await read(`${pathOf(open.name)}${query({ state: open.state, cursor: open.cursor, limit: PAGE })}`);
      Object.assign(open, { rows: [...open.rows, ...page.items], cursor: page.next, problem: null });
    } catch (problem) {
      open.problem = problem;
    }
    open.isPaging = false;
    this.tell();
  }

  newest(row) {
    const known = this.open?.rows.find((each) => each.id === row.id);
    return known && known.version > row.version ? known : row;
  }

  /** One line of the feed. */
  hear({ collection, document, removed }) {
    this.heard = Date.now();
    if (!document || !isInWork(document)) this.note(removed ?? document?.id ?? `all of ${collection}`, collection);
    if (document) this.put(document);
    else if (removed) this.drop(removed);
    else this.lookAgain(collection);
    if (removed || document?.stage === "queued" || (document && !isInWork(document))) this.countSoon();
    this.tell();
  }

  /** A collection was made or deleted, or much of it changed. */
  async lookAgain(name) {
    await this.loadCollections();
    const { open } = this;
    if (open?.name !== name) return;
    const isThere = this.collections.cursor || this.collections.items.some((each) => each.name === name);
    if (isThere) this.loadDocuments();
    else Object.assign(open, { face: "failed", problem: { status: 404, message: `The collection ${name} was deleted.` } });
    this.tell();
  }

  /** A document as it is now, whoever told it. */
  put(document) {
    uploads.take(document);
    if (document.id === this.reading.id) this.reading.document = document;
    const open = this.open;
    if (open?.name !== document.collection || open.face !== "filled") return;
    const fits = !open.state || open.state === document.state;
    const isFree = this.mayInsert(); // else nothing moves: what leaves stays, what comes waits
    const at = open.rows.findIndex((row) => row.id === document.id);
    if (at >= 0) {
      if (open.rows[at].version > document.version) return;
      open.rows = fits || !isFree ? open.rows.with(at, document) : open.rows.toSpliced(at, 1);
      return;
    }
    open.fresh = open.fresh.filter((row) => row.id !== document.id);
    if (!fits || (open.cursor && document.id < open.rows.at(-1)?.id)) return; // further down it is read in its turn
    const list = isFree ? "rows" : "fresh";
    open[list] = [document, ...open[list]].sort(newestFirst);
  }

  /** What the filter no longer takes leaves, now that nothing moves under anybody's hand. */
  settle() {
    const { open } = this;
    if (!open?.state || !this.mayInsert()) return;
    open.rows = open.rows.filter((row) => row.state === open.state);
    this.tell();
  }

  /** What searches may find in that collection is another thing than before. */
  note(id, collection) {
    if (this.changes.size >= MOST_CHANGES) this.changes.delete(this.changes.keys().next().value);
    this.changes.set(id, { collection, at: Date.now() });
  }

  /** How many documents have changed since then, in one collection or in all. */
  changed(since, collection) {
    return [...this.changes.values()].filter((each) => each.at > since && (!collection || each.collection === collection)).length;
  }

  drop(id) {
    uploads.drop(id);
    if (!this.open) return;
    this.open.rows = this.open.rows.filter((row) => row.id !== id);
    this.open.fresh = this.open.fresh.filter((row) => row.id !== id);
    this.tell();
  }

  showFresh() {
    const { open } = this;
    const rows = [...open.fresh, ...open.rows].filter((row) => !open.state || row.state === open.state);
    Object.assign(open, { rows: rows.sort(newestFirst), fresh: [] });
    this.tell();
  }

  countSoon() {
    this.soon ??= setTimeout(() => this.loadCollections(), PACE_MS);
  }

  /** Redis may have lost what was told: while something is in work, it is asked for. */
  tick() {
    const waits = this.collections.items.some((each) => each.queued) || uploads.items.some((item) => item.document && isInWork(item.document));
    if (!waits || document.hidden || Date.now() - this.heard < SILENT_MS) return;
    this.heard = Date.now();
    this.loadCollections();
    this.loadDocuments();
    for (const item of uploads.items.filter((each) => each.document && isInWork(each.document)).slice(0, 8)) {
      read(pathOf(item.collection, item.document.id)).then((found) => this.put(found)).catch(() => {});
    }
  }

  /** Drawn once a frame, however much is told meanwhile. */
  tell() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      if (!this.isGone) this.draw();
    });
  }
}

/** The shelf, with this collection open; drawn again whenever something of it changes. */
export function useShelf(name, state) {
  const [, draw] = useReducer((count) => count + 1, 0);
  const [shelf] = useState(() => new Shelf(draw));
  useEffect(() => {
    shelf.choose(name, state);
    shelf.tell();
  }, [shelf, name, state]);
  useEffect(() => {
    let stop = () => {};
    shelf.isGone = false;
    const all = () => {
      shelf.loadCollections();
      shelf.loadDocuments();
    };
    me().then(({ channels }) => {
      if (shelf.isGone) return;
      stop = watch(channels.knowledge, { onPublication: (change) => shelf.hear(change), onReady: all, onGap: all });
      shelf.loadCollections();
    }).catch((problem) => {
      shelf.collections = { ...shelf.collections, face: "failed", problem };
      shelf.tell();
    });
    const timer = setInterval(() => shelf.tick(), 1_000);
    const forget = uploads.watch(() => shelf.tell());
    return () => {
      shelf.isGone = true;
      clearInterval(timer);
      clearTimeout(shelf.soon);
      shelf.soon = null;
      forget();
      stop();
    };
  }, [shelf]);
  return shelf;
}
