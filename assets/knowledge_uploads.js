// Files on their way to the hub, at most three at once; they go on while other pages are open. What
// becomes of a document afterwards is told by whoever hears of it: `take`.

import { Problem, goToLogin, send } from "$/public/api.js";

const AT_ONCE = 3;
const MOST_FILES = 2_000; // of one drop
const MEBIBYTE = 1024 * 1024;
export const MAX_MEBIBYTES = 20;

/** Where the API has one collection's documents, or one of them. */
export const pathOf = (collection, document = null) =>
  `/collections/${encodeURIComponent(collection)}/documents${document ? `/${encodeURIComponent(document)}` : ""}`;

class Uploads {
  constructor() {
    this.items = []; // newest last
    this.readers = new Set();
    this.count = 0;
    this.early = new Map(); // documents that were told before their upload was answered
    this.stay = (event) => event.preventDefault();
  }

  watch(reader) {
    this.readers.add(reader);
    return () => this.readers.delete(reader);
  }

  tell() {
    const isSending = this.items.some((item) => item.phase === "sending" || item.phase === "waiting");
    if (isSending) addEventListener("beforeunload", this.stay);
    else removeEventListener("beforeunload", this.stay);
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.readers.forEach((read) => read());
    });
  }

  /** These files go into the collection; each is known by its path. */
  add(collection, files) {
    const items = files.map(({ file, path }) => ({ key: ++this.count, collection, file, path, size: file.size, phase: "waiting", sent: 0, document: null, problem: null, request: null }));
    this.items = [...this.items, ...items];
    this.next();
  }

  next() {
    let room = AT_ONCE - this.items.filter((each) => each.phase === "sending").length;
    for (const item of this.items) {
      if (room <= 0) break;
      if (item.phase !== "waiting") continue;
      this.send(item);
      if (item.phase === "sending") room -= 1;
    }
    this.tell();
  }

  change(item, change) {
    Object.assign(item, change);
    this.tell();
  }

  send(item) {
    // The hub ends a connection whose body is far too large, and the browser would not say why.
    if (item.size > (MAX_MEBIBYTES + 1) * MEBIBYTE) {
      const problem = { message: `${item.path} has ${(item.size / MEBIBYTE).toFixed(1)} MiB; a document has at most ${MAX_MEBIBYTES} MiB` };
      Object.assign(item, { phase: "refused", problem, isFinal: true });
      return;
    }
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("source", item.path);
    form.append("file", item.file, item.file.name);
    request.open("POST", `/api/v1${pathOf(item.collection)}`);
    request.setRequestHeader("accept", "application/json");
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => this.change(item, { sent: total ? loaded / total : 0 });
    request.onload = () => this.answered(item, request);
    request.onerror = () => this.refuse(item, new Problem({ title: "No answer", detail: "The hub cannot be reached." }));
    Object.assign(item, { phase: "sending", sent: 0, problem: null, request });
    request.send(form);
  }

  answered(item, { status, response }) {
    if (status === 401) goToLogin();
    if (status >= 200 && status < 300) {
      const early = this.early.get(response.id);
      const told = early && early.version > response.version ? early : response;
      this.early.delete(response.id);
      Object.assign(item, { phase: "stored", document: told, file: null, request: null, sent: 1 });
      this.next();
      return;
    }
    const detail = response?.detail ?? `The hub answered ${status}.`;
    this.refuse(item, new Problem({ title: response?.title ?? "Refused", detail, status, code: response?.code }));
  }

  refuse(item, problem) {
    Object.assign(item, { phase: "refused", problem, request: null });
    this.next();
  }

  /** Again: what the hub refused is sent again, what the workers could not read is queued again. */
  async retry(item) {
    if (!item.document) {
      this.change(item, { phase: "waiting", problem: null });
      this.next();
      return;
    }
    try {
      this.take(await send("POST", `${pathOf(item.collection, item.document.id)}/retry`));
    } catch (problem) {
      this.change(item, { problem });
    }
  }

  /** The row goes; a file that is being sent is not sent on. */
  dismiss(item) {
    item.request?.abort();
    this.items = this.items.filter((each) => each !== item);
    this.next();
  }

  /** What is done goes: searchable ones, and with `all` the others that are not on their way. */
  clear(isAll = false) {
    const stays = (item) => item.phase === "waiting" || item.phase === "sending" || item.document?.state === "queued"
      || (!isAll && (item.phase === "refused" || item.document?.state === "failed"));
    this.items = this.items.filter(stays);
    this.tell();
  }

  /** A document as it is now. */
  take(document) {
    const item = this.items.find((each) => each.document?.id === document.id);
    if (!item && this.items.some((each) => each.phase === "sending")) this.early.set(document.id, document);
    else if (!item) this.early.clear();
    if (!item || item.document.version >= document.version) return;
    this.change(item, { document, problem: null });
  }

  drop(id) {
    if (!this.items.some((each) => each.document?.id === id)) return;
    this.items = this.items.filter((each) => each.document?.id !== id);
    this.tell();
  }
}

/** The one queue of this window. */
export const uploads = new Uploads();

/** The files of a drop, folders with all that is in them, as {file, path}. */
export async function filesOf(transfer) {
  const entries = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  const found = [];
  for (const entry of entries) await collect(entry, found);
  return found.slice(0, MOST_FILES);
}

/** The files of a file field. */
export const filesOfField = (field) => [...field.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));

async function collect(entry, found) {
  if (!entry || found.length >= MOST_FILES) return;
  if (entry instanceof File) found.push({ file: entry, path: entry.name });
  else if (entry.isFile) found.push({ file: await new Promise((done, fail) => entry.file(done, fail)), path: entry.fullPath.replace(/^\//, "") });
  else {
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((done, fail) => reader.readEntries(done, fail));
      if (!some.length) return;
      for (const each of some.filter(({ name }) => !name.startsWith("."))) await collect(each, found);
    }
  }
}
