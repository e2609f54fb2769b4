// The live parts of the frame: the connection light, the number of open tasks, who is looking, the
// keys that work everywhere. All of them ask little and hold nothing.

import { useContext, useEffect, useState } from "react";
import { useNavigate } from "react-router";
import { ColorModeContext } from "$/utils/context";

import { leave, me, read } from "$/public/api.js";
import * as format from "$/public/format.js";
import { listen, reconnect, useConnection } from "$/public/live.js";
import { Avatar, Dialog, Icon, isTyping, useNow } from "$/public/parts.jsx";

const WORDS = {
  connecting: "Connecting", live: "Live", catching: "Catching up",
  reconnecting: "Reconnecting", offline: "Offline",
};

const NEXT = "pygent-next"; // hub/identity/ticket.html reads it

/** Live, catching up, reconnecting or offline: each another shape, and how far behind. */
export function ConnectionLight() {
  const { name, since, tries, behind, reason } = useConnection();
  const now = useNow(1000, name === "reconnecting" || name === "offline");
  const lost = format.ago(new Date(since).toISOString(), now);
  const more = {
    catching: `${Math.ceil(behind)} s behind`,
    reconnecting: lost === "now" ? "" : `${lost} behind`,
    offline: `${lost} behind`,
  }[name] ?? "";
  return (
    <div className="light-slot">
      <span className={`light-badge ${name}`} title={explain(name, reason, tries)}>
        <i aria-hidden="true" />
        <b>{WORDS[name]}</b>
        <span>{more}</span>
      </span>
      <span className="sr" role="status">{WORDS[name]}</span>
      {name === "offline" && (
        <button type="button" className="btn small" onClick={reconnect}>Try now</button>
      )}
    </div>
  );
}

function explain(name, reason, tries) {
  if (name === "live") return "Events arrive as they are written";
  if (name === "catching") return "Missed events are being read from the log";
  if (name === "connecting") return "Opening the connection";
  return `Not connected${reason ? `: ${reason}` : ""}, try ${tries}. Nothing is lost: the log is read from the last position`;
}

/** How many tasks are open now, from the overview's feed. */
export function OpenTasks() {
  const [open, setOpen] = useState(null);
  useEffect(() => {
    let stop = () => {};
    let isGone = false;
    const take = ({ submitted, working, waiting }) => setOpen(submitted + working + waiting);
    me().then(({ channels }) => {
      if (isGone) return;
      stop = listen(channels.overview, take);
      read("/overview?window=15m").then((overview) => isGone || take(overview)).catch(() => {});
    }).catch(() => {}); // the page itself says what failed
    return () => {
      isGone = true;
      stop();
    };
  }, []);
  if (!open) return null;
  return <span className="n" aria-label={`${open} open`}>{format.count(open)}</span>;
}

/** Who is looking, the other theme, and the way out. */
export function Account() {
  const { resolvedColorMode, setColorMode } = useContext(ColorModeContext);
  const [who, setWho] = useState(null);
  useEffect(() => {
    me().then(setWho).catch(() => {});
  }, []);
  const other = resolvedColorMode === "light" ? "dark" : "light";
  return (
    <div className="me">
      {who && <Avatar actor={who.actor} />}
      <span className="label clip grow" title={who ? `${who.name}, ${who.role}` : undefined}>{who?.name ?? ""}</span>
      <button type="button" className="btn ghost icon small" aria-label={`Switch to the ${other} theme`}
        title={`Switch to the ${other} theme`} onClick={() => setColorMode(other)}><Icon name="theme" /></button>
      <button type="button" className="btn ghost icon small label-only" aria-label="Log out" title="Log out" onClick={leave}>
        <Icon name="leave" /></button>
    </div>
  );
}

const KEYS = [
  ["g o", "Overview", "/"], ["g t", "Tasks", "/tasks"], ["g a", "Agents", "/agents"], ["g k", "Knowledge", "/knowledge"],
  ["g s", "System", "/system"], ["g ,", "Settings", "/settings"],
  ["r", "Run agent"], ["/", "Search in a list"], ["j k", "Next, previous"],
  ["Enter", "Open"], ["Esc", "Close"], ["?", "These keys"],
];
const PLACES = { o: "/", t: "/tasks", a: "/agents", k: "/knowledge", s: "/system", ",": "/settings" };

/** The keys of every page, and their list behind `?`. */
export function Keys() {
  const navigate = useNavigate();
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    let leader = 0;
    const press = (event) => {
      if (isTyping(event)) return;
      const wasLeader = Date.now() - leader < 1000;
      leader = event.key === "g" ? Date.now() : 0;
      if (wasLeader && PLACES[event.key]) navigate(PLACES[event.key]);
      else if (event.key === "?") setOpen(true);
      else if (event.key === "r") document.getElementById("run-agent")?.click();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [navigate]);
  if (!isOpen) return null;
  return (
    <Dialog title="Keys" onClose={() => setOpen(false)}>
      <dl className="keylist">
        {KEYS.map(([keys, does]) => (
          <div key={keys}>
            <dt>{keys.split(" ").map((key) => <kbd key={key}>{key}</kbd>)}</dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

/**
 * On the login page: who is logged in goes on to where she wanted, also when she opened her link in
 * another tab and comes back. In this tab the page of the link reads where that was.
 */
export function LoginDoor() {
  useEffect(() => {
    const wanted = new URL(new URLSearchParams(location.search).get("next") ?? "/", location.origin);
    const isOurs = wanted.origin === location.origin; // as the browser reads it: it strips tabs
    const next = isOurs ? wanted.pathname + wanted.search : "/";
    sessionStorage.setItem(NEXT, next);
    const knock = () => {
      if (document.hidden) return;
      fetch("/api/v1/me", { credentials: "same-origin" })
        .then((response) => response.ok && location.replace(isOurs ? wanted : "/")).catch(() => {});
    };
    knock();
    document.addEventListener("visibilitychange", knock);
    return () => document.removeEventListener("visibilitychange", knock);
  }, []);
  return null;
}
