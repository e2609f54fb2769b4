// Small drawings that every live page uses: icons, states, lanes, faces, copying, time that passes.

import { useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "react";

import * as format from "$/public/format.js";
import { whyNot } from "$/public/may.js";

/** An icon of the sprite at the top of the page. */
export function Icon({ name, size = 16, className = "" }) {
  return (
    <svg className={`i i-${size} ${className}`} aria-hidden="true">
      <use href={`#${name}`} />
    </svg>
  );
}

/** A task's state as icon and word; a pill in heads. */
export function State({ state, isPill = false, isQuiet = false }) {
  const word = format.stateWord(state);
  return (
    <span className={`state ${isPill ? "pill" : ""} s-${state}`} title={isQuiet ? word : undefined}>
      <Icon name={`s-${state}`} />
      <span className={isQuiet ? "label sr" : "label"}>{word}</span>
    </span>
  );
}

/** A whole task in one cell: its steps on its own time, from submission to now or its end. */
export function Lane({ task, now = Date.now() }) {
  const start = Date.parse(task.submitted_at);
  const isOpen = !format.isFinal(task.state);
  const last = Math.max(0, ...task.lane.map((step) => step[2] ?? step[1]));
  const length = isOpen ? Math.max(now - start, last, 1) / 0.88 : Math.max(last, 1);
  const edge = isOpen ? Math.max(now - start, last) : length;
  const label = `${format.plural(task.lane.length, "step")}, ${format.stateWord(task.state).toLowerCase()}`;
  return (
    <span className="lane" role="img" aria-label={label}>
      {task.lane.map(([kind, from, to, failed], index) => {
        const isRunning = to === null && isOpen;
        const until = to ?? edge;
        return (
          <i key={index} className={`k-${kind}${failed ? " bad" : ""}${isRunning ? " open" : ""}`}
            style={{ left: `${(from / length) * 100}%`, width: `max(2px, ${((until - from) / length) * 100}% - 1px)` }} />
        );
      })}
      {task.state.endsWith("-required") && (
        <i className="wait" style={{ left: `${(last / length) * 100}%`, right: 0 }} />
      )}
    </span>
  );
}

/** A letter or two in a circle; the system and keys have none. */
export function Avatar({ actor }) {
  const name = format.actor(actor);
  const isPerson = actor?.startsWith("user:");
  const hue = [...(actor ?? "")].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 5;
  return (
    <span className={`avatar ${isPerson ? `a${hue + 1}` : ""}`} title={name}>
      {isPerson ? format.initials(name) : <Icon name={actor?.startsWith("key:") ? "link" : "clock"} size={12} />}
      <span className="sr">{name}</span>
    </span>
  );
}

/** Renders again every `period` while it is open. */
export function useNow(period, isOpen = true) {
  const [, tick] = useReducer((count) => count + 1, 0);
  useEffect(() => {
    if (!isOpen) return undefined;
    const timer = setInterval(() => document.hidden || tick(), period);
    return () => clearInterval(timer);
  }, [period, isOpen]);
  return Date.now();
}

/** A relative time with the exact one on hover; in a sentence with `after` behind it, but for now. */
export function Ago({ time, now, after = "" }) {
  const text = format.ago(time, now);
  return <time dateTime={time} title={format.exact(time)}>{text === "now" ? text : text + after}</time>;
}

/** Copies a text, and says so for two seconds. */
export function Copy({ text, label, size = 14 }) {
  const [copied, setCopied] = useState(false);
  const timer = useRef(null);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async (event) => {
    event.stopPropagation();
    await navigator.clipboard.writeText(typeof text === "function" ? text() : text);
    setCopied(true);
    timer.current = setTimeout(() => setCopied(false), 2000);
  };
  return (
    <button type="button" className="btn ghost icon small copy" aria-label={copied ? "Copied" : label}
      title={copied ? "Copied" : label} onClick={copy}>
      <Icon name={copied ? "check" : "copy"} size={size} />
    </button>
  );
}

/** A command to type in a terminal. */
export function Command({ text }) {
  return (
    <div className="cmd">
      <span className="p" aria-hidden="true">$</span>
      <span className="clip">{text}</span>
      <Copy text={text} label="Copy the command" />
    </div>
  );
}

/** What failed, in words, and how to try again. */
export function Failure({ title, problem, onRetry }) {
  return (
    <div className="face" role="alert">
      <div className="in">
        <h2>{title}</h2>
        <p className="quiet">{problem.message}</p>
        <dl className="known">
          {problem.asked && (<><dt>Asked</dt><dd className="mono">{problem.asked}</dd></>)}
          {problem.status && (<><dt>Answer</dt><dd><span className="mono">{problem.status} {problem.code}</span>{problem.isTemporary ? ", may be repeated" : ""}</dd></>)}
          {problem.request && (<><dt>Request</dt><dd className="mono">{problem.request}</dd></>)}
        </dl>
        <div className="row">
          <button type="button" className="btn primary" onClick={onRetry}><Icon name="refresh" size={14} />Retry now</button>
        </div>
        {problem.isTemporary && (
          <>
            <p className="meta above">Running tasks go on, nothing is lost. On the machine of the hub:</p>
            <Command text="pygent doctor" />
          </>
        )}
      </div>
    </div>
  );
}

/** In place of what her role may not see or do; `children` is what she can do instead. */
export function NotAllowed({ title, what, children }) {
  return <div className="face"><div className="in"><h2>{title}</h2><p className="quiet">{whyNot(what)}.</p>{children}</div></div>;
}

/** A panel with a heading. */
export function Panel({ title, count, tools, className = "", children }) {
  return (
    <section className={`panel ${className}`} aria-label={title}>
      <header>
        <h2>{title}</h2>
        {count !== undefined && <span className="meta num">{count}</span>}
        <span className="grow" />
        {tools}
      </header>
      {children}
    </section>
  );
}

/** A few choices of which one holds. */
export function Segment({ label, value, options, onChange, className = "" }) {
  return (
    <div className={`seg ${className}`} role="group" aria-label={label}>
      {options.map(([key, text]) => (
        <button type="button" key={key} aria-pressed={key === value} onClick={() => onChange(key)}>{text}</button>
      ))}
    </div>
  );
}

/** Whether the page is as narrow as a phone. */
export function useIsPhone() {
  const media = useMemo(() => matchMedia("(max-width: 720px)"), []);
  const [isPhone, setPhone] = useState(media.matches);
  useEffect(() => {
    const change = () => setPhone(media.matches);
    media.addEventListener("change", change);
    return () => media.removeEventListener("change", change);
  }, [media]);
  return isPhone;
}

/** Whether a key press belongs to a field rather than to the page. */
export function isTyping(event) {
  return event.metaKey || event.ctrlKey || event.altKey
    || event.target.closest?.("input, textarea, select, [contenteditable], dialog");
}

/** Scrolls a list just so far that a row of fixed height is seen whole; `inset` is a sticky head. */
export function reveal(node, { top, height, inset = 0 }) {
  const bottom = top + height + inset;
  if (top < node.scrollTop) node.scrollTop = top;
  else if (bottom > node.scrollTop + node.clientHeight) node.scrollTop = bottom - node.clientHeight;
}

/** A dialog of the browser's own: focus stays inside, Esc closes it. */
export function Dialog({ title, onClose, children, className = "" }) {
  const ref = useRef(null);
  useLayoutEffect(() => { // before what is inside asks for the focus
    const dialog = ref.current;
    if (!dialog.open) dialog.showModal();
    return () => dialog.close();
  }, []);
  const outside = (event) => event.target === ref.current && onClose();
  return (
    <dialog ref={ref} className={`dialog ${className}`} aria-label={title} onCancel={onClose} onClick={outside}>
      <header><h2>{title}</h2><span className="grow" />
        <button type="button" className="btn ghost icon small" aria-label="Close" onClick={onClose}><Icon name="close" size={14} /></button>
      </header>
      {children}
    </dialog>
  );
}
