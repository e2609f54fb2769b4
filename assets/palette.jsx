// The command palette: one field for every page, agent, task, collection and action. A combobox over
// a list in groups; the field keeps the focus, arrows choose, Enter goes, Esc closes.

import { useContext, useEffect, useLayoutEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { ColorModeContext } from "$/utils/context";

import { leave } from "$/public/api.js";
import { KeyMap } from "$/public/key_map.jsx";
import { PLACES, caps, useKeys } from "$/public/keys.js";
import { useMay } from "$/public/may.js";
import { notify } from "$/public/notices.jsx";
import { marked, offers, useFound } from "$/public/palette_data.js";
import { Icon } from "$/public/parts.jsx";
import { visited } from "$/public/recent.js";
import { runAgent } from "$/public/run.jsx";

/** The button of the top bar, the palette it opens, and the keys that work on every page. */
export function Palette() {
  const navigate = useNavigate();
  const [open, setOpen] = useState(null); // palette, or keys
  const mayAsk = useMay()("ask");
  useKeys({
    palette: () => setOpen((now) => (now === "palette" ? null : "palette")),
    map: () => setOpen("keys"),
    ...(mayAsk ? { run: () => runAgent() } : {}),
    ...Object.fromEntries(PLACES.map(({ name, to }) => [name, () => navigate(to)])),
  });
  return (
    <>
      <button type="button" className="btn palette-door" aria-haspopup="dialog" aria-label="Search or run a command" onClick={() => setOpen("palette")}>
        <Icon name="search" size={14} /><span className="quiet">Search or run a command</span><kbd>{caps("mod+k")}</kbd>
      </button>
      {open === "palette" && <Chooser onClose={() => setOpen(null)} onKeys={() => setOpen("keys")} />}
      {open === "keys" && <KeyMap onClose={() => setOpen(null)} />}
    </>
  );
}

/** What can be done from anywhere. */
function useActions(onKeys) {
  const navigate = useNavigate();
  const { resolvedColorMode, setColorMode } = useContext(ColorModeContext);
  const other = resolvedColorMode === "light" ? "dark" : "light";
  const copy = async () => {
    const link = location.href;
    await navigator.clipboard.writeText(link);
    notify({ id: "link", title: "Link copied", text: link, seconds: 4 });
  };
  const may = useMay();
  const all = [
    { id: "run", needs: "ask", icon: "play", name: "Run an agent …", words: "new task ask question", keys: "r", run: () => runAgent() },
    { id: "make agent", needs: "edit", icon: "plus", name: "Make an agent", words: "new create", run: () => navigate("/new-agent") },
    { id: "make key", needs: "keys", icon: "plus", name: "Create an API key", words: "new token", run: () => navigate("/settings?tab=keys") },
    { id: "theme", icon: "theme", name: `Switch to the ${other} theme`, words: "appearance colour mode dark light", run: () => setColorMode(other) },
    { id: "copy", icon: "copy", name: "Copy the link to this page", words: "share url address", run: copy },
    { id: "keys", icon: "help", name: "Show the keys of this page", words: "keyboard shortcuts help", keys: "?", run: onKeys },
    { id: "leave", icon: "leave", name: "Log out", words: "sign out leave", run: leave },
  ];
  return all.filter(({ needs }) => !needs || may(needs)).map((action) => ({ ...action, group: "Actions" }));
}

function Chooser({ onClose, onKeys }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(null); // the id of what the arrows chose
  const dialog = useRef(null);
  const field = useRef(null);
  const list = useRef(null);
  const navigate = useNavigate();
  const found = useFound(text);
  const actions = useActions(onKeys);
  const mayAsk = useMay()("ask");
  const groups = offers({ text, found, actions, run: mayAsk && runAgent, ask: mayAsk && ((words) => runAgent("", words)) });
  const entries = groups.flatMap(([, each]) => each);
  const index = Math.max(0, entries.findIndex(({ id }) => id === at));
  const chosen = entries[index] ?? null;

  useLayoutEffect(() => { // closed before another dialog opens
    const node = dialog.current;
    const before = document.activeElement;
    if (!node.open) node.showModal();
    field.current.focus();
    return () => {
      node.close();
      if (before?.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [chosen?.id]);

  const take = (entry) => {
    onClose();
    remember(entry);
    if (entry.leaves) location.assign(entry.leaves);
    else if (entry.to) navigate(entry.to);
    else entry.run();
  };
  const press = (event) => {
    if (event.nativeEvent.isComposing) return;
    const { key } = event;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[key];
    if (step && entries.length) {
      const next = Math.abs(step) > 1 ? Math.min(entries.length - 1, Math.max(0, index + step)) : (index + step + entries.length) % entries.length;
      setAt(entries[next].id);
    } else if (key === "Enter" && chosen) take(chosen);
    else if (key === "Tab") field.current.focus(); // nothing else in here takes the focus
    else return;
    event.preventDefault();
  };
  const change = (next) => {
    setText(next);
    setAt(null);
    if (list.current) list.current.scrollTop = 0;
  };
  return (
    <dialog ref={dialog} className="palette" aria-label="Search or run a command" onCancel={onClose} onClick={(event) => event.target === dialog.current && onClose()}>
      <div className="palette-field">
        <Icon name="search" />
        <input ref={field} type="text" role="combobox" aria-label="Search or run a command" aria-expanded={entries.length > 0} aria-controls="palette-list" aria-autocomplete="list"
          aria-activedescendant={chosen ? idOf(chosen) : undefined} placeholder="A page, an agent, a task or its id, an action" autoComplete="off" autoCapitalize="off" spellCheck={false} enterKeyHint="go" maxLength={300}
          value={text} onChange={(event) => change(event.target.value)} onKeyDown={press} />
        <button type="button" className="palette-shut" tabIndex={-1} aria-label="Close" onClick={onClose}><kbd className="desk-only">esc</kbd><span className="phone-only"><Icon name="close" size={20} /></span></button>
      </div>
      <div className="palette-list" id="palette-list" role="listbox" aria-label="Found" ref={list}>
        {groups.map(([name, each]) => (
          <div role="group" aria-labelledby={`palette-${name.replaceAll(" ", "-")}`} key={name}>
            <h2 id={`palette-${name.replaceAll(" ", "-")}`} role="presentation">{name}</h2>
            {each.map((entry) => <Offer key={entry.id} entry={entry} text={text} isChosen={entry === chosen} onTake={() => take(entry)} onPoint={() => setAt(entry.id)} />)}
          </div>
        ))}
      </div>
      <Said text={text} found={found} count={entries.filter(({ group }) => group !== "With these words").length} />
      <div className="palette-foot meta" aria-hidden="true">
        <span><kbd>↑</kbd><kbd>↓</kbd> move</span><span><kbd><Icon name="enter" size={12} /></kbd> go</span>
        <span className="grow" />
        <span><kbd>&gt;</kbd> actions</span><span><kbd>#</kbd> tasks</span><span><kbd>@</kbd> agents</span>
      </div>
    </dialog>
  );
}

const idOf = ({ id }) => `offer-${id.replace(/\W+/g, "-")}`;

function remember({ to, group, name }) {
  const kind = { Agents: "agent", Collections: "collection", Documents: "document", Conversations: "conversation" }[group];
  const id = { agent: to?.slice("/agents/".length), conversation: to?.slice("/agents/".length), collection: name, document: decodeURIComponent(to?.split("?d=")[1] ?? "") }[kind];
  if (kind) visited({ kind, id, name });
}

function Offer({ entry, text, isChosen, onTake, onPoint }) {
  return (
    <div role="option" id={idOf(entry)} aria-selected={isChosen} className="offer" onClick={onTake} onPointerMove={isChosen ? undefined : onPoint}>
      <Icon name={entry.icon} className={entry.tint ?? ""} />
      <span className="clip">{marked(entry.name, text).map(([part, isHit], index) => (isHit ? <u key={index}>{part}</u> : part))}</span>
      <span className="meta clip">{entry.meta}{entry.keys && caps(entry.keys).map((key) => <kbd key={key}>{key}</kbd>)}{isChosen && !entry.keys && <kbd><Icon name="enter" size={12} /></kbd>}</span>
    </div>
  );
}

/** What is going on, in a line: nothing found, a failure, and for those who listen how many there are. */
function Said({ text, found, count }) {
  if (found.problem) {
    return <p className="palette-said error" role="alert"><Icon name="warning" size={14} />{found.problem.message}<button type="button" className="btn small" onClick={found.retry}>Try again</button></p>;
  }
  const words = found.isBusy ? "Searching" : count ? `${count} found` : `Nothing is called “${text.trim()}”. Try a word of a task’s title or the beginning of a name${text.match(/^[>#@]/) ? ", or leave out the sign before it" : ""}`;
  return <p className={count ? "sr" : "palette-said meta"} role="status">{words}</p>;
}
