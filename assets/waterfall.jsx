// The steps of a task on one time axis, growing while it works. Colour is the kind, the hatched
// start of a model's bar the wait for its first token, the blue line now.

import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useRef } from "react";

import * as format from "$/public/format.js";
import { Icon, reveal } from "$/public/parts.jsx";

const ROW = { wide: 28, phone: 52 }; // px
const SPANS = [ // seconds of an axis
  1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 60, 80, 100, 120, 160, 200, 240, 360, 480, 600, 960, 1200, 1800, 2400,
  3600, 7200, 10800, 14400, 21600, 28800, 43200, 86400,
];
const PARTS = 4;
const NEAR = 0.07; // of the axis: the time now would cover the number

/** The list; `selected` is a step's id. */
export function Waterfall({ task, selected, onSelect, now, isPhone }) {
  const scroller = useRef(null);
  const isOpen = !format.isFinal(task.state);
  const steps = task.steps;
  const start = Date.parse(task.started_at ?? task.submitted_at);
  const end = isOpen ? now : Math.max(Date.parse(task.ended_at ?? task.updated_at), start + 1);
  const span = axis((end - start) / 1000);
  const height = isPhone ? ROW.phone : ROW.wide;
  const virtual = useVirtualizer({
    count: steps.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 10,
  });
  useEffect(() => virtual.measure(), [height, virtual]);
  const isAtEnd = useRef(true);
  useEffect(() => {
    if (isOpen && isAtEnd.current) scroller.current.scrollTop = scroller.current.scrollHeight;
  }, [steps.length, isOpen]);
  const scrolled = () => {
    const node = scroller.current;
    isAtEnd.current = node.scrollHeight - node.clientHeight - node.scrollTop < ROW.phone;
  };

  const move = (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
    if (event.key === "Escape" && selected) onSelect(null);
    if (!by || !steps.length) return;
    event.preventDefault();
    const index = steps.findIndex((step) => step.id === selected);
    const next = index < 0 ? (by > 0 ? 0 : steps.length - 1) : Math.min(steps.length - 1, Math.max(0, index + by));
    onSelect(steps[next].id);
    reveal(scroller.current, { top: next * height, height });
  };
  const share = (time) => Math.max(0, Math.min(1, (time - start) / 1000 / span));
  return (
    <div className="wf">
      <div className="wf-axis" aria-hidden="true">
        {Array.from({ length: PARTS }, (_, index) => (
          <span key={index} hidden={isOpen && !isPhone && Math.abs(index / PARTS - share(now)) < NEAR} style={{ left: `${(index / PARTS) * 100}%` }}>{tick((span / PARTS) * index, span)}</span>
        ))}
      </div>
      <div className="wf-lines" aria-hidden="true" />
      {isOpen && task.started_at && (
        <div className="wf-now" aria-hidden="true" style={{ left: `calc(var(--names) + (100% - var(--names)) * ${share(now)})` }}>
          <b>{format.duration((now - start) / 1000)}</b>
        </div>
      )}
      <div className="wf-rows" ref={scroller} onScroll={scrolled} onKeyDown={move} tabIndex={0} role="listbox" aria-label="Steps, in time"
        aria-activedescendant={selected ? `step-${selected}` : undefined}>
        <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {virtual.getVirtualItems().map(({ index, start: top }) => {
            const step = steps[index];
            const isRunning = step.state === "running";
            return (
              <StepRow key={`${step.id}-${step.version}`} step={step} version={step.last_version} state={step.state} top={top} isSelected={step.id === selected} onSelect={onSelect}
                left={share(Date.parse(step.started_at))} right={share(isRunning ? now : Date.parse(step.ended_at))}
                took={format.between(step.started_at, step.ended_at, now)} written={isRunning ? writtenIn(task, step) : 0} isChild={Boolean(step.parent)} />
            );
          })}
        </div>
        {!steps.length && <p className="meta wf-empty">{isOpen ? "No step yet" : "It ended before its first step"}</p>}
      </div>
    </div>
  );
}

function writtenIn(task, step) {
  const said = task.said.findLast((each) => each.step === step.id);
  return said ? said.text.length : 0;
}

const StepRow = memo(function StepRow({ step, top, isSelected, onSelect, left, right, took, written, isChild }) {
  const isFailed = step.state === "failed";
  const isRunning = step.state === "running";
  const width = Math.max(0, right - left);
  const wait = step.first_token && took ? Math.min(1, step.first_token / took) : 0;
  const place = right <= 0.72 ? "after" : left > 0.4 ? "before" : "inside"; // where there is room for words
  const shape = [isFailed ? "bad" : "", isRunning ? "open" : "", step.state === "stopped" ? "shell" : ""].join(" ");
  return (
    <button type="button" role="option" id={`step-${step.id}`} tabIndex={-1} aria-selected={isSelected} className={`wf-row k-${step.kind}`}
      style={{ transform: `translateY(${top}px)` }} onClick={() => onSelect(isSelected ? null : step.id)}>
      <span className={isChild ? "wf-name in" : "wf-name"}>
        <Icon name={isFailed ? "s-failed" : `k-${step.kind}`} className={isFailed ? "s-failed" : ""} />
        <span className="clip name">{step.name}</span>
        <span className="d">{format.duration(took)}</span>
      </span>
      <span className="wf-track">
        <span className={`bar ${shape}`} style={{ left: `${left * 100}%`, width: `${width * 100}%` }}>
          {wait > 0 && <span className="wait" style={{ width: `${wait * 100}%` }} />}
        </span>
        <span className={`bar-label ${place}`} style={{ left: `${(place === "before" ? left : right) * 100}%` }}>{label(step, written)}</span>
      </span>
    </button>
  );
});

/** What stands beside a bar: tokens and cost of a model, a few words of the others. */
function label(step, written) {
  if (step.state === "running") return written ? `${format.count(written)} characters` : "";
  if (step.state === "failed") return (step.code ?? "failed").replaceAll("_", " ");
  if (step.state === "stopped") return "stopped";
  const parts = [];
  if (step.usage) parts.push(`↑${format.count(step.usage.input ?? 0)} ↓${format.count(step.usage.output ?? 0)}`);
  if (step.cost) parts.push(format.money(step.cost));
  if (step.summary) parts.push(step.summary);
  return parts.join(" · ");
}

/** The length of the axis: a round one that leaves room at the right. */
function axis(seconds) {
  const wanted = Math.max(0.4, seconds) * 1.12;
  if (wanted < 1) return 1;
  return SPANS.find((span) => span >= wanted) ?? Math.ceil(wanted / 86400) * 86400;
}

function tick(seconds, span) {
  if (seconds === 0) return "0 s";
  if (span < 4) return `${seconds.toFixed(2).replace(/0$/, "")} s`;
  if (span < 120) return `${Number(seconds.toFixed(1))} s`;
  if (span < 7200) return `${Number((seconds / 60).toFixed(1))} min`;
  return `${Number((seconds / 3600).toFixed(1))} h`;
}
