// The tasks this person started from this browser whose end nobody has told her yet. Shared by all
// tabs; whichever tab tells takes the task off the list, so that it is told once.

import { keep, kept } from "$/public/kept.js";

const MOST = 20;

/** Tasks whose end is to be told: `{id, title, told, to}`, `told` being a wait that was told already. */
export const started = () => kept("started", []);

/** She started a task here; it is seen at `to`. */
export function start(id, title, to = `/tasks/${id}`) {
  keep("started", [{ id, title: title.slice(0, 120), told: null, to }, ...started()].slice(0, MOST));
}

/** It is told, or she sees it herself. False when another tab was first. */
export function finish(id) {
  const list = started();
  keep("started", list.filter((task) => task.id !== id));
  return list.some((task) => task.id === id);
}

/** It waits for her, and that is told. False when it was told before. */
export function told(id, state) {
  const list = started();
  const isNew = list.some((task) => task.id === id && task.told !== state);
  if (isNew) keep("started", list.map((task) => (task.id === id ? { ...task, told: state } : task)));
  return isNew;
}

const shown = new Set(); // tasks drawn on the page of this tab

/** It is drawn here until the returned function is called. */
export function show(id) {
  shown.add(id);
  return () => shown.delete(id);
}

/** Whether she sees it now. */
export const isShown = (id) => shown.has(id) && !document.hidden;
