// Where this person was last, newest first: for the palette. Titles stand in this browser only.

import { keep, kept } from "$/public/kept.js";

const MOST = 8;

/** The places, each `{kind, id, name}` with kind task, agent, collection, document or conversation. */
export const recent = () => kept("recent", []);

/** She is looking at this. */
export function visited(place) {
  const others = recent().filter(({ kind, id }) => kind !== place.kind || id !== place.id);
  keep("recent", [place, ...others].slice(0, MOST));
}
