// What the one who looks may do, by the role of `/me`. The hub decides; the pages only spare people
// buttons it would refuse, and say why. What is kept is no secret: it saves a jump after a reload.

import { useSyncExternalStore } from "react";

import { me } from "$/public/api.js";
import { keep, kept } from "$/public/kept.js";

const RANK = { viewer: 1, operator: 2, owner: 3 };
const NEEDS = { ask: "operator", edit: "operator", system: "operator", keys: "owner" }; // as store/access.py has it
const DOES = { ask: "ask agents and stop tasks", edit: "change agents and documents", system: "see the state of the system", keys: "make and revoke API keys" };

let role = null;
let isAsked = false;
const readers = new Set();

function subscribe(reader) {
  readers.add(reader);
  if (!isAsked) {
    isAsked = true;
    me().then((who) => {
      role = who.role;
      keep("role", role);
      for (const read of readers) read();
    }).catch(() => { // the page itself says what failed
      isAsked = false;
    });
  }
  return () => readers.delete(reader);
}

const known = () => role ?? kept("role", null);

/**
 * `may(what)`: whether she may `ask`, `edit`, see the `system`, manage `keys`. Yes while her role is not
 * known yet; `may.isKnown` says whether it is.
 */
export function useMay() {
  const now = useSyncExternalStore(subscribe, known, () => null);
  return Object.assign((what) => !(RANK[now] < RANK[NEEDS[what]]), { isKnown: now !== null });
}

/** Why she may not, in a sentence. */
export const whyNot = (what) => `${NEEDS[what] === "owner" ? "Only owners" : "Only operators and owners"} ${DOES[what]}: your role is ${known()}`;
