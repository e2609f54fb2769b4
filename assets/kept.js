// What this browser remembers of one person between pages: where she was, and which tasks she
// started. Bounded by who writes it, and forgotten at the door.

const PREFIX = "pygent.";
const OWNER = "owner";

/** A value, or the one given when there is none. */
export function kept(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name)) ?? otherwise;
  } catch {
    return otherwise; // no storage, or not of our making
  }
}

/** Remember a value; a browser that keeps nothing loses comfort only. */
export function keep(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // full or forbidden
  }
}

/** Forget everything: somebody else may sit here next. */
export function forget() {
  try {
    for (const name of Object.keys(localStorage)) {
      if (name.startsWith(PREFIX)) localStorage.removeItem(name);
    }
  } catch {
    // there is nothing then
  }
}

/** What is kept belongs to this person from now on; another's is forgotten. */
export function keepFor(actor) {
  if (kept(OWNER, actor) !== actor) forget();
  keep(OWNER, actor);
}
