// The counters of the team: read once, pushed while the page is open. What the feed says about now
// is taken as it comes; the buckets are read again at most every few seconds while it speaks.

import { useCallback, useEffect, useRef, useState } from "react";

import { me, read } from "$/public/api.js";
import { listen } from "$/public/live.js";

const REREAD_MS = 3_000;

/** The overview of a window: `{overview, problem, retry}`. */
export function useOverview(window_) {
  const [overview, setOverview] = useState(null);
  const [problem, setProblem] = useState(null);
  const timer = useRef(null);

  const load = useCallback(async (isCurrent) => {
    try {
      const next = await read(`/overview?window=${window_}`);
      if (!isCurrent()) return;
      setOverview(next);
      setProblem(null);
    } catch (failure) {
      if (isCurrent()) setProblem(failure);
    }
  }, [window_]);

  const [tries, setTries] = useState(0);
  useEffect(() => {
    let isGone = false;
    let stop = () => {};
    const isCurrent = () => !isGone;
    const take = ({ submitted, working, waiting }) => {
      setOverview((before) => before && { ...before, submitted, working, waiting });
      timer.current ??= setTimeout(() => {
        timer.current = null;
        load(isCurrent);
      }, REREAD_MS);
    };
    me().then(({ channels }) => {
      if (isGone) return;
      stop = listen(channels.overview, take);
      load(isCurrent);
    }).catch((failure) => isGone || setProblem(failure));
    return () => {
      isGone = true;
      stop();
      clearTimeout(timer.current);
      timer.current = null;
    };
  }, [load, tries]);
  const retry = useCallback(() => {
    setProblem(null);
    setTries((count) => count + 1);
  }, []);
  return { overview, problem, retry };
}
