// The raw events of a task, or of one step: every version in a virtual list, read a page at a time,
// the end followed while the reader is there. A selected event shows its data.

import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useReducer, useRef, useState } from "react";

import { Coloured } from "$/public/code.jsx";
import { EventPages } from "$/public/event_pages.js";
import * as format from "$/public/format.js";
import { Copy, Icon, reveal } from "$/public/parts.jsx";

const ROW = 26; // px
const NEAR_END = 60; // px

/** Versions `from` to `to` of the task that `watch` follows; `belongs` dims the others. */
export function EventLog({ watch, from = 1, to, belongs = null }) {
  const [, draw] = useReducer((count) => count + 1, 0);
  const pages = useMemo(() => new EventPages(watch.id, draw), [watch.id]);
  const [chosen, setChosen] = useState(null);
  const scroller = useRef(null);
  const isAtEnd = useRef(to === watch.task.version);
  const head = watch.task.version;
  const total = Math.max(0, to - from + 1);

  useEffect(() => {
    pages.isClosed = false;
    const take = (event) => pages.add(event);
    watch.eventReaders.add(take);
    return () => {
      pages.isClosed = true;
      watch.eventReaders.delete(take);
    };
  }, [pages, watch]);

  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 20,
  });
  const items = virtual.getVirtualItems();
  const first = items[0]?.index;
  const last = items.at(-1)?.index;
  useEffect(() => {
    if (first !== undefined) pages.want(from + first, from + last, head);
  });
  useEffect(() => {
    if (isAtEnd.current && scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight;
  }, [total]);
  const scrolled = () => {
    const { scrollHeight, clientHeight, scrollTop } = scroller.current;
    isAtEnd.current = scrollHeight - clientHeight - scrollTop < NEAR_END;
  };
  const move = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = Math.min(to, Math.max(from, (chosen ?? (step > 0 ? from - 1 : to + 1)) + step));
    setChosen(next);
    reveal(scroller.current, { top: (next - from) * ROW, height: ROW });
  };
  const detail = chosen === null ? null : pages.at(chosen);
  return (
    <div className={detail ? "events split" : "events"}>
      <div className="events-list" ref={scroller} onScroll={scrolled} onKeyDown={move} tabIndex={0}
        role="listbox" aria-label={`Raw events, ${total} versions`} aria-activedescendant={chosen === null ? undefined : `event-${chosen}`}>
        <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {items.map(({ index, start }) => {
            const version = from + index;
            const event = pages.at(version);
            return (
              <button type="button" role="option" id={`event-${version}`} key={version} tabIndex={-1} aria-selected={chosen === version}
                className={`event${belongs && event && !belongs(event) ? " other" : ""}`} style={{ transform: `translateY(${start}px)` }}
                onClick={() => setChosen(chosen === version ? null : version)}>
                <span className="num v">{format.count(version)}</span>
                <EventLine event={event} />
              </button>
            );
          })}
        </div>
        {pages.problem && <p className="error events-problem" role="alert">{pages.problem.message} <button type="button" className="btn small" onClick={draw}>Retry</button></p>}
      </div>
      {detail && <Detail event={detail} onClose={() => setChosen(null)} />}
    </div>
  );
}

function EventLine({ event }) {
  if (event === undefined) return <span className="sk sk-w40" aria-label="Reading" />;
  if (event === null) return <span className="meta">compacted: its text stands in the finished message</span>;
  return (
    <>
      <time className="num" title={format.exact(event.time)}>{event.time.slice(11, 23)}</time>
      <span className={`mono type ${family(event.type)}`}>{event.type}</span>
      <span className="mono clip data">{summary(event)}</span>
    </>
  );
}

const family = (type) => (type.endsWith("failed") || type.endsWith("canceled") ? "bad" : type.split(".")[0]);

function summary({ data }) {
  if (typeof data?.text === "string") return JSON.stringify(data.text.slice(0, 160));
  return JSON.stringify(data).slice(0, 200);
}

function Detail({ event, onClose }) {
  const text = JSON.stringify(event, null, 2);
  return (
    <section className="event-detail" aria-label={`Event ${event.version}`}>
      <header>
        <b className="mono clip">{event.type}</b><span className="meta num">version {format.count(event.version)}, {format.size(JSON.stringify(event))}</span>
        <span className="grow" />
        <Copy text={text} label="Copy the event" />
        <button type="button" className="btn ghost icon small" aria-label="Close" onClick={onClose}><Icon name="close" size={14} /></button>
      </header>
      <pre tabIndex={0}><Coloured text={text.length > 20_000 ? `${text.slice(0, 20_000)}\n… ${format.size(text)} in all` : text} /></pre>
    </section>
  );
}
