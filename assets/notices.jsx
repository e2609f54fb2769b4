// Short messages at the edge of the page, said politely: the end of tasks that were started here, a
// newer version of the pages. At most three at once; none takes the focus or the page's place.

import { useEffect, useState, useSyncExternalStore } from "react";
import { Link, useLocation } from "react-router";

import { me, read } from "$/public/api.js";
import { tap, useConnection } from "$/public/live.js";
import { Icon } from "$/public/parts.jsx";
import { finish, isShown, started, told } from "$/public/started.js";
import { keepFor } from "$/public/kept.js";
import * as format from "$/public/format.js";

const MOST = 3;
const SECONDS = 12;
const OURS_MS = 250; // a tab in sight tells first, and one that shows the task tells nobody
const HIDDEN_MS = 1500;
const ASKED_AT_ONCE = 5; // tasks looked up after the connection was away

let notices = [];
const readers = new Set();

function become(next) {
  notices = next.slice(-MOST);
  for (const read of readers) read();
}

const subscribe = (reader) => {
  readers.add(reader);
  return () => readers.delete(reader);
};

/** Show `{id, title, text, to, state, icon, act, seconds}`; the same id takes the older one's place. */
export function notify(notice) {
  become([...notices.filter(({ id }) => id !== notice.id), notice]);
}

const dismiss = (id) => become(notices.filter((each) => each.id !== id));

/** The region, and the watch on tasks that were started here. */
export function Notices() {
  const shown = useSyncExternalStore(subscribe, () => notices, () => notices);
  useEnds(useLocation());
  return (
    <section className="notices" role="status" aria-label="Notices" aria-live="polite" aria-relevant="additions">
      {shown.map((notice) => <Notice key={notice.id} notice={notice} onClose={() => dismiss(notice.id)} />)}
    </section>
  );
}

function Notice({ notice, onClose }) {
  const [isHeld, setHeld] = useState(false);
  const { title, text, to, state, icon, act, seconds = SECONDS } = notice;
  useEffect(() => {
    if (isHeld || !seconds) return undefined;
    let left = seconds;
    const timer = setInterval(() => {
      if (document.hidden) return; // nobody has seen it yet
      left -= 1;
      if (left <= 0) onClose();
    }, 1000);
    return () => clearInterval(timer);
  }, [isHeld, seconds, notice]);
  return (
    <div className="notice" onPointerEnter={() => setHeld(true)} onPointerLeave={() => setHeld(false)} onFocus={() => setHeld(true)} onBlur={() => setHeld(false)}>
      <span className={state ? `s-${state}` : "quiet"}><Icon name={state ? `s-${state}` : icon ?? "check"} /></span>
      <div className="grow">
        <b>{title}</b>
        {to ? <Link className="clip" to={to} onClick={onClose}>{text}</Link> : text && <span className="quiet clip">{text}</span>}
      </div>
      {act && <button type="button" className="btn small" onClick={act.run}>{act.word}</button>}
      <button type="button" className="btn ghost icon small" aria-label="Dismiss" onClick={onClose}><Icon name="close" size={14} /></button>
    </div>
  );
}

/** Tells the end of tasks that were started here, and that one waits for an answer. */
function useEnds({ pathname, search }) {
  const { name } = useConnection();
  useEffect(() => {
    const here = pathname + search;
    for (const { id, to } of notices) if (to && (to === here || to === pathname)) dismiss(id); // she sees it herself
  }, [pathname, search]);
  useEffect(() => {
    let stop = () => {};
    let isGone = false;
    me().then(({ actor, channels }) => {
      if (isGone) return;
      keepFor(actor);
      stop = tap(channels.tasks, take);
    }).catch(() => {}); // the page itself says what failed
    return () => {
      isGone = true;
      stop();
    };
  }, []);
  useEffect(() => {
    if (name !== "live") return;
    const open = started().slice(0, ASKED_AT_ONCE); // what ended while nobody listened
    for (const { id } of open) {
      read(`/tasks/${id}`).then((task) => take({ ...task, id })).catch((problem) => problem.status === 404 && finish(id));
    }
  }, [name]);
}

function take(row) {
  const task = started().find(({ id }) => id === row.id);
  const waits = row.state.endsWith("-required");
  if (!task || (!format.isFinal(row.state) && !waits)) return;
  const settle = () => (waits ? told(row.id, row.state) : finish(row.id));
  if (isShown(row.id)) {
    settle();
    return;
  }
  setTimeout(() => {
    if (!settle() || isShown(row.id)) return;
    notify({
      id: row.id, state: row.state, title: `${row.agent_name}: ${format.stateWord(row.state).toLowerCase()}`,
      text: task.title || row.title || "Untitled", to: task.to ?? `/tasks/${row.id}`, seconds: row.state === "completed" ? SECONDS : 0,
    });
  }, document.hidden ? HIDDEN_MS : OURS_MS);
}
