// The live parts of the frame: the connection light, the number of open tasks, who is looking, the
// door. All of them ask little and hold nothing.

import { useContext, useEffect, useState } from "react";
import { ColorModeContext } from "$/utils/context";

import { leave, me, read } from "$/public/api.js";
import * as format from "$/public/format.js";
import { listen, reconnect, useConnection } from "$/public/live.js";
import { Avatar, Icon, useNow } from "$/public/parts.jsx";

const WORDS = {
  connecting: "Connecting", live: "Live", catching: "Catching up",
  reconnecting: "Reconnecting", offline: "Offline", refused: "Refused",
};
const REFUSED = { // by code: what happened, and what helps
  3013: ["Too many requests", "This page asked more than the hub takes at once"],
  3504: ["Too many connections", "You have as many open as one person may have: close other tabs of this site"],
  3507: ["Not allowed", "The hub does not let you watch: log in again"],
};

const NEXT = "pygent-next"; // hub/identity/ticket.html reads it

/** Live, catching up, reconnecting, offline or refused: each another shape, and how far behind. */
export function ConnectionLight() {
  const connection = useConnection();
  const { name, since, behind, code } = connection;
  const isLost = name === "reconnecting" || name === "offline" || name === "refused";
  const now = useNow(1000, isLost);
  const lost = format.ago(new Date(since).toISOString(), now);
  const more = {
    catching: `${Math.ceil(behind)} s behind`,
    reconnecting: lost === "now" ? "" : `${lost} behind`,
    offline: `${lost} behind`,
  }[name] ?? "";
  const word = name === "refused" ? REFUSED[code]?.[0] ?? WORDS.refused : WORDS[name];
  const why = explain(connection, now);
  return (
    <div className="light-slot">
      <span className={`light-badge ${name}`} title={why}>
        <i aria-hidden="true" />
        <b>{word}</b>
        <span>{more}</span>
      </span>
      <span className="sr" role="status">{name === "refused" ? `${word}. ${REFUSED[code]?.[1] ?? ""}` : word}</span>
      {(name === "offline" || name === "refused") && (
        <button type="button" className="btn small" title={why} onClick={reconnect}>Try again</button>
      )}
    </div>
  );
}

function explain({ name, reason, tries, code, again }, now) {
  if (name === "live") return "Events arrive as they are written";
  if (name === "catching") return "Missed events are being read from the log";
  if (name === "connecting") return "Opening the connection";
  const safe = "Nothing is lost: the log is read from the last position";
  if (name !== "refused") return `Not connected${reason ? `: ${reason}` : ""}, try ${tries}. ${safe}`;
  const next = again === null ? "Trying now" : `Next try in ${Math.max(0, Math.ceil((again - now) / 1000))} s`;
  return `${REFUSED[code]?.[1] ?? "The hub closed the connection"} (${code} ${reason}). ${next}. ${safe}`;
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
      <span className="label clip grow" title={who ? `${who.name}, ${who.role}` : undefined}>{who?.name ?? ""}{who?.role === "viewer" && <span className="meta"> · viewer</span>}</span>
      <button type="button" className="btn ghost icon small" aria-label={`Switch to the ${other} theme`}
        title={`Switch to the ${other} theme`} onClick={() => setColorMode(other)}><Icon name="theme" /></button>
      <button type="button" className="btn ghost icon small label-only" aria-label="Log out" title="Log out" onClick={leave}>
        <Icon name="leave" /></button>
    </div>
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
      fetch("/auth/session", { credentials: "same-origin" }).then((response) => response.json())
        .then(({ is_logged_in }) => is_logged_in && location.replace(isOurs ? wanted : "/")).catch(() => {});
    };
    knock();
    document.addEventListener("visibilitychange", knock);
    return () => document.removeEventListener("visibilitychange", knock);
  }, []);
  return null;
}
