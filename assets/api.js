// The REST API of the same origin, with the cookie of the person who looks. A refusal becomes a
// `Problem` in words (RFC 9457); nothing here retries by itself.

import { forget } from "$/public/kept.js";

const PATIENCE_MS = 20_000;
const PAGE = 200;
const MOST_PAGES = 10;
const EARLY_MS = 10_000; // what was asked before that is asked again

/** What the API refused, or why it could not be asked. */
export class Problem extends Error {
  constructor({ title, detail, status, code, field, request, asked, problems = [] }) {
    super(detail || title);
    Object.assign(this, { title, detail, status, code, field, request, asked, problems });
  }

  /** Whether the same request may succeed later. */
  get isTemporary() {
    return !this.status || this.status >= 500 || this.status === 429;
  }
}

/** GET, and the JSON that comes back. */
export const read = (path, options = {}) => ask("GET", path, options);

/** A list in pages: the items so far, each time some came; at most ten pages, which is 2,000. */
export async function* pages(path, options = {}) {
  let items = [];
  let cursor = null;
  for (let count = 0; count < MOST_PAGES && (cursor || !count); count += 1) {
    const page = await read(`${path}${query({ limit: PAGE, cursor })}`, options);
    items = [...items, ...page.items];
    cursor = page.next;
    yield items;
  }
}

/** POST or another verb with a JSON body. */
export const send = (method, path, body, headers = {}) => ask(method, path, { body, headers });

async function ask(method, path, { body, headers = {}, signal } = {}) {
  const asked = `${method} /api/v1${path}`;
  const limit = AbortSignal.timeout(PATIENCE_MS);
  let response;
  try {
    response = (method === "GET" && (await early(path, signal))) || await fetch(`/api/v1${path}`, {
      method,
      credentials: "same-origin",
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      headers: { accept: "application/json", ...(body ? { "content-type": "application/json" } : {}), ...headers },
      body: body ? JSON.stringify(body) : undefined,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    const late = limit.aborted ? `did not answer within ${PATIENCE_MS / 1000} s` : "cannot be reached";
    throw new Problem({ title: "No answer", detail: `The hub ${late}.`, asked });
  }
  if (response.ok) return response.status === 204 ? null : response.json();
  const problem = await refusal(response, asked);
  if (problem.status === 401) goToLogin();
  throw problem;
}

/** The answer that was asked for with the document (dashboard/runtime/early.js); null without one. */
async function early(path, signal) {
  const found = window.pygentEarly?.get(path);
  if (!found) return null;
  window.pygentEarly.delete(path);
  const response = Date.now() - found.time < EARLY_MS ? await found.answer.catch(() => null) : null;
  signal?.throwIfAborted();
  return response;
}

async function refusal(response, asked) {
  const said = await response.json().catch(() => ({}));
  return new Problem({
    title: said.title ?? response.statusText,
    detail: said.detail ?? `The hub answered ${response.status}.`,
    status: response.status,
    code: said.code ?? "",
    field: said.field ?? null,
    problems: said.problems ?? [],
    request: said.request_id ?? response.headers.get("x-request-id"),
    asked,
  });
}

/** The door, and the way back. */
export function goToLogin() {
  if (location.pathname === "/login") return;
  forget();
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/** Log out, and go to the door. */
export async function leave() {
  forget();
  await fetch("/auth/logout", { method: "POST", credentials: "same-origin" }).catch(() => {});
  location.assign("/login");
}

let known;
/** Who is looking and which feeds are theirs; asked once a page load. */
export function me() {
  known ??= read("/me").catch((problem) => {
    known = undefined;
    throw problem;
  });
  return known;
}

/** The words of a query string from an object; empty values are left out. */
export function query(values) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const item of [value].flat()) {
      if (item !== null && item !== undefined && item !== "") search.append(name, item);
    }
  }
  const text = search.toString();
  return text ? `?${text}` : "";
}

/** A key that makes repeating the same submission harmless. */
export const submissionKey = () => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
