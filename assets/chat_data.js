// A conversation: the tasks of one `context_id`, oldest first, and those that are added while one
// looks. Each turn's task is read and followed by its own TaskWatch.

import { useCallback, useEffect, useReducer, useState } from "react";

import { me, query, read } from "$/public/api.js";
import { watch } from "$/public/live.js";
import { TaskWatch } from "$/public/task_watch.js";

const TURNS = 12; // read at once
const LATEST = 100; // tasks of the agent that earlier conversations are found in

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

/** Earlier conversations with an agent, the latest first, among its latest tasks; read when `moment` changes. */
export function useEarlier(name, moment) {
  const [rows, setRows] = useState([]);
  const load = useCallback(() => read(`/tasks${query({ agent: name, limit: LATEST })}`).then(({ items }) => setRows(items)).catch(() => {}), [name]);
  useEffect(() => {
    load();
  }, [load, moment]);
  const found = new Map();
  for (const row of rows) {
    const before = found.get(row.context_id);
    if (before) Object.assign(before, { title: row.title, turns: before.turns + 1 });
    else found.set(row.context_id, { context: row.context_id, title: row.title, turns: 1, time: row.updated_at });
  }
  return [...found.values()];
}
