// One task: head, conversation, steps, raw events. The data is a TaskWatch; everything below draws
// it anew at most once a frame, and ten times a second while only time passes.

import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { createPortal } from "react-dom";
import { Link, useParams } from "react-router";

import { useAddress } from "$/public/address.js";
import { EventLog } from "$/public/event_log.jsx";
import * as format from "$/public/format.js";
import { Inspector } from "$/public/inspector.jsx";
import { useKeys } from "$/public/keys.js";
import { Copy, Failure, Icon, Segment, useIsPhone, useNow } from "$/public/parts.jsx";
import { visited } from "$/public/recent.js";
import { finish, show } from "$/public/started.js";
import { Talk } from "$/public/talk.jsx";
import { TaskHead } from "$/public/task_head.jsx";
import { TaskWatch } from "$/public/task_watch.js";
import { Waterfall } from "$/public/waterfall.jsx";

const KINDS = [["model", "Model"], ["tool", "Tool"], ["retrieval", "Retrieval"], ["memory", "Memory"], ["thought", "Thought"], ["agent", "Agent"]];

/** The page. */
export function TaskPage() {
  const { task_id: id } = useParams();
  const watch = useMemo(() => new TaskWatch(id), [id]);
  useEffect(() => {
    watch.open();
    return () => watch.close();
  }, [watch]);
  useSyncExternalStore(watch.subscribe, watch.snapshot);
  useEffect(() => show(id), [id]);
  const { task, problem } = watch;
  useEffect(() => {
    if (!task?.title) return;
    document.title = `${task.title} · PyGent Factory`;
    visited({ kind: "task", id, name: task.title.slice(0, 120) });
  }, [task?.title]);
  const crumbs = <Crumbs id={id} />;
  if (!task && problem) return <>{crumbs}<NoTask problem={problem} watch={watch} /></>;
  if (!task) return crumbs;
  return <>{crumbs}<Task key={id} watch={watch} task={task} /></>;
}

function NoTask({ problem, watch }) {
  if (problem.status === 404) {
    return (
      <div className="face"><div className="in">
        <h2>There is no such task</h2>
        <p className="quiet">{problem.message} The link may be mistyped, or the task belongs to another team.</p>
        <Link className="btn above" to="/tasks"><Icon name="leftc" size={14} />All tasks</Link>
      </div></div>
    );
  }
  return <Failure title="The task could not be read" problem={problem} onRetry={() => watch.open()} />;
}

function Crumbs({ id }) {
  const slot = document.getElementById("crumbs");
  return slot && createPortal(
    <>
      <Link to="/tasks" className="desk-only">Tasks</Link>
      <span className="desk-only"><Icon name="rightc" size={12} /></span>
      <Link className="phone-only btn ghost icon" to="/tasks" aria-label="Back to tasks"><Icon name="leftc" size={20} /></Link>
      <span className="mono desk-only" title={id}>{format.shortId(id)}</span>
      <span className="desk-only"><Copy text={id} label="Copy the task’s id" size={12} /></span>
      <b className="phone-only">Task</b>
    </>,
    slot,
  );
}

function Task({ watch, task }) {
  const isOpen = !format.isFinal(task.state);
  useNow(100, isOpen); // time passes without events too
  useEffect(() => {
    if (!isOpen && !document.hidden) finish(task.id); // seen here, often before the list hears of it
  }, [isOpen, task.id]);
  const now = watch.now();
  const isPhone = useIsPhone();
  const [search, change] = useAddress();
  const view = search.get("view") === "events" ? "events" : "steps";
  const chosen = search.get("step"); // a step's id; none: closed; absent: the one at work
  const [part, setPart] = useState(view === "events" ? view : chosen ? "steps" : "answer"); // on a phone one at a time
  const step = chosen ? task.steps.find((each) => each.id === chosen) : isPhone ? null : atWork(task);
  const selected = step?.id ?? null;
  const select = (id) => change({ step: id ?? "none" }, { replace: true });
  const choosePart = (next) => {
    setPart(next);
    change({ view: next === "events" ? next : null, ...(next === "answer" && { step: null }) }, { replace: true });
  };
  useKeys({ close: () => (selected && !document.querySelector(".passage, dialog[open]") ? select(null) : false) });

  const shown = isPhone ? part : null;
  const right = (isPhone ? part === "events" : view === "events")
    ? <div className="wf-events"><EventLog watch={watch} to={task.version} /></div>
    : (
      <>
        <Waterfall task={task} selected={selected} onSelect={select} now={now} isPhone={isPhone} />
        {step && <Inspector watch={watch} step={step} onClose={() => select(null)} now={now} />}
      </>
    );
  return (
    <div className="page task" data-part={shown}>
      <TaskHead watch={watch} task={task} now={now} />
      {isPhone && (
        <Segment label="Part of the task" className="phonetabs" value={part} onChange={choosePart}
          options={[["answer", "Answer"], ["steps", `Steps ${task.steps.length}`], ["events", "Raw events"]]} />
      )}
      <div className="taskbody">
        {(!isPhone || part === "answer") && <Talk task={task} onSelect={(id) => { select(id); setPart("steps"); }} now={now} />}
        {(!isPhone || part !== "answer") && (
          <section className="steps" aria-label={view === "events" ? "Raw events" : "Steps"}>
            {!isPhone && <StepsHead task={task} view={view} onView={(next) => change({ view: next === "events" ? next : null }, { replace: true })} />}
            {right}
          </section>
        )}
      </div>
    </div>
  );
}

/** The step that runs, or else the last one. */
function atWork(task) {
  return task.steps.findLast((step) => step.state === "running") ?? task.steps.at(-1);
}

function StepsHead({ task, view, onView }) {
  const kinds = new Set(task.steps.map((step) => step.kind));
  return (
    <div className="wf-head">
      <h2>{view === "events" ? "Raw events" : "Steps"}</h2>
      <span className="meta num">{format.count(view === "events" ? task.version : task.steps.length)}</span>
      {view === "steps" && (
        <div className="keys">
          {KINDS.filter(([kind]) => kinds.has(kind)).map(([kind, word]) => <span key={kind} className={`key-${kind}`}><i /><span className="quiet">{word}</span></span>)}
        </div>
      )}
      <span className="grow" />
      <Segment label="View" value={view} onChange={onView} options={[["steps", "Waterfall"], ["events", "Raw events"]]} />
    </div>
  );
}
