// The rows behind the list of tasks: pages by keyset from REST, changes from the feed. Rows keep
// their order (by submission), so that nothing moves under the pointer; what is new waits to be
// shown. No drawing in here.

import { me, query, read } from "$/public/api.js";
import { watch } from "$/public/live.js";

const PAGE = 100;
const MOST = 300; // rows kept at the top of the list, and behind the pill, while new ones come in
const FLUSH_MS = 250; // changes are shown together, at most four times a second
const MINUTE_MS = 60_000;
const WINDOW_MS = { "15m": 9e5, "1h": 36e5, "24h": 864e5, "7d": 6048e5 };
const WAITING = ["input-required", "auth-required"];

/** The rows of one filter. `onChange` is told when something is to be drawn anew. */
export class TaskList {
  constructor(filter, onChange) {
    this.filter = filter;
    this.onChange = onChange;
    this.rows = [];
    this.known = new Map(); // id -> row, shown or waiting
    this.fresh = []; // rows that wait behind the pill, the newest MOST of them
    this.hasMoreFresh = false; // there were more: they are read when they are shown
    this.isTrimming = false;
    this.cursor = null;
    this.position = null; // in the feed: {epoch, offset}
    this.face = "loading";
    this.problem = null;
    this.isPaging = false;
    this.mayInsert = () => true;
    this.changes = [];
    this.timer = null;
    this.stop = () => {};
    this.isClosed = false;
  }

  /** Listen first, read then: what changes in between arrives and is newer. */
  async open() {
    this.face = this.rows.length ? this.face : "loading";
    this.problem = null;
    this.onChange();
    try {
      const { channels } = await me();
      if (this.isClosed) return;
      this.stop();
      this.stop = watch(channels.tasks, {
        since: this.position ?? undefined, // of a list that was left and is shown again
        onPublication: (row, offset) => {
          if (this.position) this.position.offset = offset;
          this.take(row);
        },
        onReady: ({ streamPosition }) => {
          this.position ??= streamPosition ?? null;
          this.readFirst();
        },
        onGap: () => this.readAnew(),
      });
      if (this.face === "loading") await this.readFirst();
    } catch (problem) {
      this.fail(problem);
    }
  }

  close() {
    this.isClosed = true;
    this.stop();
    clearTimeout(this.timer);
  }

  /** Changes were missed for good: nothing of what is shown is sure. */
  readAnew() {
    this.position = null;
    return this.readFirst(true);
  }

  /** The newest page, merged into what is shown, or in its place where the two do not meet. */
  async readFirst(isAnew = false) {
    try {
      const page = await read(this.path(null));
      if (this.isClosed) return;
      const meets = !page.next || page.items.some((row) => this.known.has(row.id));
      const isFirst = isAnew || this.face !== "filled" || !meets;
      if (isFirst) {
        this.rows = [];
        this.fresh = [];
        this.hasMoreFresh = false;
        this.known.clear();
        this.cursor = page.next;
      }
      for (const row of page.items) this.add(row, isFirst || this.mayInsert());
      this.face = "filled";
      this.problem = null;
      this.onChange();
    } catch (problem) {
      if (this.face === "filled") this.onChange();
      else this.fail(problem);
    }
  }

  /** The page after the last row. */
  async readMore() {
    if (!this.cursor || this.isPaging || this.face !== "filled") return;
    this.isPaging = true;
    this.onChange();
    try {
      const page = await read(this.path(this.cursor));
      this.cursor = page.next;
      for (const row of page.items) this.add(row, true);
      this.problem = null;
    } catch (problem) {
      this.problem = problem;
    } finally {
      this.isPaging = false;
      if (!this.isClosed) this.onChange();
    }
  }

  /** Show what waited behind the pill. */
  showFresh() {
    if (this.hasMoreFresh) {
      this.readFirst(true);
      return;
    }
    for (const row of this.fresh) place(this.rows, row);
    this.fresh = [];
    this.onChange();
  }

  /** In a page that is left open new rows never end: the newest page takes the place of them all. */
  async trim() {
    if (this.isTrimming || this.rows.length <= MOST || !this.mayInsert()) return;
    this.isTrimming = true;
    try {
      const page = await read(this.path(null));
      if (!this.isClosed && this.mayInsert()) this.begin(page);
    } catch {
      // with the next change again
    } finally {
      this.isTrimming = false;
    }
  }

  /** The newest page alone, and what came while it was read. */
  begin(page) {
    const before = this.known;
    const [first] = page.items;
    const newer = first ? this.rows.filter((row) => isBefore(row, first)) : [];
    Object.assign(this, { rows: [], fresh: [], hasMoreFresh: false, known: new Map(), cursor: page.next });
    for (const row of [...newer, ...page.items]) {
      const other = before.get(row.id);
      this.add(other?.version > row.version ? other : row, true);
    }
    this.onChange();
  }

  take(row) {
    this.changes.push(row);
    this.timer ??= setTimeout(() => {
      this.timer = null;
      const changes = this.changes;
      this.changes = [];
      for (const row of changes) this.merge(row, this.mayInsert());
      this.onChange();
      this.trim();
    }, FLUSH_MS);
  }

  /** A row of the feed: another filter's rows come along too. */
  merge(row, mayInsert) {
    if (this.known.has(row.id) || this.fits(row)) this.add(row, mayInsert);
  }

  add(row, mayInsert) {
    const before = this.known.get(row.id);
    if (before && before.version >= row.version) return;
    if (before) {
      this.replace(row);
      return;
    }
    this.known.set(row.id, row);
    place(mayInsert ? this.rows : this.fresh, row);
    for (const { id } of this.fresh.splice(MOST)) {
      this.known.delete(id);
      this.hasMoreFresh = true;
    }
  }

  replace(row) {
    this.known.set(row.id, row);
    for (const rows of [this.rows, this.fresh]) {
      const index = search(rows, row);
      if (rows[index]?.id === row.id) rows[index] = row;
    }
  }

  fits(row) {
    const { state, agent, text, range } = this.filter;
    const oldest = this.rows.at(-1);
    if (this.cursor && oldest && row.submitted_at < oldest.submitted_at) return false;
    if (state && !states(state).includes(row.state)) return false;
    if (agent && agent !== row.agent_name && agent !== row.agent) return false;
    if (WINDOW_MS[range] && Date.now() - Date.parse(row.submitted_at) > WINDOW_MS[range]) return false;
    const title = row.title.toLowerCase();
    return (text ?? "").toLowerCase().split(/\s+/).every((word) => title.includes(word));
  }

  path(cursor) {
    const { state, agent, text, range } = this.filter;
    const begin = Math.floor((Date.now() - WINDOW_MS[range]) / MINUTE_MS) * MINUTE_MS; // as it is asked early
    const since = WINDOW_MS[range] && new Date(begin).toISOString();
    return `/tasks${query({ state: states(state), agent, text, since, cursor, limit: PAGE })}`;
  }

  fail(problem) {
    if (this.isClosed) return;
    this.face = "failed";
    this.problem = problem;
    this.onChange();
  }
}

/** The states a filter of the bar stands for. */
function states(name) {
  if (!name) return [];
  return name === "waiting" ? WAITING : [name];
}

/** Put a row where its submission belongs, newest first. */
function place(rows, row) {
  rows.splice(search(rows, row), 0, row);
}

/** Where a row stands, or would. */
function search(rows, row) {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(rows[middle], row)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isBefore(one, other) {
  if (one.submitted_at !== other.submitted_at) return one.submitted_at > other.submitted_at;
  return one.id > other.id;
}
