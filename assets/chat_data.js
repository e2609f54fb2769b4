// A conversation: the tasks of one `context_id`, oldest first, and those that are added while one
// looks. Each turn's task is read and followed by its own TaskWatch.

import { useCallback, useEffect, useReducer, useState } from "react";

import { me, query, read } from "$/public/api.js";
import { watch } from "$/public/live.js";
import { TaskWatch } from "$/public/task_watch.js";

const TURNS = 12; // read at once
const EARLIER = 30; // conversations read at once

/** The turns of a conversation: `{face, turns, problem, hasEarlier, loadEarlier, add, load}`. */
export function useConversation(context) {
  const [, draw] = useReducer((count) => count + 1, 0);
  const [list, setList] = useState(null);
  useEffect(() => {
    const made = new Conversation(context, draw);
    setList(made);
    return () => made.close();
  }, [context]);
  return list?.context === context ? list : EMPTY;
}

const begun = new Map(); // context -> its first task, before the list knows it

/** The first task of a new conversation: lists lag by milliseconds. */
export const begin = (context, task) => begun.set(context, task);

const EMPTY = { face: "loading", turns: [], hasEarlier: false };

class Conversation {
  constructor(context, draw) {
    Object.assign(this, { context, draw, turns: [], face: "loading", problem: null, cursor: null, isRead: false, isClosed: false });
    this.known = new Map(); // id -> {id, watch}
    this.stop = () => {};
    if (!context) {
      this.face = "new";
      return;
    }
    if (begun.has(context)) this.add(begun.get(context));
    this.load();
    me().then(({ channels }) => {
      if (this.isClosed) return;
      this.stop = watch(channels.tasks, {
        onPublication: (row) => row.context_id === context && this.add(row.id),
        onGap: () => this.load(),
      });
    }).catch(() => {}); // the page says what failed when it is read
  }

  get hasEarlier() {
    return this.cursor !== null;
  }

  /** The newest turns; those that are known stay as they are. */
  async load() {
    try {
      const page = await read(`/tasks${query({ context_id: this.context, limit: TURNS })}`);
      if (this.isClosed) return;
      this.face = "filled";
      this.problem = null;
      if (!this.isRead) this.cursor = page.next;
      this.isRead = true;
      page.items.forEach((row) => this.put(row.id));
    } catch (problem) {
      if (this.isClosed) return;
      Object.assign(this, { problem, face: this.turns.length ? "filled" : "failed" });
    }
    this.draw();
  }

  async loadEarlier() {
    const page = await read(`/tasks${query({ context_id: this.context, limit: TURNS, cursor: this.cursor })}`);
    if (this.isClosed) return;
    this.cursor = page.next;
    page.items.forEach((row) => this.put(row.id));
    this.draw();
  }

  /** A task of this conversation, by whoever submitted it. */
  add(id) {
    if (this.known.has(id) || this.isClosed) return;
    this.face = "filled";
    this.put(id);
    this.draw();
  }

  put(id) {
    if (this.known.has(id)) return;
    const turn = { id, watch: new TaskWatch(id, { isFollowedToo: false }) };
    this.known.set(id, turn);
    this.turns = [...this.known.values()].sort((one, other) => (one.id < other.id ? -1 : 1)); // ids by time
    turn.watch.subscribe(this.draw); // the composer knows whether one is open
    turn.watch.open();
  }

  close() {
    this.isClosed = true;
    this.stop();
    for (const { watch: each } of this.known.values()) each.close();
  }
}

/**
 * Earlier conversations with an agent, the one continued last first: `{rows, hasMore, loadMore, problem}`.
 * The newest are read again when `moment` changes; those further down stay.
 */
export function useEarlier(name, moment) {
  const [list, setList] = useState({ rows: [], next: null, problem: null });
  const load = useCallback(async (cursor) => {
    const path = `/conversations${query({ agent: name, limit: EARLIER, cursor })}`;
    return read(path).then(
      (page) => setList((before) => (cursor ? joined(before, page) : renewed(before, page))),
      (problem) => setList((before) => ({ ...before, problem })),
    );
  }, [name]);
  useEffect(() => setList({ rows: [], next: null, problem: null }), [name]);
  useEffect(() => {
    load(null);
  }, [load, moment]);
  return { ...list, hasMore: list.next !== null, loadMore: () => load(list.next), retry: () => load(null) };
}

function joined(before, page) {
  const known = new Set(before.rows.map((row) => row.context_id));
  return { rows: [...before.rows, ...page.items.filter((row) => !known.has(row.context_id))], next: page.next, problem: null };
}

function renewed(before, page) {
  const known = new Set(page.items.map((row) => row.context_id));
  const older = before.rows.slice(EARLIER).filter((row) => !known.has(row.context_id));
  return { rows: [...page.items, ...older], next: older.length ? before.next : page.next, problem: null };
}
