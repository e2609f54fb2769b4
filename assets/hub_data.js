// The realtime hub, asked for again while it is seen: what there is now, lists, one thing looked at.
// Rates come from two looks; a list keeps its order while somebody points at it.

import { useCallback, useEffect, useRef, useState } from "react";

import { query, read } from "$/public/api.js";
import { repeat } from "$/public/system_data.js";

const NOW_MS = 2_000;
const LIST_MS = 3_000;
const PAUSE_MS = 200; // of typing
const NONE = { value: null, problem: null, at: 0, path: null };

/** What the path answers, again every `period`: `{value, problem, at, retry}`; null: nothing is asked. */
function useLook(path, period) {
  const [state, setState] = useState(NONE);
  const load = useCallback(async (signal) => {
    try {
      const value = await read(path, { signal });
      if (!signal?.aborted) setState({ value, problem: null, at: Date.now(), path });
    } catch (problem) {
      if (!signal?.aborted) setState((before) => ({ ...(before.path === path ? before : NONE), problem, path }));
    }
  }, [path]);
  useEffect(() => (path ? repeat(load, period) : undefined), [load, path, period]);
  return { ...(path ? state : NONE), isOf: state.path === path, retry: () => load() };
}

/** Every hub, with deliveries a second by namespace once there were two looks. */
export function useHubNow() {
  const look = useLook("/hub", NOW_MS);
  return { ...look, rates: useRates(look, sums) };
}

function sums(now) {
  const found = {};
  for (const { namespaces } of now.activities) {
    for (const { name, deliveries } of namespaces) found[name] = (found[name] ?? 0) + deliveries;
  }
  return found;
}

/** Channels or connections that match, in the order in which they stood while `isHeld`. */
export function useHubList(view, words, isHeld) {
  const search = useLate(words);
  const look = useLook(`/hub/${view}${query({ search, limit: 100 })}`, LIST_MS);
  const order = useRef({ path: null, keys: [] });
  const key = view === "channels" ? "name" : "client";
  let items = look.value?.items ?? [];
  if (isHeld && order.current.path === look.path) items = steady(items, order.current.keys, key);
  order.current = { path: look.path, keys: items.map((item) => item[key]) };
  const rates = useRates(look, (list) => Object.fromEntries(view === "channels" ? list.items.map((one) => [one.name, one.deliveries]) : []));
  return { ...look, items, total: look.value?.total ?? 0, rates };
}

/** One channel by its name. */
export const useChannel = (name) => useLook(name ? `/hub/channel${query({ name })}` : null, NOW_MS);

/** One connection by its id. */
export const useClient = (client) => useLook(client ? `/hub/connections${query({ client })}` : null, NOW_MS);

/** By name, how much a count grows in a second; empty until there were two looks of the same thing. */
function useRates({ value, at, path }, count) {
  const before = useRef({ path: null });
  const rates = useRef({});
  if (value && at !== before.current.at) {
    const [last, counts] = [before.current, count(value)];
    const seconds = (at - last.at) / 1000;
    rates.current = last.path === path
      ? Object.fromEntries(Object.entries(counts).filter(([name]) => name in last.counts)
        .map(([name, now]) => [name, Math.max(0, now - last.counts[name]) / seconds]))
      : {};
    before.current = { path, at, counts };
  }
  return rates.current;
}

function steady(items, keys, key) {
  const places = new Map(keys.map((name, index) => [name, index]));
  return items.map((item, index) => [places.get(item[key]) ?? keys.length + index, item])
    .sort(([one], [other]) => one - other).map(([, item]) => item);
}

function useLate(text) {
  const [late, setLate] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setLate(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return late;
}
