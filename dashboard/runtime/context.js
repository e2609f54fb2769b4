// Stands for Reflex's `$/utils/context` in the built site: the theme, and the live parts, which the
// browser draws into the frame that was drawn when the site was built. No state, no events.

import { createElement, startTransition, useEffect, useState } from "react";
import { ColorModeContext } from "$/utils/context-registry";

export { ColorModeContext };
export const defaultColorMode = "system";

const here = new Map(); // the live parts whose files have come, by name
let isDrawn = false; // the frame as it was built; nothing may look different before

/**
 * A live part. Its file is asked for as soon as the page that shows it is read, not first when it is
 * drawn; and what came for one page stands at once on the next.
 */
export function ClientSide(load, name) {
  if (typeof document !== "undefined" && !here.has(name)) fetched(load, name).catch(() => {});

  function Live({ children, ...props }) {
    const [Part, setPart] = useState(() => (isDrawn ? here.get(name) ?? null : null));
    useEffect(() => {
      isDrawn = true;
      if (Part) return undefined;
      let isGone = false;
      const set = (next) => isGone || startTransition(() => setPart(() => next));
      fetched(load, name).then(set, (problem) => set(() => { throw problem; }));
      return () => { isGone = true; };
    }, [Part]);
    return Part ? createElement(Part, props, children) : null;
  }
  Live.displayName = name;
  return Live;
}

async function fetched(load, name) {
  if (!here.has(name)) here.set(name, await load());
  return here.get(name);
}
