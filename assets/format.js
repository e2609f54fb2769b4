// Numbers, times and ids as people read them. Pure; the same everywhere.

const NARROW = "\u202f"; // a thin space that does not break

/** 12 480 */
export function count(number) {
  return String(Math.round(number)).replace(/\B(?=(\d{3})+$)/g, NARROW);
}

/** 12 480, and from a million on 1.25 M: for places whose width is fixed. */
export function short(number) {
  return number < 1e6 ? count(number) : `${(number / 1e6).toPrecision(3)} M`;
}

/** <0.01 s, 1.24 s, 42.6 s, 3 min 12 s, 2 h 05 min */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const value = Math.max(0, seconds);
  if (value > 0 && value < 0.005) return "<0.01 s";
  if (value < 9.995) return `${value.toFixed(2)} s`;
  if (value < 99.95) return `${value.toFixed(1)} s`;
  if (value < 3600) return `${Math.floor(value / 60)} min ${pad(Math.floor(value % 60))} s`;
  if (value < 86400) return `${Math.floor(value / 3600)} h ${pad(Math.floor((value % 3600) / 60))} min`;
  return `${Math.floor(value / 86400)} d ${Math.floor((value % 86400) / 3600)} h`;
}

/** $0.0614 from micro-dollars; a dash for none. */
export function money(micro) {
  if (!micro) return "–";
  const dollars = micro / 1e6;
  if (dollars < 0.0001) return "<$0.0001";
  if (dollars < 1) return `$${dollars.toFixed(4)}`;
  return `$${count(Math.floor(dollars))}.${dollars.toFixed(2).split(".")[1]}`;
}

/** now, 8 s, 6 min, 3 h, 12 d */
export function ago(time, now = Date.now()) {
  const seconds = (now - Date.parse(time)) / 1000;
  if (seconds < 2) return "now";
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

const EXACT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const MINUTE = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** 22 Nov 2026, 14:22:24 */
export const exact = (time) => (time ? EXACT.format(new Date(time)) : "");
/** 14:22:24, and the day when it is another one. */
export function clock(time) {
  const date = new Date(time);
  const today = date.toDateString() === new Date().toDateString();
  return today ? CLOCK.format(date) : `${DAY.format(date)}, ${CLOCK.format(date)}`;
}
/** 14:22 */
export const minute = (time) => MINUTE.format(new Date(time));
/** 22 Nov */
export const day = (time) => DAY.format(new Date(time));

/** 0199c3f2…7b1e */
export const shortId = (id) => (id.length > 14 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id);

/** Ada from user:ada; what kind of actor it is otherwise. */
export function actor(name) {
  if (!name) return "nobody";
  const [kind, rest] = name.split(/:(.*)/);
  if (kind === "user") return rest || "a person";
  if (kind === "key") return `key ${rest}`;
  if (kind === "agent") return `agent ${rest}`;
  return "the system";
}

/** Two letters for an avatar. */
export function initials(name) {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  const letters = words.length > 1 ? words[0][0] + words[1][0] : name.slice(0, 2);
  return letters.toUpperCase();
}

/** Budget exceeded, from budget_exceeded. */
export function words(code) {
  const text = (code ?? "").replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** 1 step, 2 steps */
export const plural = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;

/** Seconds between two times of the log; up to now while the second is open. */
export function between(start, end, now = Date.now()) {
  if (!start) return null;
  return ((end ? Date.parse(end) : now) - Date.parse(start)) / 1000;
}

/** Bytes of some JSON, as 412 B or 3.2 kB. */
export function size(text) {
  const bytes = new Blob([text]).size;
  return bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`;
}

const STATE_WORDS = {
  submitted: "Submitted", working: "Working", "input-required": "Input required",
  "auth-required": "Auth required", completed: "Completed", failed: "Failed",
  canceled: "Canceled", rejected: "Rejected",
};
export const STATES = Object.keys(STATE_WORDS);
export const stateWord = (state) => STATE_WORDS[state] ?? state;
export const isFinal = (state) => ["completed", "failed", "canceled", "rejected"].includes(state);

export const KINDS = ["model", "tool", "retrieval", "memory", "thought", "agent"];

const pad = (number) => String(number).padStart(2, "0");
