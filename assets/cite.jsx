// A numbered chip that opens the passage it cites: quote, title, place.

import { useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";

import { Marked } from "$/public/knowledge_text.jsx";
import { Icon } from "$/public/parts.jsx";

const WIDTH = 360; // px

/** The chip; with `label` it is the longer one below an answer. */
export function Cite({ source, label = null }) {
  const [isOpen, setOpen] = useState(false);
  const chip = useRef(null);
  const id = useId();
  const close = () => {
    setOpen(false);
    chip.current?.focus();
  };
  return (
    <>
      <button type="button" ref={chip} className={label ? "source" : "cite"} aria-expanded={isOpen} aria-controls={isOpen ? id : undefined}
        aria-label={label ? undefined : `Source ${source.n}: ${source.title}`} onClick={() => setOpen(!isOpen)}>
        {label ? <><span className="sr">Source </span><span className="cite">{source.n}</span> <span className="clip">{label}</span></> : source.n}
      </button>
      {isOpen && <Passage id={id} source={source} anchor={chip} onClose={close} />}
    </>
  );
}

function Passage({ id, source, anchor, onClose }) {
  const box = useRef(null);
  const [place, setPlace] = useState({ left: 0, top: -9999 });
  useLayoutEffect(() => {
    const around = anchor.current.getBoundingClientRect();
    const height = box.current.offsetHeight;
    const width = Math.min(WIDTH, innerWidth - 24);
    const left = Math.max(12, Math.min(around.left - 12, innerWidth - width - 12));
    const hasRoom = around.bottom + height + 12 < innerHeight || around.top < height + 12;
    setPlace({ left, width, top: hasRoom ? Math.min(around.bottom + 6, innerHeight - height - 12) : around.top - height - 6 });
    box.current.focus();
  }, [anchor]);
  useEffect(() => {
    const press = (event) => event.key === "Escape" && onClose();
    const point = (event) => {
      if (!box.current?.contains(event.target) && !anchor.current?.contains(event.target)) onClose();
    };
    addEventListener("keydown", press);
    addEventListener("pointerdown", point);
    return () => {
      removeEventListener("keydown", press);
      removeEventListener("pointerdown", point);
    };
  }, [onClose, anchor]);
  return createPortal(
    <div id={id} ref={box} className="passage" role="dialog" aria-label={`Source ${source.n}`} tabIndex={-1} style={place}>
      <header>
        <span className="cite" aria-hidden="true">{source.n}</span>
        <b className="clip grow">{source.title}</b>
        <button type="button" className="btn ghost icon small" aria-label="Close" onClick={onClose}><Icon name="close" size={12} /></button>
      </header>
      <blockquote dir="auto"><Marked text={source.quote ?? ""} /></blockquote>
      <footer className="meta">
        <span className="clip grow">{[source.collection, source.location].filter(Boolean).join(" · ")}</span>
        {Boolean(source.score) && <span className="num" title="Fused score of the search, higher is nearer">score {source.score.toFixed(3)}</span>}
      </footer>
    </div>,
    document.body,
  );
}
