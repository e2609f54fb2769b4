// The keys of the pages. One table names them all, binds them and is shown behind `?`: what is not
// in it is bound by nobody through here, and only what is bound on this page is shown.

import { useEffect, useRef } from "react";

import { isTyping } from "$/public/parts.jsx";

const LEADER_MS = 1000; // `g` and what follows it
export const IS_MAC = /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? "");

/** What each does, where that is worth saying, and the place it leads to if it is a place. */
export const TABLE = [
  { name: "palette", keys: "mod+k", does: "Search, or run a command", isAlways: true },
  { name: "run", keys: "r", does: "Run an agent" },
  { name: "map", keys: "?", does: "These keys" },
  { name: "overview", keys: "g o", does: "Overview", to: "/", icon: "overview" },
  { name: "tasks", keys: "g t", does: "Tasks", to: "/tasks", icon: "tasks" },
  { name: "agents", keys: "g a", does: "Agents", to: "/agents", icon: "agents" },
  { name: "knowledge", keys: "g k", does: "Knowledge", to: "/knowledge", icon: "knowledge" },
  { name: "hub", keys: "g h", does: "Hub", to: "/hub", icon: "hub" },
  { name: "system", keys: "g s", does: "System", to: "/system", icon: "system" },
  { name: "settings", keys: "g ,", does: "Settings", to: "/settings", icon: "settings" },
  { name: "seek", keys: "/", does: "Search in this list", isHere: true },
  { name: "next", keys: "j", does: "Next", isHere: true },
  { name: "previous", keys: "k", does: "Previous", isHere: true },
  { name: "older", keys: "[", does: "The versions before", isHere: true },
  { name: "newer", keys: "]", does: "The versions after", isHere: true },
  { name: "swap", keys: "x", does: "Swap the two versions", isHere: true },
  { name: "view", keys: "v", does: "Side by side, or in one column", isHere: true },
  { name: "open", keys: "Enter", does: "Open what is selected", isHere: true },
  { name: "close", keys: "Escape", does: "Close what is open", isHere: true },
];
export const PLACES = TABLE.filter((row) => row.to);

const bound = new Map(); // name -> handlers, the newest last
let leader = { key: "", time: 0 };

/**
 * Bind keys of the table while the component stands. A handler that returns false has done nothing,
 * and the key is left to the browser.
 */
export function useKeys(handlers) {
  const latest = useRef(handlers);
  latest.current = handlers;
  const names = Object.keys(handlers).join(" ");
  useEffect(() => {
    const mine = names.split(" ").map((name) => [name, (event) => latest.current[name](event)]);
    if (!bound.size) addEventListener("keydown", press);
    for (const [name, handler] of mine) bound.set(name, [...(bound.get(name) ?? []), handler]);
    return () => {
      for (const [name, handler] of mine) {
        const left = bound.get(name).filter((each) => each !== handler);
        left.length ? bound.set(name, left) : bound.delete(name);
      }
      if (!bound.size) removeEventListener("keydown", press);
    };
  }, [names]);
}

/**
 * j and k go from one of the nodes that `rows` finds to the next; Enter is the focused one's own.
 * `more` are other keys of the same list.
 */
export function useRowKeys(rows, more = {}) {
  const move = (step) => {
    const nodes = [...rows()];
    const at = nodes.indexOf(document.activeElement);
    const next = nodes[Math.min(nodes.length - 1, Math.max(0, at + step))];
    next?.focus();
    return Boolean(next);
  };
  useKeys({ next: () => move(1), previous: () => move(-1), open: () => false, ...more });
}

/** The rows of the table that do something on this page now. */
export const active = () => TABLE.filter(({ name }) => bound.has(name));

/** The words on the caps of a row's keys. */
export function caps(keys) {
  return keys.split(" ").map((key) => key.replace("mod+k", IS_MAC ? "⌘K" : "Ctrl K").replace("Escape", "Esc"));
}

function press(event) {
  if (event.defaultPrevented || event.isComposing) return;
  const key = spelled(event);
  const led = Date.now() - leader.time < LEADER_MS ? `${leader.key} ${key}` : "";
  leader = { key: "", time: 0 };
  const row = TABLE.find(({ keys }) => keys === led) ?? TABLE.find(({ keys }) => keys === key);
  if (!row?.isAlways && isTyping(event)) return;
  if (TABLE.some(({ keys }) => keys.startsWith(`${key} `))) leader = { key, time: Date.now() };
  const handler = row && bound.get(row.name)?.at(-1);
  if (handler && handler(event) !== false) event.preventDefault();
}

function spelled({ key, metaKey, ctrlKey }) {
  return (IS_MAC ? metaKey : ctrlKey) ? `mod+${key.toLowerCase()}` : key;
}
