// How close the rows of lists stand: kept in this browser, whoever uses it. The head of every page has
// applied it before anything was drawn (dashboard/frontend.py); on a phone rows keep room for a thumb.

import { useSyncExternalStore } from "react";

import { useIsPhone } from "$/public/parts.jsx";

const NAME = "pygent-density"; // the script in the head reads it
const readers = new Set();

const density = () => (document.documentElement.dataset.density === "compact" ? "compact" : "comfortable");

function subscribe(reader) {
  readers.add(reader);
  return () => readers.delete(reader);
}

/** `comfortable` or `compact`, and how to change it. */
export const useDensity = () => [useSyncExternalStore(subscribe, density), choose];

function choose(next) {
  document.documentElement.dataset.density = next;
  for (const read of readers) read();
  try {
    localStorage.setItem(NAME, next);
  } catch {
    // full or forbidden: it holds until the page is closed
  }
}

/** The height of a list's rows now, of `{wide, compact, phone}`. */
export function useRowHeight(heights) {
  const isPhone = useIsPhone();
  const [now] = useDensity();
  if (isPhone) return heights.phone;
  return now === "compact" ? heights.compact : heights.wide;
}
