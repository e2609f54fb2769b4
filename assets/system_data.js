// The factory's state and one hub's samples, asked for while the page is seen. Each process keeps
// samples of its own: the page stays with the first that answered, and changes when it is gone.

import { useCallback, useEffect, useRef, useState } from "react";

import { query, read } from "$/public/api.js";

const STATE_MS = 5_000;
const SAMPLES_MS = 1_000;
const GONE_MS = 15_000; // without an answer of the hub whose samples are drawn: take another's
const KEPT = 900;
const COLUMNS = ["times", "p50", "p99", "deliveries", "connections", "waiting", "running"];

/** The state now: `{system, problem, at, retry}`; `at` is when it was read last. */
export function useSystem() {
  const [state, setState] = useState({ system: null, problem: null, at: 0 });
  const load = useCallback(async (signal) => {
    try {
      const system = await read("/system", { signal });
      setState({ system, problem: null, at: Date.now() });
    } catch (problem) {
      if (!signal?.aborted) setState((before) => ({ ...before, problem }));
    }
  }, []);
  useEffect(() => repeat(load, STATE_MS), [load]);
  return { ...state, retry: () => load() };
}

/** Samples of one hub as columns, oldest first; null until the first answer. */
export function useSamples() {
  const [samples, setSamples] = useState(null);
  const kept = useRef(null);
  const answered = useRef(0);
  useEffect(() => repeat(async (signal) => {
    const before = kept.current;
    try {
      const next = await read(`/system/samples${query(before ? { after: before.next, hub: before.hub } : {})}`, { signal });
      const isSame = before?.hub === next.hub;
      if (before && !isSame && Date.now() - answered.current < GONE_MS) return; // another hub's turn
      if (before && !isSame) kept.current = null; // it is gone: from the beginning, of whoever answers
      else kept.current = isSame ? extended(before, next) : next;
      answered.current = Date.now();
      if (kept.current && kept.current !== before) setSamples(kept.current);
    } catch {
      // the state's own failure says so
    }
  }, SAMPLES_MS), []);
  return samples;
}

function extended(before, next) {
  if (!next.times.length) return before;
  const columns = Object.fromEntries(COLUMNS.map((name) => [name, [...before[name], ...next[name]].slice(-KEPT)]));
  return { hub: next.hub, next: next.next, ...columns };
}

/** Does it now and again, one at a time, only while somebody can see the page. */
export function repeat(task, period) {
  const leaving = new AbortController();
  let timer = null;
  let isBusy = false;
  const turn = async () => {
    clearTimeout(timer);
    if (isBusy || document.hidden || leaving.signal.aborted) return;
    isBusy = true;
    const began = Date.now();
    await task(leaving.signal);
    isBusy = false;
    if (!leaving.signal.aborted) timer = setTimeout(turn, Math.max(period - (Date.now() - began), 100));
  };
  document.addEventListener("visibilitychange", turn);
  turn();
  return () => {
    leaving.abort();
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", turn);
  };
}
