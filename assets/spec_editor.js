// What the editor holds: one spec as text and as an object, what the API says of it, and whether
// somebody has published meanwhile. Typing waits for none of it.

import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { me, read, send } from "$/public/api.js";
import { listen } from "$/public/live.js";
import { changed } from "$/public/spec.js";
import { change, parse, write } from "$/public/spec_text.js";

const PAUSE_MS = 120; // after the last key
const CHECK_MS = 300;

const formatOf = (text) => (text.trimStart().startsWith("{") ? "json" : "yaml");

/**
 * The spec in both forms, and the two ways to change it.
 *
 * The form changes the spec at once and the text a moment later (`pending`), the source the other
 * way round (`isRead`): long instructions are not written or read anew with every key.
 */
export function useSpec(start) {
  const [state, setState] = useState(() => ({ text: write(start), format: "yaml", spec: start, fault: null, isRead: true, pending: [] }));
  useEffect(() => {
    if (state.isRead && !state.pending.length) return undefined;
    const timer = setTimeout(() => setState(settled), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const actions = useMemo(() => ({
    /** A field of the form. */
    set: (path, value) => setState((before) => (before.fault || !before.isRead ? before : {
      ...before, spec: changed(before.spec, path, value), pending: [...before.pending.filter(([other]) => other.join() !== path.join()), [path, value]],
    })),
    /** The source, as it is typed. */
    type: (text) => setState((before) => ({ ...before, text: written(text, before), isRead: false, pending: [] })),
    /** YAML or JSON. */
    formatAs: (format) => setState((before) => (before.fault ? before : { ...before, format, text: write(before.spec, format), pending: [] })),
  }), []);
  return { ...state, ...actions };
}

/** Both forms say the same again. */
function settled(before) {
  if (before.isRead) return { ...before, text: written(before.text, before), pending: [] };
  const { spec, fault } = parse(before.text);
  return { ...before, isRead: true, fault, spec: spec ?? before.spec, format: formatOf(before.text) };
}

const written = (text, { pending, format }) => pending.reduce((so, [path, value]) => change(so, format, path, value), text);

/**
 * What creating or publishing it would say, from the API's own checks.
 *
 * One request at a time, each with the newest spec; while one is asked the last answer stands.
 */
export function useCheck(spec, agent) {
  const [check, setCheck] = useState({ face: "checking", problems: [], number: null, is_unchanged: false });
  const [round, setRound] = useState(0);
  const newest = useRef(null);
  const isAsking = useRef(false);
  const isGone = useRef(false);
  useEffect(() => {
    isGone.current = false; // an effect may be run twice
    return () => {
      isGone.current = true;
    };
  }, []);
  const ask = useCallback(async () => {
    if (isAsking.current) return;
    isAsking.current = true;
    while (newest.current && !isGone.current) {
      const asked = newest.current;
      newest.current = null;
      const said = await send("POST", "/agents/validate", asked).then(
        (answer) => ({ face: "said", ...answer }),
        (problem) => ({ face: "unasked", problem }),
      );
      if (!newest.current && !isGone.current) setCheck((before) => ({ ...before, ...said }));
    }
    isAsking.current = false;
  }, []);
  useEffect(() => {
    setCheck((before) => ({ ...before, face: "checking" }));
    const timer = setTimeout(() => {
      newest.current = { spec, agent };
      ask();
    }, CHECK_MS);
    return () => clearTimeout(timer);
  }, [spec, agent, ask, round]);
  return { ...check, again: () => setRound((count) => count + 1) };
}

/** The agent as it stands now, once it is newer than the version one started from; or null. */
export function useNewer(base) {
  const [newer, setNewer] = useState(null);
  const look = useCallback(async () => {
    const agent = await read(`/agents/${encodeURIComponent(base.name)}`);
    setNewer(agent.latest > base.latest || agent.state !== base.state ? agent : null);
  }, [base?.name, base?.latest, base?.state]);
  useEffect(() => {
    if (!base) return undefined;
    let stop = () => {};
    let isGone = false;
    setNewer(null);
    me().then(({ channels }) => {
      if (isGone) return;
      stop = listen(channels.agents, (row) => {
        if (row.id === base.id && (row.number > base.latest || row.state !== base.state)) look().catch(() => {}); // publishing will say
      });
    }).catch(() => {});
    return () => {
      isGone = true;
      stop();
    };
  }, [base?.id, base?.latest, base?.state, look]);
  return [newer, look];
}
